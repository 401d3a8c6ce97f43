//! Taking back that mail does not reach a recipient.

use aws_sdk_dynamodb::types::Update;
use jiff::Timestamp;
use portal_domain::RecipientId;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};

use super::{CampaignStore, keys};
use crate::clock;
use crate::directory::keys as directory_keys;
use crate::dynamo::{StoreError, Transacted, key, n, transact, update};

impl CampaignStore {
    /// Lets a recipient be mailed again whose mail bounced or who complained, with who and when in the recipient's audit trail.
    /// `false` when there was nothing to take back.
    pub async fn clear_undeliverable(
        &self,
        recipient: RecipientId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let clear = update(
            Update::builder()
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(recipient), directory_keys::RECIPIENT)))
                .update_expression("REMOVE undeliverable ADD version :one")
                .condition_expression("attribute_exists(undeliverable)")
                .expression_attribute_values(":one", n(1)),
        )?;
        let entry = AuditEntry::new(now, by, Action::Cleared);
        let audit = self.put_new(key(keys::audit_pk(recipient), clock::new_event_id(now)), &entry)?;
        let cleared = transact(&self.client, "clear a recipient", vec![clear, audit]).await?;
        Ok(matches!(cleared, Transacted::Done))
    }
}
