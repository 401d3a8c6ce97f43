//! Recording what became of a claim.

use portal_domain::outcome::LedgerEvent;
use portal_domain::{Outcome, RecipientId};

use super::CampaignStore;
use super::claim::Claim;
use super::ledger::counter::CounterItem;
use super::ledger::item::LedgerItem;
use crate::clock;
use crate::recipients::Undo;
use crate::table::condition::is;
use crate::table::{StoreError, Transacted, Update};

/// What became of one claimed recipient.
#[derive(Clone, Debug)]
pub struct Record {
    /// The recipient.
    pub recipient_id: RecipientId,
    /// What happened: accepted, refused, put back or lost.
    pub event: LedgerEvent,
    /// Why, for everything but acceptance: name of a [`Reason`](portal_domain::Reason) or SES's error code, never text
    /// that SES or a person wrote.
    pub reason: Option<String>,
    /// The id that SES gave the e-mail.
    pub message_id: Option<String>,
    /// What to give back to the recipient when nothing was sent.
    pub undo: Option<Undo>,
}

impl CampaignStore {
    /// Records a claim. A row that is no longer this claim's is left alone; one that was settled as `unconfirmed`
    /// meanwhile is recorded over. A recipient gets its prior state back only if its digest is still the claim's and
    /// its status still `pending`.
    ///
    /// Answers who of the claim is `queued` again. The claim stays open and holds them until the caller has queued a
    /// message for them and closed it ([`CampaignStore::close`]); if there is nobody it is closed here.
    pub async fn record(&self, claim: &Claim, records: Vec<Record>) -> Result<Vec<RecipientId>, StoreError> {
        let before = vec![Outcome::Claimed; records.len()];
        self.record_from(claim, records, before).await
    }

    /// The same, where `before` are the outcomes of the rows as they were read.
    pub(super) async fn record_from(
        &self,
        claim: &Claim,
        mut records: Vec<Record>,
        mut before: Vec<Outcome>,
    ) -> Result<Vec<RecipientId>, StoreError> {
        loop {
            let mut waiting = Vec::new();
            let mut tx = self.table.tx("record a claim");
            let (mut rows, mut undone) = (Vec::new(), Vec::new());
            let mut counter = CounterItem::default();
            for (index, record) in records.iter().enumerate() {
                let after = before[index].after(record.event);
                if after.unwrap_or(before[index]) == Outcome::Queued {
                    waiting.push(record.recipient_id);
                }
                let Some(outcome) = after else { continue };
                counter.moved(before[index], outcome);
                rows.push((index, tx.add(self.record_row(claim, record, before[index], outcome))));
                if let Some(undo) = &record.undo {
                    undone.push((index, tx.add(self.recipients.give_back(record.recipient_id, undo))));
                }
            }
            tx.add(match waiting.is_empty() {
                true => self.table.delete(claim.key()),
                false => self.hold(claim, waiting.clone()),
            });
            tx.extend(self.count(claim, counter));
            let refused = match tx.write().await? {
                Transacted::Done => return Ok(waiting),
                Transacted::Refused(refused) => refused,
            };
            for (index, _) in undone.into_iter().filter(|(_, part)| refused.failed(*part)) {
                records[index].undo = None;
            }
            for (index, part) in rows.into_iter().rev().filter(|(_, part)| refused.failed(*part)) {
                // It is still this claim's if somebody else has recorded it otherwise.
                let row = refused.item(part)?.filter(|row: &LedgerItem| row.claim_id == Some(claim.claim_id));
                match row {
                    Some(row) if row.outcome != before[index] => before[index] = row.outcome,
                    _ => {
                        records.remove(index);
                        before.remove(index);
                    }
                }
            }
        }
    }

    fn record_row(&self, claim: &Claim, record: &Record, before: Outcome, outcome: Outcome) -> Update {
        let row = self.ledger.update_any(claim.campaign, claim.shard, record.recipient_id, outcome, clock::now());
        let row = row.set_or_remove("reason", record.reason.as_ref());
        let row = row.set_or_remove("messageId", record.message_id.as_ref());
        row.when(is("claimId", claim.claim_id).and(is("outcome", before))).showing_item()
    }

    /// Closes a claim whose waiting recipients are queued.
    pub async fn close(&self, claim: &Claim) -> Result<(), StoreError> {
        self.table.run("close a claim", self.table.delete(claim.key())).await?;
        Ok(())
    }
}
