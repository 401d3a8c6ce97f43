//! Settles claims that their owners never recorded, and `unconfirmed` rows that a person decides about.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Outcome, Reason, RecipientId, Shard};

use super::record::Record;
use super::{Claim, ClaimItem, Claims};
use crate::campaigns::ledger::counter::CounterItem;
use crate::clock;
use crate::table::{Attempts, StoreError};

/// Most rows that are settled in one transaction.
const SETTLED_AT_ONCE: usize = 80;

impl Claims {
    /// Makes the rows that are still `claimed` under a claim `unconfirmed`. Call it only after `claim_until`. Returns
    /// the claim and its recipients that are `queued`; if there are any, the claim stays open as in [`Claims::record`].
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

    /// Settles those of `recipients` that are `unconfirmed` as a person decides, as `sent` or `failed`, and returns
    /// their number. Their passwords stay as they are, because an e-mail may have left.
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
