//! Withdraws an invitation that was not accepted, or an acceptance that was a mistake.

use jiff::Timestamp;
use portal_domain::PortalStatus;
use portal_domain::recipient::{ERASED, SetBack};

use super::{Recipients, as_read, with_status};
use crate::directory::item::RecipientItem;
use crate::table::Update;
use crate::table::condition::is;

impl Recipients {
    /// Makes a recipient `notSent` that is unchanged since it was read. The time of its last e-mail stays, so that
    /// nobody mails it again within a day by mistake. That it was set back is stored, so that no running campaign mails
    /// it again.
    pub(crate) fn set_back(&self, recipient: &RecipientItem, now: Timestamp) -> Update {
        let gone = ["digest", "earlier", "expiresAt", "acceptance", "pendingSince", "reminders"];
        let update = with_status(self.next_version(recipient), recipient.recipient_id, PortalStatus::NotSent);
        gone.into_iter()
            .fold(update, Update::remove)
            .set("setBack", SetBack { at: now, campaign_id: recipient.last_campaign_id })
            .when(as_read(recipient).and(is("status", recipient.status)))
    }

    /// Locks out a recipient that is being erased and is unchanged since it was read: nobody mails it any more, and no
    /// mailed password opens anything.
    pub(crate) fn lock_out(&self, recipient: &RecipientItem) -> Update {
        let update = self.next_version(recipient).set("undeliverable", ERASED);
        update.remove("digest").remove("earlier").remove("resends").when(as_read(recipient))
    }
}
