//! The outcome of one recipient in one campaign.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outcome of a ledger row.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
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
pub enum Outcome {
    /// In the audience, not decided yet.
    Queued,
    /// A function has claimed the recipient, and may have sent.
    Claimed,
    /// SES accepted the e-mail.
    Sent,
    /// SES refused the e-mail, or it could not be made.
    Failed,
    /// Nothing was sent, on purpose.
    Skipped,
    /// It can't be known whether the e-mail left (guarantee 2).
    Unconfirmed,
    /// An outcome of another version: nothing is sent, and nothing changes it.
    #[serde(other)]
    Unknown,
}

/// What can happen to a ledger row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerEvent {
    /// A function claims the recipient.
    Claim,
    /// The sender decided at the last moment not to mail this recipient.
    Skip,
    /// The e-mail can't be made, or its message died in the queue before it was claimed.
    GiveUp,
    /// SES accepted the e-mail.
    Accepted,
    /// SES refused the e-mail for good.
    Refused,
    /// SES refuses everything for now; the recipient waits for a retry.
    PutBack,
    /// SES's answer was lost, or not recorded in time.
    LoseTrack,
    /// An event of SES shows that the e-mail left.
    Confirm,
    /// An event of SES shows that an accepted e-mail did not leave.
    Reject,
    /// A person decides that the e-mail left.
    SettleSent,
    /// A person decides that the e-mail did not leave.
    SettleFailed,
    /// A person retries it.
    Retry,
}

impl Outcome {
    /// Whether a campaign may end with rows in this outcome.
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Claimed | Self::Unknown)
    }

    /// Whether rows with this outcome are in the index `attention`, for people to look at.
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Failed | Self::Skipped | Self::Unconfirmed)
    }

    /// The outcome after `event`, `None` where the event must not happen.
    ///
    /// A claim's owner may still record over `unconfirmed`, which the sweep writes when a claim has expired.
    pub fn after(self, event: LedgerEvent) -> Option<Self> {
        match (self, event) {
            (Self::Queued, LedgerEvent::Claim) => Some(Self::Claimed),
            (Self::Queued, LedgerEvent::Skip) => Some(Self::Skipped),
            (Self::Queued, LedgerEvent::GiveUp) => Some(Self::Failed),
            (Self::Claimed | Self::Unconfirmed, LedgerEvent::Accepted) => Some(Self::Sent),
            (Self::Claimed | Self::Unconfirmed, LedgerEvent::Refused) => Some(Self::Failed),
            (Self::Claimed, LedgerEvent::PutBack) => Some(Self::Queued),
            (Self::Claimed | Self::Unconfirmed, LedgerEvent::LoseTrack) => Some(Self::Unconfirmed),
            // SES's events override earlier decisions, a person's too, and hold before a retry.
            (Self::Queued | Self::Claimed | Self::Unconfirmed | Self::Failed, LedgerEvent::Confirm) => Some(Self::Sent),
            (Self::Claimed | Self::Unconfirmed | Self::Sent, LedgerEvent::Reject) => Some(Self::Failed),
            (Self::Unconfirmed, LedgerEvent::SettleSent) => Some(Self::Sent),
            (Self::Unconfirmed, LedgerEvent::SettleFailed) => Some(Self::Failed),
            (Self::Failed | Self::Unconfirmed, LedgerEvent::Retry) => Some(Self::Queued),
            _ => None,
        }
    }
}

/// Numbers of recipients by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are the outcomes")]
pub struct Outcomes {
    pub queued: u64,
    pub claimed: u64,
    pub sent: u64,
    pub failed: u64,
    pub skipped: u64,
    pub unconfirmed: u64,
}

impl Outcomes {
    /// How many have this one.
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Queued => self.queued,
            Outcome::Claimed => self.claimed,
            Outcome::Sent => self.sent,
            Outcome::Failed => self.failed,
            Outcome::Skipped => self.skipped,
            Outcome::Unconfirmed => self.unconfirmed,
            Outcome::Unknown => 0,
        }
    }

    /// How many have an end state.
    pub fn ended(&self) -> u64 {
        self.sent + self.failed + self.skipped + self.unconfirmed
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{LedgerEvent::*, Outcome, Outcome::*};

    #[test]
    fn the_table_of_all_outcomes_and_events() {
        // Events of the sender, then of SES, then of people.
        let sender = [Claim, Skip, GiveUp, Accepted, Refused, PutBack, LoseTrack];
        let others = [Confirm, Reject, SettleSent, SettleFailed, Retry];
        let none = [None; 7];
        let table = [
            (
                Queued,
                [Some(Claimed), Some(Skipped), Some(Failed), None, None, None, None],
                [Some(Sent), None, None, None, None],
            ),
            (
                Claimed,
                [None, None, None, Some(Sent), Some(Failed), Some(Queued), Some(Unconfirmed)],
                [Some(Sent), Some(Failed), None, None, None],
            ),
            (Sent, none, [None, Some(Failed), None, None, None]),
            (Failed, none, [Some(Sent), None, None, None, Some(Queued)]),
            (Skipped, none, [None; 5]),
            (
                Unconfirmed,
                [None, None, None, Some(Sent), Some(Failed), None, Some(Unconfirmed)],
                [Some(Sent), Some(Failed), Some(Sent), Some(Failed), Some(Queued)],
            ),
            (Unknown, none, [None; 5]),
        ];
        assert_eq!(table.map(|(outcome, ..)| outcome), Outcome::VARIANTS);
        for (outcome, of_sender, of_others) in table {
            let expected = of_sender.into_iter().chain(of_others);
            for (event, expected) in sender.into_iter().chain(others).zip(expected) {
                assert_eq!(outcome.after(event), expected, "{outcome:?} after {event:?}");
            }
        }
    }

    #[test]
    fn nothing_that_ended_can_be_claimed_again() {
        for outcome in Outcome::VARIANTS.iter().filter(|outcome| outcome.is_end()) {
            assert_eq!(outcome.after(Claim), None);
        }
    }
}
