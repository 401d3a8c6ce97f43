//! The audit trails of campaigns and of recipients.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use portal_domain::RecipientId;
use portal_domain::campaign::audit::AuditEntry;

use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{Item, StoreError, key, n, put, s};

impl CampaignStore {
    /// The action that adds an entry to a recipient's trail, where it is kept as long as a ledger row.
    pub(super) fn put_in_trail(
        &self,
        recipient: RecipientId,
        entry: &AuditEntry,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item: Item = serde_dynamo::to_item(entry)?;
        item.extend(key(keys::audit_pk(recipient), clock::new_event_id(entry.at)));
        item.insert("ttl".to_owned(), n(self.expiry(entry.at)));
        put(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// The newest `limit` entries about a campaign or a recipient, newest first, read consistently.
    pub async fn audit_trail(
        &self,
        subject: impl std::fmt::Display,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut entries = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :trail")
            .expression_attribute_values(":trail", s(keys::audit_pk(subject)))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .into_paginator()
            .items()
            .send();
        let mut trail = Vec::new();
        while trail.len() < limit
            && let Some(entry) = entries.next().await
        {
            let entry = entry.map_err(|error| StoreError::of("read an audit trail", error))?;
            trail.push(serde_dynamo::from_item(entry)?);
        }
        Ok(trail)
    }
}
