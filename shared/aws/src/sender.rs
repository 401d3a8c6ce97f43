//! Who may send, for every way to send: the division's list, SES's verified identities, and that SES sends at all.

use portal_domain::Division;
use portal_domain::email::EmailAddress;

use crate::mail::{Account, MailError, Mailer};

/// Why a sender can't be used now.
#[derive(Debug, thiserror::Error)]
pub enum SenderRefusal {
    /// The division has a list of senders, and this one is not on it.
    #[error("the sender is not on the division's list")]
    NotListed,
    /// SES has not verified the sender.
    #[error("SES has not verified the sender")]
    NotVerified,
    /// The SES account may not send now.
    #[error("sending is paused for the whole SES account")]
    SendingPaused,
    /// SES could not be asked.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Whether `from` may send for `division` now; answers what SES says of its account.
pub async fn check_sender(mailer: &Mailer, division: &Division, from: &EmailAddress) -> Result<Account, SenderRefusal> {
    if !division.allows_sender(from.as_str()) {
        return Err(SenderRefusal::NotListed);
    }
    let (account, verified) = futures::try_join!(mailer.account(), mailer.has_verified(from.as_str()))?;
    match (account.sending_enabled, verified) {
        (false, _) => Err(SenderRefusal::SendingPaused),
        (true, false) => Err(SenderRefusal::NotVerified),
        (true, true) => Ok(account),
    }
}
