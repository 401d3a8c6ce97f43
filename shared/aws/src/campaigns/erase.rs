//! What is left of a person in this table once they were erased: rows of ledgers that say of nobody what became of them.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use portal_domain::RecipientId;
use serde::Deserialize;

use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{Item, StoreError, key, s};

/// How many items are written at the same time.
const AT_ONCE: usize = 10;

/// How many rows, and entries of the audit trail, were taken care of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows of ledgers.
    pub rows: u64,
    /// Entries of the audit trail.
    pub entries: u64,
}

#[derive(Deserialize)]
struct Key {
    pk: String,
    sk: String,
}

impl CampaignStore {
    /// Takes everything from a recipient's ledger rows that belongs to a person: digests, what they were before, and SES's id of the
    /// e-mail. Outcome, attempt and counters stay. Deletes their audit trail. `None` if there is no more time after `until`; then it may be
    /// called again. The index that tells which rows there are is eventually consistent.
    pub async fn forget_person(
        &self,
        recipient: RecipientId,
        until: Option<Timestamp>,
    ) -> Result<Option<Forgotten>, StoreError> {
        let mut forgotten = Forgotten::default();
        let in_time = || until.is_none_or(|until| clock::now() < until);
        let rows = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::BY_RECIPIENT)
            .key_condition_expression("recipientId = :recipient AND begins_with(pk, :campaign)")
            .expression_attribute_values(":recipient", s(recipient.to_string()))
            .expression_attribute_values(":campaign", s(keys::SHARD_PREFIX));
        let mut from = None;
        loop {
            let page = rows.clone().set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| StoreError::of("list a recipient's campaigns", error))?;
            let found: Vec<Key> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            forgotten.rows += found.len() as u64;
            self.each(found, |row| self.make_anonymous(row)).await?;
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
            if !in_time() {
                return Ok(None);
            }
        }
        let trail = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :trail")
            .expression_attribute_values(":trail", s(keys::audit_pk(recipient)))
            .projection_expression("pk, sk");
        loop {
            let page = trail.clone().send().await.map_err(|error| StoreError::of("read an audit trail", error))?;
            let found: Vec<Key> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            if found.is_empty() {
                return Ok(Some(forgotten));
            }
            forgotten.entries += found.len() as u64;
            self.each(found, |entry| self.delete_entry(entry)).await?;
            if !in_time() {
                return Ok(None);
            }
        }
    }

    async fn each<F: Future<Output = Result<(), StoreError>>>(
        &self,
        keys: Vec<Key>,
        act: impl Fn(Item) -> F,
    ) -> Result<(), StoreError> {
        let acts = keys.into_iter().map(|Key { pk, sk }| act(key(pk, sk)));
        futures::stream::iter(acts).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn make_anonymous(&self, row: Item) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(row))
            .update_expression("REMOVE digest, priorState, messageId")
            // It may have expired.
            .condition_expression("attribute_exists(pk)");
        match request.send().await {
            Err(error) if error.code() != Some("ConditionalCheckFailedException") => {
                Err(StoreError::of("make a ledger row anonymous", error))
            }
            _ => Ok(()),
        }
    }

    async fn delete_entry(&self, entry: Item) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(entry));
        request.send().await.map_err(|error| StoreError::of("delete an entry of an audit trail", error))?;
        Ok(())
    }
}
