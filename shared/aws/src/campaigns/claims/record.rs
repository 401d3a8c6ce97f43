//! Records the results of a claim.

use portal_domain::outcome::LedgerEvent;
use portal_domain::{Outcome, RecipientId};

use super::{Claim, Claims};
use crate::campaigns::ledger::counter::CounterItem;
use crate::campaigns::ledger::item::LedgerItem;
use crate::clock;
use crate::recipients::Undo;
use crate::table::condition::is;
use crate::table::{StoreError, Transacted, Update};

/// The result for one claimed recipient.
#[derive(Clone, Debug)]
pub struct Record {
    /// The recipient.
    pub recipient_id: RecipientId,
    /// The event: accepted, refused, put back or lost.
    pub event: LedgerEvent,
    /// The reason, except for acceptance: name of a [`Reason`](portal_domain::Reason) or SES's error code, never text
    /// that SES or a person wrote.
    pub reason: Option<String>,
    /// The id that SES gave the e-mail.
    pub message_id: Option<String>,
    /// The state that the recipient gets back if nothing was sent.
    pub undo: Option<Undo>,
}

impl Claims {
    /// Records a claim. A row that no longer belongs to the claim is left alone; a row that was settled as
    /// `unconfirmed` meanwhile is overwritten. A recipient gets its prior state back only if its digest is still the
    /// claim's and its status still `pending`.
    ///
    /// Returns the recipients that are `queued` again. The claim stays open and holds them until the caller has queued
    /// a message for them and closed it ([`Claims::close`]). If there are none, the claim is closed here.
    pub async fn record(&self, claim: &Claim, records: Vec<Record>) -> Result<Vec<RecipientId>, StoreError> {
        let before = vec![Outcome::Claimed; records.len()];
        self.record_from(claim, records, before).await
    }

    /// Records as [`Claims::record`]; `before` are the outcomes of the rows as they were read.
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
                // If somebody else recorded another outcome, the row still belongs to this claim.
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
}
