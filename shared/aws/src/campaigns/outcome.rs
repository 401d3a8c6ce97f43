//! What is written with the outcome of a ledger row, whoever writes it.

use jiff::Timestamp;
use portal_domain::{CampaignId, Outcome, Shard};

use super::item::LedgerItem;
use super::{CampaignStore, keys};
use crate::table::Update;
use crate::table::condition::is;

impl CampaignStore {
    /// The update of a row, as it was read, to an outcome. Outcome and attempt must be as they were read. The attempt
    /// too: a retry makes a row `queued` again, and its next e-mail must have a number of its own.
    pub(super) fn update_row(
        &self,
        campaign: CampaignId,
        shard: Shard,
        row: &LedgerItem,
        outcome: Outcome,
        now: Timestamp,
    ) -> Update {
        let update = self.table.update(keys::row(campaign, shard, row.recipient_id));
        let update = self.with_outcome(update, campaign, outcome, now);
        update.when(is("outcome", row.outcome).and(is("attempt", row.attempt)))
    }

    /// An update of a row of `campaign` with what follows from its outcome.
    pub(super) fn with_outcome(&self, row: Update, campaign: CampaignId, outcome: Outcome, now: Timestamp) -> Update {
        let attention = outcome.needs_attention().then(|| keys::attention_pk(campaign, outcome));
        row.set("outcome", outcome)
            .set_or_remove("attention", attention)
            .set_or_remove("ttl", self.row_expiry(outcome, now))
            .set("updatedAt", now)
    }

    /// A row expires `LEDGER_RETENTION_DAYS` after it got its end outcome, and one without an end outcome never does.
    fn row_expiry(&self, outcome: Outcome, now: Timestamp) -> Option<i64> {
        outcome.is_end().then(|| self.expiry(now))
    }

    /// Seconds since 1970 after which DynamoDB deletes what is kept from `now` on for `LEDGER_RETENTION_DAYS`.
    pub(super) fn expiry(&self, now: Timestamp) -> i64 {
        (now + self.retention).as_second()
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_row_expires_after_its_end_and_never_before() {
        let (context, _) = crate::scripted::Scripted::answering([]);
        let store = CampaignStore::new(&context).expect("nothing is missing");
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().expect("a time");
        let last: Timestamp = "2027-03-07T12:00:00Z".parse().expect("a time");
        for outcome in Outcome::ALL {
            let expected = (!matches!(outcome, Outcome::Queued | Outcome::Claimed)).then(|| last.as_second());
            assert_eq!(store.row_expiry(outcome, now), expected, "{outcome:?}");
        }
    }
}
