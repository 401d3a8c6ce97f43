//! Lists of campaigns and of ledger rows, a page at a time.

use aws_sdk_dynamodb::types::AttributeValue;
use portal_domain::permission::Divisions;
use portal_domain::{Campaign, CampaignId, Outcome, RecipientId, Shard};
use serde::{Deserialize, Serialize};

use super::item::LedgerItem;
use super::{CampaignStore, keys};
use crate::dynamo::{Item, StoreError, key, s};

/// Where a page of ledger rows ended: the shard, and the last recipient seen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPosition {
    /// The shard that the next page goes on in.
    pub shard: Shard,
    /// The last recipient of that shard that was looked at.
    pub after: Option<RecipientId>,
}

impl CampaignStore {
    /// Campaigns of these divisions that were started before `before`, newest first: up to `limit`, and where to go on. Unless they are
    /// of every division, a page may be short, or empty, and not be the last.
    pub async fn list(
        &self,
        divisions: &Divisions,
        before: Option<CampaignId>,
        limit: usize,
    ) -> Result<(Vec<Campaign>, Option<CampaignId>), StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .scan_index_forward(false)
            .key_condition_expression("pk = :campaigns")
            .expression_attribute_values(":campaigns", s(keys::CAMPAIGNS))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(before.map(Self::campaign_key));
        if let Divisions::Only(divisions) = divisions {
            // No more than a user may be in groups, which is as many as IN takes: 100 (quotas of Cognito and of DynamoDB's expressions).
            let names: Vec<_> = (0..divisions.len()).map(|number| format!(":division{number}")).collect();
            query = query
                .filter_expression(format!("#filter.division IN ({})", names.join(", ")))
                .expression_attribute_names("#filter", "filter")
                .limit(1_000);
            for (name, division) in names.into_iter().zip(divisions) {
                query = query.expression_attribute_values(name, s(division.as_str()));
            }
        }
        let answer = query.send().await.map_err(|error| StoreError::of("list campaigns", error))?;
        let mut listed: Vec<Campaign> = serde_dynamo::from_items(answer.items.unwrap_or_default())?;
        if listed.len() > limit {
            listed.truncate(limit);
            let next = listed.last().map(|last| last.campaign_id);
            return Ok((listed, next));
        }
        let next = answer.last_evaluated_key.as_ref().and_then(|key| sort_key(key)).and_then(|id| id.parse().ok());
        Ok((listed, next))
    }

    /// Ledger rows of a campaign, all or those with one outcome: up to `limit`, and where to go on. A page may be short,
    /// or empty, and not be the last.
    pub async fn ledger(
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

    /// Rows that need attention, from their sparse index: few among many.
    async fn attention(
        &self,
        campaign: CampaignId,
        outcome: Outcome,
        from: Option<LedgerPosition>,
        limit: usize,
    ) -> Result<(Vec<LedgerItem>, Option<LedgerPosition>), StoreError> {
        let partition = keys::attention_pk(campaign, outcome);
        let start = from.and_then(|from| from.after).map(|after| {
            let mut start = key(keys::shard_pk(campaign, after.shard()), keys::ledger_sk(after));
            start.insert("attention".to_owned(), s(&partition));
            start.insert("recipientId".to_owned(), s(after.to_string()));
            start
        });
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::ATTENTION)
            .key_condition_expression("attention = :partition")
            .expression_attribute_values(":partition", s(&partition))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::of("list rows that need attention", error))?;
        let rows: Vec<LedgerItem> = serde_dynamo::from_items(answer.items.unwrap_or_default())?;
        let last = rows.last().map(|row| row.recipient_id).filter(|_| answer.last_evaluated_key.is_some());
        Ok((rows, last.map(|last| LedgerPosition { shard: last.shard(), after: Some(last) })))
    }

    /// Rows of one shard with one outcome, read consistently by one query: up to `limit`, and where to go on.
    pub(super) async fn rows_with(
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
        let pk = keys::shard_pk(campaign, shard);
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(consistent)
            .key_condition_expression("pk = :pk AND begins_with(sk, :ledger)")
            .expression_attribute_values(":pk", s(&pk))
            .expression_attribute_values(":ledger", s(keys::LEDGER_PREFIX))
            .set_exclusive_start_key(after.map(|after| key(&pk, keys::ledger_sk(after))));
        query = match outcome {
            None => query.limit(i32::try_from(limit).unwrap_or(i32::MAX)),
            Some(outcome) => query
                .filter_expression("outcome = :outcome")
                .expression_attribute_values(":outcome", s(outcome.as_str())),
        };
        let answer = query.send().await.map_err(|error| StoreError::of("list a campaign's ledger", error))?;
        let mut rows: Vec<LedgerItem> = serde_dynamo::from_items(answer.items.unwrap_or_default())?;
        if rows.len() > limit {
            rows.truncate(limit);
            let last = rows.last().map(|row| row.recipient_id);
            return Ok((rows, last));
        }
        let last = answer.last_evaluated_key.as_ref().and_then(|key| sort_key(key));
        let last = last.and_then(|sk| sk.strip_prefix(keys::LEDGER_PREFIX)).and_then(|id| id.parse().ok());
        Ok((rows, last))
    }
}

/// How many queries one page may cost: each reads up to 1 MB, and a page must be there well within API Gateway's 29 s.
const MOST_READS: usize = 40;

fn sort_key(key: &Item) -> Option<&str> {
    match key.get("sk") {
        Some(AttributeValue::S(sk)) => Some(sk),
        _ => None,
    }
}
