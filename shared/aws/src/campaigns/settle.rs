//! Settling claims whose owner never recorded them, and rows whose messages died.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Outcome, Reason, RecipientId, Shard};

use super::claim::Claim;
use super::item::ClaimItem;
use super::ledger::counter::CounterItem;
use super::record::Record;
use super::{CampaignStore, keys};
use crate::clock;
use crate::table::{Attempts, StoreError};

/// How many rows a person's decision settles in one transaction.
const SETTLED_AT_ONCE: usize = 80;

impl CampaignStore {
    /// The open claims of a shard, read consistently.
    pub async fn open_claims(&self, campaign: CampaignId, shard: Shard) -> Result<Vec<ClaimItem>, StoreError> {
        self.table.all("list open claims", keys::claims(campaign, shard)).await
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
        for row in self.ledger.rows(campaign, shard, &open.recipient_ids).await? {
            let ours = row.claim_id == Some(claim.claim_id) || row.outcome == Outcome::Queued;
            if !ours {
                continue;
            }
            before.push(row.outcome);
            records.push(Record {
                recipient_id: row.recipient_id,
                event: LedgerEvent::LoseTrack,
                reason: Some(Reason::NeverRecorded.to_string()),
                message_id: None,
                undo: None,
            });
        }
        let waiting = self.record_from(&claim, records, before).await?;
        Ok((claim, waiting))
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
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let mut tx = self.table.tx("settle recipients");
            let mut counter = CounterItem::default();
            let mut entry = AuditEntry::new(now, by, Action::Settled);
            for row in self.ledger.rows(campaign, shard, recipients).await? {
                let Some(outcome) = row.outcome.after(event) else { continue };
                counter.moved(row.outcome, outcome);
                entry.outcome = Some(outcome);
                tx.add(self.ledger.update_with_reason(campaign, shard, &row, (outcome, Reason::Settled), now));
            }
            let settled = tx.len();
            if settled == 0 {
                return Ok(0);
            }
            entry.recipients = Some(settled as u64);
            tx.extend(self.ledger.count(campaign, shard, 0, counter));
            tx.add(self.trails.add(campaign, &entry));
            if tx.write().await?.is_done() {
                return Ok(settled);
            }
        }
        Err(StoreError::Busy("settle recipients"))
    }
}
