//! Whether mail reaches a recipient.

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
    /// Marks a recipient whom mail does not reach, unless they are being erased. A new version, so that whoever is
    /// about to claim the recipient decides anew.
    pub(crate) fn mark_undeliverable(&self, recipient: RecipientId, standing: Standing) -> Update {
        let mark = self.table.update(keys::recipient(recipient)).set("undeliverable", standing).add("version", 1);
        mark.when(exists().and(lacks("undeliverable").or(is_not("undeliverable", ERASED))))
    }

    /// Takes the mark off a recipient who is as they were read; in its place comes when the newest e-mail was claimed,
    /// if that came back.
    pub(crate) fn clear_undeliverable(&self, recipient: &RecipientItem, bounced: Option<Timestamp>) -> Update {
        let clear = self.next_version(recipient).set_or_remove("undeliverable", bounced.map(MailMark::Cleared));
        clear.when(has("undeliverable").and(as_read(recipient)))
    }
}
