//! Writing the ledger, page by page of one shard.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use portal_domain::{CampaignId, RecipientId, Shard};

use super::item::{CursorItem, LedgerItem};
use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, TRANSACTION_ACTIONS, Transacted, condition_failed, key, n, put, transact};

/// Most ledger rows in one page: a transaction holds them and the cursor. It is a whole number of delivery messages.
pub const PAGE_ROWS: usize = 2 * portal_domain::campaign::DELIVERY_SIZE;
const _: () = assert!(PAGE_ROWS < TRANSACTION_ACTIONS);

/// How writing a page ended.
#[derive(Debug, PartialEq, Eq)]
pub enum PageWrite {
    /// Ledger rows and cursor are written.
    Written,
    /// Another invocation moved the cursor. Nothing is written.
    CursorMoved,
    /// The rows of these recipients are there already, or no longer what was read. Nothing is written.
    Changed(Vec<RecipientId>),
}

impl CampaignStore {
    /// The cursor of a shard, read consistently; `None` when the campaign doesn't go through that shard.
    pub async fn cursor(&self, campaign: CampaignId, shard: Shard) -> Result<Option<CursorItem>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::shard_pk(campaign, shard), keys::CURSOR)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a fan-out cursor", error))?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Moves the cursor `from` one page to `to`, and puts a `queued` ledger row for everyone in `to.to_queue`; all or
    /// nothing. At most [`PAGE_ROWS`] rows.
    pub async fn write_page(
        &self,
        campaign: CampaignId,
        shard: Shard,
        from: &CursorItem,
        to: &CursorItem,
    ) -> Result<PageWrite, StoreError> {
        let pk = keys::shard_pk(campaign, shard);
        let mut actions = vec![self.put_cursor(campaign, shard, from, to)?];
        for recipient_id in &to.to_queue {
            actions.push(self.put_new(key(&pk, keys::ledger_sk(*recipient_id)), &LedgerItem::queued(*recipient_id))?);
        }
        match transact(&self.client, "write a page of the ledger", actions).await? {
            Transacted::Done => Ok(PageWrite::Written),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(PageWrite::CursorMoved),
            Transacted::Refused(reasons) => {
                let rows = to.to_queue.iter().zip(reasons.iter().skip(1));
                let known = rows.filter(|(_, reason)| condition_failed(reason)).map(|(id, _)| *id).collect();
                Ok(PageWrite::Changed(known))
            }
        }
    }

    /// The action that moves a cursor `from` one page to `to`, unless somebody moved it.
    pub(super) fn put_cursor(
        &self,
        campaign: CampaignId,
        shard: Shard,
        from: &CursorItem,
        to: &CursorItem,
    ) -> Result<TransactWriteItem, StoreError> {
        let cursor = self.put_item(key(keys::shard_pk(campaign, shard), keys::CURSOR), to)?;
        put(cursor
            .condition_expression("page = :page AND done = :open")
            .expression_attribute_values(":page", n(from.page))
            .expression_attribute_values(":open", AttributeValue::Bool(false)))
    }
}
