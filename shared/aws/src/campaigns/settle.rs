//! Settling claims whose owner never recorded them, and rows whose messages died.

use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Shard};

use super::claim::Claim;
use super::item::ClaimItem;
use super::record::Record;
use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{StoreError, s};

impl CampaignStore {
    /// The open claims of a shard, read consistently.
    pub async fn open_claims(&self, campaign: CampaignId, shard: Shard) -> Result<Vec<ClaimItem>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :claim)")
            .expression_attribute_values(":pk", s(keys::shard_pk(campaign, shard)))
            .expression_attribute_values(":claim", s(keys::CLAIM_PREFIX))
            .into_paginator()
            .send();
        let mut claims = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::of("list open claims", error))?;
            let found: Vec<ClaimItem> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            claims.extend(found);
        }
        Ok(claims)
    }

    /// Makes what is still `claimed` under a claim `unconfirmed`, and closes the claim. Call it only after `claimUntil`.
    pub async fn settle(&self, campaign: CampaignId, shard: Shard, open: &ClaimItem) -> Result<(), StoreError> {
        let claim =
            Claim { campaign, shard, claim_id: open.claim_id, now: clock::now(), claim_until: open.claim_until };
        let lost = open.recipient_ids.iter().map(|recipient_id| Record {
            recipient_id: *recipient_id,
            event: LedgerEvent::LoseTrack,
            reason: Some("neverRecorded".to_owned()),
            message_id: None,
            undo: None,
        });
        self.record(&claim, lost.collect()).await
    }
}
