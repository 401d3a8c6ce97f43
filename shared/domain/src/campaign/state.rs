//! The states of a campaign, and the one function with its transitions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// State of a campaign.
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
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum CampaignState {
    /// The ledger is being written, or walked again; e-mails may leave already.
    Preparing,
    /// The ledger is complete.
    Sending,
    /// Stopped by a person, or because SES accepts nothing for now; resumes later.
    Paused,
    /// Stopped because too many e-mails bounced or were complained of; a person decides.
    Halted,
    /// Ended by a person. Nothing more is sent; it keeps the lock until every ledger row has an end state.
    Cancelled,
    /// Every ledger row has an end state.
    Completed,
    /// A state of another version. Nothing is sent, and nothing moves the campaign on: its messages wait.
    #[serde(other)]
    Unknown,
}

/// What moves a campaign from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignEvent {
    /// Every shard's ledger is written and queued.
    Prepared,
    /// Every ledger row has an end state.
    AllEnded,
    /// A person stops it for a while, or SES takes nothing for now.
    Pause,
    /// Too many e-mails bounced or were complained of.
    Halt,
    /// It goes on.
    Resume,
    /// A person ends it for good.
    Cancel,
    /// A person retries failed or unconfirmed rows.
    Retry,
}

/// Why a campaign is paused or halted.
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
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum StateReason {
    /// A person paused it.
    Operator,
    /// The SES account has used its quota of 24 hours. The campaign resumes by itself when there is room.
    DailyQuota,
    /// AWS, or the account's owner, has paused sending for the SES account.
    SendingPaused,
    /// SES refuses the account: suspended, or not permitted to send for this function.
    AccountRefused,
    /// The sender or its MAIL FROM domain is no longer verified by SES.
    SenderNotVerified,
    /// Too many e-mails bounced.
    Bounces,
    /// Too many people complained.
    Complaints,
    /// Quiet hours. The campaign resumes by itself when they end.
    QuietHours,
    /// The audience exceeds the campaign's bound. A person must give a new one (guarantee 7).
    AudienceGrew,
}

impl StateReason {
    /// Whether the campaign resumes by itself when the reason is gone.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::DailyQuota | Self::QuietHours)
    }
}

impl CampaignState {
    /// Whether e-mails of the campaign may leave.
    pub fn sends(self) -> bool {
        matches!(self, Self::Preparing | Self::Sending)
    }

    /// Whether its shards have work: rows to write, to queue, or (in a cancelled campaign) to end.
    pub fn works(self) -> bool {
        self.sends() || self == Self::Cancelled
    }

    /// The state after `event`, `None` where the event changes nothing.
    ///
    /// When all rows have ended, a cancelled campaign stays cancelled and is over, while a halted one still waits for a
    /// person.
    pub fn after(self, event: CampaignEvent) -> Option<Self> {
        match (self, event) {
            (Self::Preparing, CampaignEvent::Prepared) => Some(Self::Sending),
            (Self::Preparing | Self::Sending | Self::Paused, CampaignEvent::AllEnded) => Some(Self::Completed),
            (Self::Cancelled, CampaignEvent::AllEnded) => Some(Self::Cancelled),
            (Self::Preparing | Self::Sending, CampaignEvent::Pause) => Some(Self::Paused),
            (Self::Preparing | Self::Sending | Self::Paused, CampaignEvent::Halt) => Some(Self::Halted),
            (Self::Paused | Self::Halted, CampaignEvent::Resume) => Some(Self::Preparing),
            (Self::Preparing | Self::Sending | Self::Paused | Self::Halted, CampaignEvent::Cancel) => {
                Some(Self::Cancelled)
            }
            (Self::Completed, CampaignEvent::Retry) => Some(Self::Preparing),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{CampaignEvent::*, CampaignState::*, *};

    #[test]
    fn the_table_of_all_states_and_events() {
        let events = [Prepared, AllEnded, Pause, Halt, Resume, Cancel, Retry];
        let sends = |prepared| [prepared, Some(Completed), Some(Paused), Some(Halted), None, Some(Cancelled), None];
        let table = [
            (Preparing, sends(Some(Sending))),
            (Sending, sends(None)),
            (Paused, [None, Some(Completed), None, Some(Halted), Some(Preparing), Some(Cancelled), None]),
            (Halted, [None, None, None, None, Some(Preparing), Some(Cancelled), None]),
            (Cancelled, [None, Some(Cancelled), None, None, None, None, None]),
            (Completed, [None, None, None, None, None, None, Some(Preparing)]),
            (Unknown, [None; 7]),
        ];
        assert_eq!(table.map(|(state, _)| state), CampaignState::VARIANTS);
        for (state, row) in table {
            for (event, expected) in events.into_iter().zip(row) {
                assert_eq!(state.after(event), expected, "{state:?} after {event:?}");
            }
        }
    }

    #[test]
    fn only_two_states_send_and_a_cancelled_campaign_is_still_worked_on() {
        let of = |property: fn(CampaignState) -> bool| {
            CampaignState::VARIANTS.iter().map(|state| property(*state)).collect::<Vec<_>>()
        };
        assert_eq!(of(CampaignState::sends), [true, true, false, false, false, false, false]);
        assert_eq!(of(CampaignState::works), [true, true, false, false, true, false, false]);
    }

    #[test]
    fn names_are_those_that_serde_writes() {
        for state in CampaignState::VARIANTS {
            assert_eq!(serde_json::to_value(state).expect("serialises"), <&str>::from(state));
        }
        for reason in StateReason::VARIANTS {
            assert_eq!(serde_json::to_value(reason).expect("serialises"), <&str>::from(reason));
        }
    }
}
