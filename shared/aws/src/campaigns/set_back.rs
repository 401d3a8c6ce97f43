//! Setting a recipient back to `notSent`: an invitation is withdrawn, or an acceptance was a mistake.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::PortalStatus;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::recipient::SetBack;

use super::CampaignStore;
use super::accept::credential_key;
use super::outbox::{Event, Happened};
use crate::directory::item::RecipientItem;
use crate::directory::keys as directory_keys;
use crate::dynamo::{Item, StoreError, Transacted, key, n, s, transact, update};

impl CampaignStore {
    /// Makes a recipient `notSent` who is as they were read, with who, when and why in the recipient's audit trail: no password that was
    /// mailed is valid any more, and of who had accepted the chosen one is gone, the company's portal is told, and the campaign that
    /// counted them doesn't any more. `false`, and nothing is written, if they have changed.
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
        let mut actions = vec![self.forget_invitation(recipient, now)?, self.put_in_trail(id, &entry)?];
        if accepted {
            actions.push(self.delete_credential(credential_key(recipient))?);
            // Earlier releases kept it in the recipient's own partition.
            let earlier = key(directory_keys::recipient_pk(id), directory_keys::CREDENTIAL);
            actions.push(self.delete_credential(earlier)?);
            actions.push(Event::new(Happened::Revoked, id, &recipient.division, now).put(&self.table)?);
        }
        if let Some(acceptance) = &recipient.acceptance {
            actions.push(self.count_acceptance(id, acceptance, -1)?);
        }
        let written = transact(&self.client, "set a recipient back", actions).await?;
        Ok(matches!(written, Transacted::Done))
    }

    /// When they were mailed last stays, so that nobody mails them again within a day without meaning to. That they were set
    /// back is kept, so that no campaign that is under way mails them again.
    fn forget_invitation(&self, recipient: &RecipientItem, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let id = recipient.recipient_id;
        let set_back = SetBack { at: now, campaign_id: recipient.last_campaign_id };
        update(
            Update::builder()
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(id), directory_keys::RECIPIENT)))
                .update_expression(
                    "SET #status = :notSent, indexSort = :sort, setBack = :setBack, version = :next \
                     REMOVE digest, earlier, expiresAt, acceptance, pendingSince, reminders",
                )
                .condition_expression("version = :version AND #status = :before")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":before", s(recipient.status.as_str()))
                .expression_attribute_values(":setBack", serde_dynamo::to_attribute_value(set_back)?)
                .expression_attribute_values(":notSent", s(PortalStatus::NotSent.as_str()))
                .expression_attribute_values(":sort", s(directory_keys::recipient_sort(PortalStatus::NotSent, id)))
                .expression_attribute_values(":version", n(recipient.version))
                .expression_attribute_values(":next", n(recipient.version + 1)),
        )
    }

    fn delete_credential(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.directory).set_key(Some(key));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(StoreError::request)?).build())
    }
}
