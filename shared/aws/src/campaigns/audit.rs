//! The audit trails of campaigns and of recipients.

use portal_domain::campaign::audit::AuditEntry;

use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, s};

impl CampaignStore {
    /// The newest `limit` entries about a campaign or a recipient, newest first, read consistently.
    pub async fn audit_trail(
        &self,
        subject: impl std::fmt::Display,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :trail")
            .expression_attribute_values(":trail", s(keys::audit_pk(subject)))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| StoreError::of("read an audit trail", error))?;
        Ok(serde_dynamo::from_items(answer.items.unwrap_or_default())?)
    }
}
