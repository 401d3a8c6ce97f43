//! The counters of ledger rows by outcome and by standing.

use portal_domain::Outcome;
use portal_domain::feedback::{Feedback, Standing};
use portal_domain::outcome::Outcomes;
use serde::{Deserialize, Serialize};

/// One counter row: how many ledger rows its batches moved to each outcome, less those that they moved away, and the
/// same for standings. `queued` is not counted: it is the audience less all other outcomes. `rejected` is not counted
/// either: those rows are `failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CounterItem {
    claimed: i64,
    sent: i64,
    failed: i64,
    skipped: i64,
    unconfirmed: i64,
    delayed: i64,
    soft_bounced: i64,
    delivered: i64,
    bounced: i64,
    complained: i64,
}

impl CounterItem {
    /// Counts a ledger row that moves to another outcome.
    pub fn moved(&mut self, from: Outcome, to: Outcome) {
        self.add_outcome(from, -1);
        self.add_outcome(to, 1);
    }

    /// Counts a ledger row whose standing changes.
    pub fn stands(&mut self, before: Option<Standing>, now: Standing) {
        if let Some(before) = before {
            self.add_standing(before, -1);
        }
        self.add_standing(now, 1);
    }

    fn add_outcome(&mut self, outcome: Outcome, by: i64) {
        match outcome {
            Outcome::Queued | Outcome::Unknown => {}
            Outcome::Claimed => self.claimed += by,
            Outcome::Sent => self.sent += by,
            Outcome::Failed => self.failed += by,
            Outcome::Skipped => self.skipped += by,
            Outcome::Unconfirmed => self.unconfirmed += by,
        }
    }

    fn add_standing(&mut self, standing: Standing, by: i64) {
        match standing {
            Standing::Delayed => self.delayed += by,
            Standing::SoftBounced => self.soft_bounced += by,
            Standing::Delivered => self.delivered += by,
            Standing::Bounced => self.bounced += by,
            Standing::Complained => self.complained += by,
            Standing::Rejected | Standing::Unknown => {}
        }
    }

    /// Adds the counts of another row.
    pub fn merge(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.sent += other.sent;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unconfirmed += other.unconfirmed;
        self.delayed += other.delayed;
        self.soft_bounced += other.soft_bounced;
        self.delivered += other.delivered;
        self.bounced += other.bounced;
        self.complained += other.complained;
    }

    /// The names and values of the attributes that are not zero.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, i64)> {
        [
            ("claimed", self.claimed),
            ("sent", self.sent),
            ("failed", self.failed),
            ("skipped", self.skipped),
            ("unconfirmed", self.unconfirmed),
            ("delayed", self.delayed),
            ("softBounced", self.soft_bounced),
            ("delivered", self.delivered),
            ("bounced", self.bounced),
            ("complained", self.complained),
        ]
        .into_iter()
        .filter(|(_, by)| *by != 0)
    }

    /// The outcomes of an audience of this size.
    pub fn outcomes(&self, audience: u64) -> Outcomes {
        let counted = self.claimed + self.sent + self.failed + self.skipped + self.unconfirmed;
        Outcomes {
            queued: audience.saturating_sub(positive(counted)),
            claimed: positive(self.claimed),
            sent: positive(self.sent),
            failed: positive(self.failed),
            skipped: positive(self.skipped),
            unconfirmed: positive(self.unconfirmed),
        }
    }

    /// The standings.
    pub fn feedback(&self) -> Feedback {
        Feedback {
            delayed: positive(self.delayed),
            soft_bounced: positive(self.soft_bounced),
            delivered: positive(self.delivered),
            bounced: positive(self.bounced),
            complained: positive(self.complained),
        }
    }
}

/// Counter rows are read one after the other while batches write them, so a sum may be negative for a moment.
fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_attribute_has_the_name_that_it_is_read_by() {
        let mut counter = CounterItem::default();
        for &outcome in Outcome::VARIANTS {
            counter.moved(Outcome::Queued, outcome);
        }
        for &standing in Standing::VARIANTS {
            counter.stands(None, standing);
        }
        let written: serde_json::Map<_, _> = counter.changes().map(|(name, by)| (name.to_owned(), by.into())).collect();
        assert_eq!(written.len(), 10);
        let read: CounterItem = serde_json::from_value(written.into()).expect("reads");
        assert_eq!(read, counter);
    }

    #[test]
    fn a_row_counts_under_its_newest_standing_alone() {
        let mut counter = CounterItem::default();
        counter.stands(None, Standing::Delayed);
        counter.stands(Some(Standing::Delayed), Standing::Delivered);
        counter.stands(Some(Standing::Delivered), Standing::Complained);
        assert_eq!(counter.feedback(), Feedback { complained: 1, ..Feedback::default() });
    }
}
