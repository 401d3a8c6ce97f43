//! Sets a recipient back to `notSent`: an invitation is withdrawn, or an acceptance was a mistake.

use jiff::Timestamp;
use portal_domain::PortalStatus;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};

use super::PeopleStore;
use crate::directory::item::RecipientItem;
use crate::outbox::event::{Event, Happened};
use crate::table::StoreError;

impl PeopleStore {
    /// Makes a recipient `notSent` that is unchanged since it was read, with an entry in its audit trail. Mailed
    /// passwords become invalid. If the recipient had accepted, the chosen password is deleted, the company's portal
    /// gets an event, and the campaign no longer counts the acceptance. `false`, and nothing is written, if the
    /// recipient has changed.
    pub async fn set_back(
        &self,
        recipient: &RecipientItem,
        by: &Actor,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let accepted = recipient.status == PortalStatus::Accepted;
        let action = if accepted { Action::SetBack } else { Action::Withdrawn };
        let entry = AuditEntry { note: Some(why.to_owned()), ..AuditEntry::new(now, by, action) };
        let id = recipient.recipient_id;
        let mut tx = self.directory.tx("set a recipient back");
        tx.add(self.recipients.set_back(recipient, now));
        tx.add(self.trails.add_about_recipient(id, &entry));
        if accepted {
            tx.extend(self.recipients.delete_credential(id));
            tx.add(self.outbox.add_event(&Event::new(Happened::Revoked, id, &recipient.division, now)));
        }
        tx.extend(recipient.acceptance.as_ref().map(|acceptance| self.acceptances.count(id, acceptance, -1)));
        Ok(tx.write().await?.is_done())
    }
}
