//! Settling claims whose owner never recorded them, and rows whose messages died.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Outcome, RecipientId, Shard};

use super::claim::Claim;
use super::counter::CounterItem;
use super::item::{ClaimItem, LedgerItem, WITHOUT_PASSWORDS};
use super::record::Record;
use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{StoreError, Transacted, back_off, batch_get_only, key, s, transact};

/// How many rows a person's decision settles in one transaction.
const SETTLED_AT_ONCE: usize = 80;

/// How often rows that change meanwhile are read anew.
const TRIES: u32 = 8;

/// Why someone failed of whom a person decided that nothing was sent.
const SETTLED: &str = "settled";

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

    /// Makes what is still `claimed` under a claim `unconfirmed`. Call it only after `claimUntil`. Answers the claim, and who of it
    /// is `queued`: as long as there is anybody the claim stays open, as in [`CampaignStore::record`].
    pub async fn settle(
        &self,
        campaign: CampaignId,
        shard: Shard,
        open: &ClaimItem,
    ) -> Result<(Claim, Vec<RecipientId>), StoreError> {
        let claim =
            Claim { campaign, shard, claim_id: open.claim_id, now: clock::now(), claim_until: open.claim_until };
        let (mut records, mut before) = (Vec::new(), Vec::new());
        for row in self.rows(campaign, shard, &open.recipient_ids).await? {
            let ours = row.claim_id == Some(claim.claim_id) || row.outcome == Outcome::Queued;
            if !ours {
                continue;
            }
            before.push(row.outcome);
            records.push(Record {
                recipient_id: row.recipient_id,
                event: LedgerEvent::LoseTrack,
                reason: Some("neverRecorded".to_owned()),
                message_id: None,
                undo: None,
            });
        }
        let waiting = self.record_from(&claim, records, before).await?;
        Ok((claim, waiting))
    }

    /// These rows of a shard, as far as they exist, read consistently, without passwords.
    pub async fn rows(
        &self,
        campaign: CampaignId,
        shard: Shard,
        recipients: &[RecipientId],
    ) -> Result<Vec<LedgerItem>, StoreError> {
        let pk = keys::shard_pk(campaign, shard);
        let wanted = recipients.iter().map(|id| (self.table.clone(), key(&pk, keys::ledger_sk(*id)))).collect();
        let items = batch_get_only(&self.client, wanted, WITHOUT_PASSWORDS).await?.into_iter();
        items.map(|(_, item)| Ok(serde_dynamo::from_item(item)?)).collect()
    }

    /// Settles those of `recipients` who are `unconfirmed`, as a person decides: they were `sent` to, or it `failed`. Answers how
    /// many were. Their passwords stay as they are: an e-mail may have left after all.
    pub async fn settle_as(
        &self,
        campaign: CampaignId,
        recipients: &[RecipientId],
        event: LedgerEvent,
        by: &Actor,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut settled = 0;
        for shard in Shard::all() {
            let of_shard: Vec<_> = recipients.iter().copied().filter(|id| id.shard() == shard).collect();
            for chunk in of_shard.chunks(SETTLED_AT_ONCE) {
                settled += self.settle_chunk(campaign, shard, chunk, event, by, now).await?;
            }
        }
        Ok(settled)
    }

    async fn settle_chunk(
        &self,
        campaign: CampaignId,
        shard: Shard,
        recipients: &[RecipientId],
        event: LedgerEvent,
        by: &Actor,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let pk = keys::shard_pk(campaign, shard);
        for attempt in 1..=TRIES {
            let mut counter = CounterItem::default();
            let mut actions = Vec::new();
            let mut entry = AuditEntry::new(now, by, Action::Settled);
            for row in self.rows(campaign, shard, recipients).await? {
                let Some(outcome) = row.outcome.after(event) else { continue };
                counter.moved(row.outcome, outcome);
                entry.outcome = Some(outcome);
                actions.push(self.move_row(&pk, campaign, &row, (outcome, SETTLED), now)?);
            }
            let settled = actions.len();
            if settled == 0 {
                return Ok(0);
            }
            entry.recipients = Some(settled as u64);
            actions.extend(self.count_on(&pk, 0, counter)?);
            actions.push(self.put_new(key(keys::audit_pk(campaign), clock::new_event_id(now)), &entry)?);
            if let Transacted::Done = transact(&self.client, "settle recipients", actions).await? {
                return Ok(settled);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Busy("settle recipients"))
    }
}
