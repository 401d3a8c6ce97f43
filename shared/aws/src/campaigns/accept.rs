//! Accepting an invitation: one transaction by which a temporary password is spent.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::campaign::audit::{Action, AuditEntry, CUSTOMER};
use portal_domain::new_password::PasswordHashed;
use portal_domain::{AccountId, PortalStatus};
use serde::{Deserialize, Serialize};

use super::CampaignStore;
use super::outbox::{Event, Happened};
use crate::directory::item::{Acceptance, RecipientItem};
use crate::directory::keys as directory_keys;
use crate::dynamo::{Item, StoreError, Transacted, key, n, put, s, transact, update};

/// The hash of the password that a recipient chose.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialItem {
    /// Argon2id, as a PHC string.
    password_hash: String,
    /// When it was chosen.
    changed_at: Timestamp,
}

/// How accepting ended.
#[derive(Debug)]
pub enum Accepted {
    /// It is written. The event is to be published.
    Done(Box<Event>),
    /// The recipient is no longer what was read. Nothing is written.
    Changed,
}

impl CampaignStore {
    /// Makes the recipient `accepted` and keeps the hash of the new password, on the condition that the recipient is the one that was
    /// read, is `pending` and linked to an account, and still has this password, unexpired. With it: the event for the company's portal, an entry in the audit trail,
    /// and the count of the campaign whose password it was. All of it, once, or nothing.
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
        let mut actions = vec![
            self.accept_recipient(recipient, password, &acceptance)?,
            self.put_credential(recipient, chosen, now)?,
            event.put(&self.table)?,
            self.put_in_trail(id, &entry)?,
            self.count_acceptance(id, &acceptance, 1)?,
        ];
        if let Some((account, version)) = &recipient.linked_by {
            actions.push(self.require_account(account, *version)?);
        }
        let written = transact(&self.client, "accept an invitation", actions).await;
        if matches!(written, Ok(Transacted::Done)) {
            return Ok(Accepted::Done(Box::new(event)));
        }
        // The answer to an earlier try may be lost, or come late, and all of it be written: then this very hash is stored.
        let stored = self.credential(recipient).await;
        if let Ok(Some(stored)) = stored
            && stored.password_hash == chosen.as_str()
        {
            return Ok(Accepted::Done(Box::new(event)));
        }
        written.map(|_| Accepted::Changed)
    }

    fn accept_recipient(
        &self,
        recipient: &RecipientItem,
        password: &Mailed,
        acceptance: &Acceptance,
    ) -> Result<TransactWriteItem, StoreError> {
        let id = recipient.recipient_id;
        let (digest, expiry) = match recipient.earlier.iter().position(|earlier| earlier == password) {
            Some(index) => (format!("earlier[{index}].digest"), format!("earlier[{index}].expiresAt")),
            None => ("digest".to_owned(), "expiresAt".to_owned()),
        };
        let (mut builder, mut linked) = (Update::builder(), "");
        // Else an account's item says that they are linked, and is checked instead.
        if recipient.linked_by.is_none() {
            builder = builder.expression_attribute_values(":none", n(0));
            linked = "AND accountCount > :none";
        }
        update(
            builder
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(id), directory_keys::RECIPIENT)))
                .update_expression(
                    "SET #status = :accepted, indexSort = :sort, acceptance = :acceptance, version = :next \
                     REMOVE digest, earlier, expiresAt",
                )
                .condition_expression(format!(
                    "version = :version AND #status = :pending {linked} AND {digest} = :digest AND {expiry} = :expiry"
                ))
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":accepted", s(PortalStatus::Accepted.as_str()))
                .expression_attribute_values(":pending", s(PortalStatus::Pending.as_str()))
                .expression_attribute_values(":sort", s(directory_keys::recipient_sort(PortalStatus::Accepted, id)))
                .expression_attribute_values(":acceptance", serde_dynamo::to_attribute_value(acceptance)?)
                .expression_attribute_values(":digest", s(password.digest.as_str()))
                // That it lies ahead was decided from this very value.
                .expression_attribute_values(":expiry", s(password.expires_at.to_string()))
                .expression_attribute_values(":version", n(recipient.version))
                .expression_attribute_values(":next", n(recipient.version + 1)),
        )
    }

    /// The account by which a recipient is linked is the one that was read.
    fn require_account(&self, account: &AccountId, version: u64) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.directory)
            .set_key(Some(key(directory_keys::account_pk(account), directory_keys::ACCOUNT)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", n(version))
            .build()
            .map_err(StoreError::request)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn put_credential(
        &self,
        recipient: &RecipientItem,
        chosen: &PasswordHashed,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let credential = CredentialItem { password_hash: chosen.as_str().to_owned(), changed_at: now };
        let mut item: Item = serde_dynamo::to_item(credential)?;
        item.extend(credential_key(recipient));
        put(Put::builder().table_name(&self.directory).set_item(Some(item)))
    }

    async fn credential(&self, recipient: &RecipientItem) -> Result<Option<CredentialItem>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.directory)
            .set_key(Some(credential_key(recipient)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a credential", error))?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }
}

/// The key of the hash of the password that a recipient chose.
pub(crate) fn credential_key(recipient: &RecipientItem) -> Item {
    key(directory_keys::credential_pk(recipient.recipient_id), directory_keys::CREDENTIAL)
}
