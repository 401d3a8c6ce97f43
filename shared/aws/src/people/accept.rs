//! Accepts an invitation: one transaction uses up the temporary password.

use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::campaign::audit::{Action, AuditEntry, CUSTOMER};
use portal_domain::new_password::PasswordHashed;

use super::PeopleStore;
use crate::directory::item::{Acceptance, RecipientItem};
use crate::directory::keys as directory_keys;
use crate::outbox::event::{Event, Happened};
use crate::table::condition::is;
use crate::table::{StoreError, Transacted};

/// The result of accepting.
#[derive(Debug)]
pub enum Accepted {
    /// The acceptance is written, and its event is to be published.
    Done(Box<Event>),
    /// The recipient has changed since it was read. Nothing is written.
    Changed,
}

impl PeopleStore {
    /// Makes a recipient `accepted` and stores the hash of the new password, on the condition that the recipient is
    /// unchanged since it was read, is `pending` and linked to an account, and still has this password, unexpired. The
    /// same transaction writes the event for the company's portal and an entry in the audit trail, and counts the
    /// acceptance for the campaign that mailed the password.
    pub async fn accept(
        &self,
        recipient: &RecipientItem,
        password: &Mailed,
        chosen: &PasswordHashed,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let id = recipient.recipient_id;
        let acceptance = Acceptance { at: now, campaign_id: password.campaign_id, seconds: password.age(now) };
        let accepted = Happened::Accepted { campaign_id: password.campaign_id };
        let event = Event::new(accepted, id, &recipient.division, now);
        let entry = AuditEntry::new(now, CUSTOMER, Action::Accepted);
        let mut tx = self.directory.tx("accept an invitation");
        tx.add(self.recipients.accept(recipient, password, &acceptance));
        tx.add(self.recipients.put_credential(id, chosen, now));
        tx.add(self.outbox.add_event(&event));
        tx.add(self.trails.add_about_recipient(id, &entry));
        tx.add(self.acceptances.count(id, &acceptance, 1));
        // The account that links the recipient must be unchanged since it was read.
        tx.extend(
            recipient.linked_by.as_ref().map(|(account, version)| {
                self.directory.check(directory_keys::account(account), is("version", version))
            }),
        );
        let written = tx.write().await;
        if matches!(written, Ok(Transacted::Done)) {
            return Ok(Accepted::Done(Box::new(event)));
        }
        // The answer to an earlier try may have been lost or late although the transaction was written. Then exactly
        // this hash is stored.
        let stored = self.recipients.credential(id).await;
        if let Ok(Some(stored)) = stored
            && stored.password_hash == chosen.as_str()
        {
            return Ok(Accepted::Done(Box::new(event)));
        }
        written.map(|_| Accepted::Changed)
    }
}
