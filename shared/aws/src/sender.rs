//! Checks a sender, for every way to send: the division's list or domain, SES's verified identities, and that SES sends
//! at all.

use portal_domain::Division;
use portal_domain::division::SenderRefusal;
use portal_domain::email::EmailAddress;

use crate::mail::{Account, MailError, Mailer};

/// Whether `from` may send for `division` now; answers SES's account if so. The outer error: SES could not be asked.
pub async fn check_sender(
    mailer: &Mailer,
    division: &Division,
    from: &EmailAddress,
) -> Result<Result<Account, SenderRefusal>, MailError> {
    if let Some(refusal) = division.refuses_sender(from.as_str()) {
        return Ok(Err(refusal));
    }
    let (account, verified) = futures::try_join!(mailer.account(), mailer.has_verified(from.as_str()))?;
    Ok(match (account.sending_enabled, verified) {
        (false, _) => Err(SenderRefusal::SendingPaused),
        (true, false) => Err(SenderRefusal::NotVerified),
        (true, true) => Ok(account),
    })
}
