//! Accepting an invitation, and the password that a recipient chose.

use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::new_password::PasswordHashed;
use portal_domain::{PortalStatus, RecipientId};

use super::{Recipients, as_read, with_status};
use crate::directory::item::{Acceptance, CredentialItem, RecipientItem};
use crate::directory::keys;
use crate::table::condition::{above, is};
use crate::table::{Action, StoreError, Update};

impl Recipients {
    /// Makes a recipient `accepted`, on the condition that they are as they were read, `pending`, linked to an account,
    /// and still have this password.
    pub(crate) fn accept(&self, recipient: &RecipientItem, password: &Mailed, acceptance: &Acceptance) -> Update {
        let (digest, expiry) = match recipient.earlier.iter().position(|earlier| earlier == password) {
            Some(index) => (format!("earlier[{index}].digest"), format!("earlier[{index}].expiresAt")),
            None => ("digest".to_owned(), "expiresAt".to_owned()),
        };
        let mut as_read = as_read(recipient).and(is("status", PortalStatus::Pending));
        // Else an account's item says that they are linked, and is checked instead.
        if recipient.linked_by.is_none() {
            as_read = as_read.and(above("accountCount", 0));
        }
        // That the expiry lies ahead was decided from this very value.
        let as_read = as_read.and(is(digest, &password.digest)).and(is(expiry, password.expires_at));
        with_status(self.next_version(recipient), recipient.recipient_id, PortalStatus::Accepted)
            .set("acceptance", acceptance)
            .remove("digest")
            .remove("earlier")
            .remove("expiresAt")
            .when(as_read)
    }

    /// Keeps the hash of the password that a recipient chose.
    pub(crate) fn put_credential(&self, recipient: RecipientId, chosen: &PasswordHashed, now: Timestamp) -> Action {
        let credential = CredentialItem { password_hash: chosen.as_str().to_owned(), changed_at: now };
        self.table.put(keys::credential(recipient), &credential)
    }

    /// The hash of the password that a recipient chose, read consistently.
    pub(crate) async fn credential(&self, recipient: RecipientId) -> Result<Option<CredentialItem>, StoreError> {
        self.table.get("read a credential", &keys::credential(recipient)).await
    }

    /// Deletes it, wherever it is kept.
    pub(crate) fn delete_credential(&self, recipient: RecipientId) -> [Action; 2] {
        [self.table.delete(keys::credential(recipient)), self.table.delete(keys::earlier_credential(recipient))]
    }
}
