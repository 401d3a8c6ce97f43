//! The marks that tell whether mail reaches a recipient.

use jiff::Timestamp;
use portal_domain::RecipientId;
use portal_domain::feedback::Standing;
use portal_domain::recipient::ERASED;

use super::{Recipients, as_read};
use crate::directory::item::{MailMark, RecipientItem};
use crate::directory::keys;
use crate::table::Update;
use crate::table::condition::{exists, has, is_not, lacks};

impl Recipients {
    /// Marks a recipient as undeliverable, unless it is being erased. The version changes, so that a delivery about to
    /// claim the recipient decides again.
    pub(crate) fn mark_undeliverable(&self, recipient: RecipientId, standing: Standing) -> Update {
        let mark = self.table.update(keys::recipient(recipient)).set("undeliverable", standing).add("version", 1);
        mark.when(exists().and(lacks("undeliverable").or(is_not("undeliverable", ERASED))))
    }

    /// Removes the mark of a recipient that is unchanged since it was read. If the newest e-mail came back, the time of
    /// its claim takes the mark's place.
    pub(crate) fn clear_undeliverable(&self, recipient: &RecipientItem, bounced: Option<Timestamp>) -> Update {
        let clear = self.next_version(recipient).set_or_remove("undeliverable", bounced.map(MailMark::Cleared));
        clear.when(has("undeliverable").and(as_read(recipient)))
    }
}
