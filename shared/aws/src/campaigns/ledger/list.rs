//! Lists of ledger rows, a page at a time.

use portal_domain::{Campaign, CampaignId, Outcome, RecipientId, Shard};
use serde::{Deserialize, Serialize};

use super::item::LedgerItem;
use super::{Ledger, keys};
use crate::table::StoreError;
use crate::table::condition::is;

/// Most queries for one page. Each reads up to 1 MB, and a page must be ready well within API Gateway's limit of 29 s.
const MOST_READS: usize = 40;

/// Where a page of ledger rows ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPosition {
    /// The shard in which the next page starts.
    pub shard: Shard,
    /// The last recipient of that shard that was read.
    pub after: Option<RecipientId>,
}

impl Ledger {
    /// Rows of a campaign, all or those with one outcome: up to `limit`, and the position of the next page. A page may
    /// be short or empty without being the last.
    pub async fn list(
        &self,
        campaign: &Campaign,
        outcome: Option<Outcome>,
        from: Option<LedgerPosition>,
        limit: usize,
    ) -> Result<(Vec<LedgerItem>, Option<LedgerPosition>), StoreError> {
        if let Some(outcome) = outcome.filter(|outcome| outcome.needs_attention()) {
            return self.attention(campaign.campaign_id, outcome, from, limit).await;
        }
        let shards = campaign.shards();
        let Some(first) = shards.first() else { return Ok((Vec::new(), None)) };
        let from = from.unwrap_or(LedgerPosition { shard: *first, after: None });
        let mut position = Some(from);
        let mut rows = Vec::new();
        let mut reads = 0;
        while let Some(LedgerPosition { shard, after }) = position
            && rows.len() < limit
            && reads < MOST_READS
        {
            reads += 1;
            let (found, after) =
                self.shard_rows(campaign.campaign_id, shard, outcome, after, limit - rows.len(), false).await?;
            rows.extend(found);
            position = match after {
                Some(after) => Some(LedgerPosition { shard, after: Some(after) }),
                None => {
                    shards.iter().find(|next| **next > shard).map(|next| LedgerPosition { shard: *next, after: None })
                }
            };
        }
        Ok((rows, position))
    }

    /// Rows that need attention, from their sparse index, since they are few among many.
    async fn attention(
        &self,
        campaign: CampaignId,
        outcome: Outcome,
        from: Option<LedgerPosition>,
        limit: usize,
    ) -> Result<(Vec<LedgerItem>, Option<LedgerPosition>), StoreError> {
        let query = keys::attention(campaign, outcome, from.and_then(|from| from.after)).limit(limit);
        let page = self.table.page("list rows that need attention", query).await?;
        let last = page.items.last().map(|row| row.recipient_id).filter(|_| page.has_more());
        Ok((page.items, last.map(|last| LedgerPosition { shard: last.shard(), after: Some(last) })))
    }

    /// Rows of one shard with one outcome, read consistently by one query: up to `limit`, and the last recipient that
    /// was read if there may be more.
    pub(crate) async fn rows_with(
        &self,
        campaign: CampaignId,
        shard: Shard,
        outcome: Outcome,
        after: Option<RecipientId>,
        limit: usize,
    ) -> Result<(Vec<LedgerItem>, Option<RecipientId>), StoreError> {
        self.shard_rows(campaign, shard, Some(outcome), after, limit, true).await
    }

    async fn shard_rows(
        &self,
        campaign: CampaignId,
        shard: Shard,
        outcome: Option<Outcome>,
        after: Option<RecipientId>,
        limit: usize,
        consistent: bool,
    ) -> Result<(Vec<LedgerItem>, Option<RecipientId>), StoreError> {
        let query = keys::rows(campaign, shard).after(after.map(|after| keys::row(campaign, shard, after)));
        let query = if consistent { query } else { query.stale() };
        let query = match outcome {
            None => query.limit(limit),
            Some(outcome) => query.filter(is("outcome", outcome)),
        };
        let page = self.table.page("list a campaign's ledger", query).await?;
        let last = page.last_sort_key().and_then(|sk| sk.strip_prefix(keys::LEDGER_PREFIX));
        let last = last.and_then(|id| id.parse().ok());
        let mut rows = page.items;
        if rows.len() > limit {
            rows.truncate(limit);
            let last = rows.last().map(|row| row.recipient_id);
            return Ok((rows, last));
        }
        Ok((rows, last))
    }
}
