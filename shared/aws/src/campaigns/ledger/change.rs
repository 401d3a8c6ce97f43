//! The actions that write ledger rows and their counters.

use jiff::Timestamp;
use portal_domain::feedback::Standing;
use portal_domain::{CampaignId, Outcome, Reason, RecipientId, Shard};

use super::counter::CounterItem;
use super::item::LedgerItem;
use super::{Ledger, keys};
use crate::table::condition::is;
use crate::table::{Action, Update};

impl Ledger {
    /// The action that adds the row of a recipient, as `queued`, if there is none.
    pub(crate) fn add(&self, campaign: CampaignId, shard: Shard, recipient: RecipientId) -> Action {
        self.table.put_new(keys::row(campaign, shard, recipient), &LedgerItem::queued(recipient))
    }

    /// The update of a row to an outcome, if its outcome and attempt are as they were read. The attempt must match
    /// because a retry makes a row `queued` again, and its next e-mail must have a number of its own.
    pub(crate) fn update(
        &self,
        campaign: CampaignId,
        shard: Shard,
        row: &LedgerItem,
        outcome: Outcome,
        now: Timestamp,
    ) -> Update {
        let update = self.update_any(campaign, shard, row.recipient_id, outcome, now);
        update.when(is("outcome", row.outcome).and(is("attempt", row.attempt)))
    }

    /// The update of a row to an outcome as [`Ledger::update`], with the reason if the outcome needs attention.
    pub(crate) fn update_with_reason(
        &self,
        campaign: CampaignId,
        shard: Shard,
        row: &LedgerItem,
        (outcome, reason): (Outcome, Reason),
        now: Timestamp,
    ) -> Update {
        let update = self.update(campaign, shard, row, outcome, now);
        let update = update.set_or_remove("reason", outcome.needs_attention().then_some(reason));
        // The standing of a rejected attempt does not apply to the next one, and SES may report it again: the next
        // attempt gets a new number. The bounce of an older attempt stays, and stays counted.
        if outcome == Outcome::Queued && row.standing == Some(Standing::Rejected) {
            return update.set("attempt", row.attempt + 1).remove("standing").remove("standingDetail");
        }
        update
    }

    /// The update of a row to an outcome, without a condition.
    pub(crate) fn update_any(
        &self,
        campaign: CampaignId,
        shard: Shard,
        recipient: RecipientId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Update {
        let attention = outcome.needs_attention().then(|| keys::attention_pk(campaign, outcome));
        self.any(campaign, shard, recipient)
            .set("outcome", outcome)
            .set_or_remove("attention", attention)
            .set_or_remove("ttl", self.expiry(outcome, now))
            .set("updatedAt", now)
    }

    /// The update of a row that keeps its outcome, without a condition.
    pub(crate) fn any(&self, campaign: CampaignId, shard: Shard, recipient: RecipientId) -> Update {
        self.table.update(keys::row(campaign, shard, recipient))
    }

    /// The update of a counter row by `counter`; none if that is zero.
    pub(crate) fn count(
        &self,
        campaign: CampaignId,
        shard: Shard,
        counter_row: u8,
        counter: CounterItem,
    ) -> Option<Update> {
        let update = self.table.update(keys::counter(campaign, shard, counter_row));
        let mut changes = counter.changes().peekable();
        changes.peek()?;
        Some(changes.fold(update, |update, (name, by)| update.add(name, by)))
    }

    /// A row expires `LEDGER_RETENTION_DAYS` after its end outcome. A row without an end outcome never expires.
    fn expiry(&self, outcome: Outcome, now: Timestamp) -> Option<i64> {
        outcome.is_end().then(|| (now + self.retention).as_second())
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_row_expires_after_its_end_and_never_before() {
        let (context, _) = crate::scripted::Scripted::answering([]);
        let ledger = Ledger::new(&context).expect("nothing is missing");
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().expect("a time");
        let last: Timestamp = "2027-03-07T12:00:00Z".parse().expect("a time");
        for &outcome in Outcome::VARIANTS {
            let expected =
                (!matches!(outcome, Outcome::Queued | Outcome::Claimed | Outcome::Unknown)).then(|| last.as_second());
            assert_eq!(ledger.expiry(outcome, now), expected, "{outcome:?}");
        }
    }
}
