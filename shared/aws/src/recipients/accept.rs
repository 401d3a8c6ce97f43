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
    /// Makes a recipient `accepted`, on the condition that it is unchanged since it was read, `pending`, linked to an
    /// account, and still has this password.
    pub(crate) fn accept(&self, recipient: &RecipientItem, password: &Mailed, acceptance: &Acceptance) -> Update {
        let (digest, expiry) = match recipient.earlier.iter().position(|earlier| earlier == password) {
            Some(index) => (format!("earlier[{index}].digest"), format!("earlier[{index}].expiresAt")),
            None => ("digest".to_owned(), "expiresAt".to_owned()),
        };
        let mut as_read = as_read(recipient).and(is("status", PortalStatus::Pending));
        // Otherwise an account's item links the recipient, and that item is checked instead.
        if recipient.linked_by.is_none() {
            as_read = as_read.and(above("accountCount", 0));
        }
        // The caller compared this very expiry with the time.
        let as_read = as_read.and(is(digest, &password.digest)).and(is(expiry, password.expires_at));
        with_status(self.next_version(recipient), recipient.recipient_id, PortalStatus::Accepted)
            .set("acceptance", acceptance)
            .remove("digest")
            .remove("earlier")
            .remove("expiresAt")
            .when(as_read)
    }

    /// Stores the hash of the password that a recipient chose.
    pub(crate) fn put_credential(&self, recipient: RecipientId, chosen: &PasswordHashed, now: Timestamp) -> Action {
        let credential = CredentialItem { password_hash: chosen.as_str().to_owned(), changed_at: now };
        self.table.put(keys::credential(recipient), &credential)
    }

    /// The hash of the password that a recipient chose, read consistently.
    pub(crate) async fn credential(&self, recipient: RecipientId) -> Result<Option<CredentialItem>, StoreError> {
        self.table.get("read a credential", &keys::credential(recipient)).await
    }

    /// Deletes the hash, including that of an earlier release.
    pub(crate) fn delete_credential(&self, recipient: RecipientId) -> [Action; 2] {
        [self.table.delete(keys::credential(recipient)), self.table.delete(keys::earlier_credential(recipient))]
    }
}
