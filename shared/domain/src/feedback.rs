//! What SES reports about e-mails after it has accepted them, and what that means for a ledger row and its recipient.
//!
//! Reports come late, twice, out of order and about older attempts. Each has a rank, and a row changes only to a higher
//! rank, so that the order of reports doesn't matter (guarantee 11).

pub mod parse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::outcome::LedgerEvent;

/// The standing of an e-mail that SES accepted, in ascending rank.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Standing {
    /// SES could not deliver it yet, and keeps trying.
    Delayed,
    /// SES gave up for a transient cause (mailbox full), or the mailbox sent an automatic reply.
    SoftBounced,
    /// The recipient's mail server took it.
    Delivered,
    /// It can't be delivered to this address, now or later.
    Bounced,
    /// Its recipient marked it as spam.
    Complained,
    /// SES accepted it and then did not send it (a virus, or a fault in making it).
    Rejected,
    /// A standing of another version: no report changes it.
    #[serde(other)]
    Unknown,
}

impl Standing {
    /// Whether the address is undeliverable, until a person clears it.
    pub fn is_undeliverable(self) -> bool {
        matches!(self, Self::Bounced | Self::Complained)
    }
}

/// Numbers of sent e-mails by standing. E-mails without a report are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are the standings")]
pub struct Feedback {
    pub delayed: u64,
    pub soft_bounced: u64,
    pub delivered: u64,
    pub bounced: u64,
    pub complained: u64,
}

/// What SES reports of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// SES took the e-mail, and tries to deliver it.
    Sent,
    /// The e-mail's new standing.
    Became(Standing),
}

/// What a ledger row knows before a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its newest attempt.
    pub attempt: u32,
    /// Its standing.
    pub standing: Option<Standing>,
}

/// What a report changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The event for the row's outcome, which changes the outcome.
    pub event: Option<LedgerEvent>,
    /// The row's new standing. If it is an undeliverable one, the recipient is marked too.
    pub standing: Option<Standing>,
}

impl Known {
    /// What a report of attempt number `attempt` changes.
    ///
    /// Any report but a rejection proves that the e-mail of its attempt left, even if that was unknown or a person
    /// decided otherwise. Of an older attempt only a bounce or complaint counts, because it concerns the address.
    pub fn told(self, attempt: u32, report: Report) -> Change {
        if attempt > self.attempt || matches!(self.standing, Some(Standing::Rejected | Standing::Unknown)) {
            return Change::default();
        }
        let newest = attempt == self.attempt;
        let happens = |event| Some(event).filter(|event| newest && self.outcome.after(*event).is_some());
        match report {
            Report::Sent => Change { event: happens(LedgerEvent::Confirm), standing: None },
            Report::Became(Standing::Rejected) => {
                let event = happens(LedgerEvent::Reject);
                Change { event, standing: event.map(|_| Standing::Rejected) }
            }
            Report::Became(standing) => {
                let counts = newest || standing.is_undeliverable();
                let outranks = self.standing.is_none_or(|known| standing > known);
                Change { event: happens(LedgerEvent::Confirm), standing: (counts && outranks).then_some(standing) }
            }
        }
    }
}

/// In how many consecutive campaigns an address must be refused before it counts as undeliverable.
const REFUSALS: usize = 3;

/// Whether an address that is refused now is undeliverable, given standing and detail of its e-mails in other
/// campaigns, newest first. E-mails that say nothing about the address are skipped; a delivery proves it good.
pub fn gives_up<'a>(others: impl IntoIterator<Item = (Option<Standing>, Option<&'a str>)>) -> bool {
    let told = others.into_iter().filter(|(standing, detail)| match standing {
        Some(Standing::SoftBounced) => detail.is_some_and(is_refusal),
        Some(standing) => *standing != Standing::Delayed,
        None => false,
    });
    let refused = told.take_while(|(standing, _)| *standing != Some(Standing::Delivered));
    refused.take(REFUSALS).count() + 1 >= REFUSALS
}

