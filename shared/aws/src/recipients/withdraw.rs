//! Ending a recipient's invitation before it was accepted, or an acceptance that was a mistake.

use jiff::Timestamp;
use portal_domain::PortalStatus;
use portal_domain::recipient::{ERASED, SetBack};

use super::{Recipients, as_read, with_status};
use crate::directory::item::RecipientItem;
use crate::table::Update;
use crate::table::condition::is;

impl Recipients {
    /// Makes a recipient `notSent` who is as they were read. When they were mailed last stays, so that nobody mails
    /// them again within a day without meaning to. That they were set back is kept, so that no campaign that is under
    /// way mails them again.
    pub(crate) fn set_back(&self, recipient: &RecipientItem, now: Timestamp) -> Update {
        let gone = ["digest", "earlier", "expiresAt", "acceptance", "pendingSince", "reminders"];
        let update = with_status(self.next_version(recipient), recipient.recipient_id, PortalStatus::NotSent);
        gone.into_iter()
            .fold(update, Update::remove)
            .set("setBack", SetBack { at: now, campaign_id: recipient.last_campaign_id })
            .when(as_read(recipient).and(is("status", recipient.status)))
    }

    /// From then on nobody mails a recipient, who was as they were read, and no password that was mailed opens
    /// anything: they are being erased.
    pub(crate) fn lock_out(&self, recipient: &RecipientItem) -> Update {
        let update = self.next_version(recipient).set("undeliverable", ERASED);
        update.remove("digest").remove("earlier").remove("resends").when(as_read(recipient))
    }
}