/// Whether the detail of a soft bounce shows a permanent refusal by the mail server, whatever SES calls it: a status of
/// class 5 (RFC 3463), or SES's `Undetermined`.
pub fn is_refusal(detail: &str) -> bool {
    detail.starts_with("Undetermined") || detail.rsplit('/').next().is_some_and(|status| status.starts_with("5."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::VariantArray;

    use super::{Standing::*, *};

    fn row(outcome: Outcome, standing: Option<Standing>) -> Known {
        Known { outcome, attempt: 2, standing }
    }

    fn apply(known: Known, (attempt, report): (u32, Report)) -> Known {
        let change = known.told(attempt, report);
        let outcome = change.event.and_then(|event| known.outcome.after(event)).unwrap_or(known.outcome);
        Known { outcome, standing: change.standing.or(known.standing), ..known }
    }

    #[test]
    fn the_table_of_what_reports_of_the_newest_attempt_do() {
        let (confirm, reject) = (Some(LedgerEvent::Confirm), Some(LedgerEvent::Reject));
        // Outcome and standing, report, event and new standing.
        let table = [
            (Outcome::Claimed, None, Report::Sent, confirm, None),
            (Outcome::Unconfirmed, None, Report::Sent, confirm, None),
            (Outcome::Queued, None, Report::Sent, confirm, None),
            (Outcome::Failed, None, Report::Sent, confirm, None),
            (Outcome::Skipped, None, Report::Sent, None, None),
            (Outcome::Sent, None, Report::Sent, None, None),
            (Outcome::Sent, None, Report::Became(Delivered), None, Some(Delivered)),
            (Outcome::Claimed, None, Report::Became(Delivered), confirm, Some(Delivered)),
            (Outcome::Unconfirmed, None, Report::Became(Bounced), confirm, Some(Bounced)),
            (Outcome::Sent, Some(Delivered), Report::Became(Delayed), None, None),
            (Outcome::Sent, Some(Delivered), Report::Became(SoftBounced), None, None),
            (Outcome::Sent, Some(Delivered), Report::Became(Delivered), None, None),
            (Outcome::Sent, Some(Delivered), Report::Became(Complained), None, Some(Complained)),
            (Outcome::Sent, Some(Complained), Report::Became(Bounced), None, None),
            (Outcome::Sent, None, Report::Became(Rejected), reject, Some(Rejected)),
            (Outcome::Claimed, None, Report::Became(Rejected), reject, Some(Rejected)),
            (Outcome::Failed, Some(Rejected), Report::Sent, None, None),
            (Outcome::Failed, None, Report::Became(Rejected), None, None),
        ];
        for (outcome, standing, report, event, expected) in table {
            let change = row(outcome, standing).told(2, report);
            assert_eq!(change, Change { event, standing: expected }, "{outcome:?} {standing:?} {report:?}");
        }
    }

    #[test]
    fn of_an_older_attempt_only_what_says_something_about_the_address_counts() {
        for &standing in Standing::VARIANTS {
            let change = row(Outcome::Queued, None).told(1, Report::Became(standing));
            assert_eq!(change, Change { event: None, standing: Some(standing).filter(|s| s.is_undeliverable()) });
        }
        assert_eq!(row(Outcome::Unconfirmed, None).told(1, Report::Sent), Change::default());
    }

    #[test]
    fn three_refusals_without_a_delivery_in_between_are_one_for_good() {
        let refused = (Some(SoftBounced), Some("Transient/General/5.7.1"));
        let unclear = (Some(SoftBounced), Some("Undetermined/Undetermined"));
        let full = (Some(SoftBounced), Some("Transient/MailboxFull/4.2.2"));
        let (away, silent, good) =
            ((Some(SoftBounced), Some("Transient/General")), (None, None), (Some(Delivered), None));
        let table = [
            (vec![], false),
            (vec![refused], false),
            (vec![refused, refused], true),
            (vec![unclear, refused], true),
            (vec![refused, full, away, silent, (Some(Delayed), None), refused], true),
            (vec![refused, good, refused], false),
            (vec![good, refused, refused], false),
            (vec![full, away, full], false),
        ];
        for (others, expected) in table {
            assert_eq!(gives_up(others.clone()), expected, "{others:?}");
        }
    }

    #[test]
    fn an_attempt_that_was_never_made_changes_nothing() {
        assert_eq!(row(Outcome::Sent, None).told(3, Report::Became(Bounced)), Change::default());
    }

    #[test]
    fn names_are_those_that_serde_writes() {
        for &standing in Standing::VARIANTS {
            assert_eq!(serde_json::to_value(standing).expect("serialises"), <&str>::from(standing));
        }
    }

    proptest! {
        #[test]
        fn the_order_of_reports_and_how_often_they_come_does_not_matter(
            mut reports in proptest::collection::vec((1_u32..=2, 0_usize..=5), 1..8),
            outcome in proptest::sample::select(vec![Outcome::Claimed, Outcome::Unconfirmed, Outcome::Sent]),
            turn in 0_usize..8,
        ) {
            let report = |&(attempt, kind): &(u32, usize)| {
                // A rejected e-mail was neither delivered nor bounced: SES reports one or the other.
                let kinds = [Report::Sent, Report::Became(Delayed), Report::Became(SoftBounced),
                    Report::Became(Delivered), Report::Became(Bounced), Report::Became(Complained)];
                (attempt, kinds[kind])
            };
            let once = reports.iter().map(report).fold(row(outcome, None), apply);
            let turn = turn % reports.len();
            reports.rotate_left(turn);
            let again = reports.iter().chain(&reports).map(report).fold(row(outcome, None), apply);
            prop_assert_eq!(once, again);
        }

        #[test]
        fn a_rejection_holds_before_and_after_the_send_event(outcome in proptest::sample::select(vec![Outcome::Claimed, Outcome::Unconfirmed, Outcome::Sent])) {
            let reports = [(2, Report::Sent), (2, Report::Became(Rejected))];
            let forth = reports.into_iter().fold(row(outcome, None), apply);
            let back = reports.into_iter().rev().fold(row(outcome, None), apply);
            prop_assert_eq!(forth, back);
            prop_assert_eq!((forth.outcome, forth.standing), (Outcome::Failed, Some(Rejected)));
        }
    }
}
