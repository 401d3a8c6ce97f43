//! Operators' commands to a campaign.

use jiff::Timestamp;

use super::audit::Action;
use super::{Campaign, CampaignEvent, CampaignState, StateReason};
use crate::Outcome;

/// A person's command to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stop for a while.
    Pause,
    /// Resume, perhaps with a new expected number of people.
    Resume(Option<u64>),
    /// End for good: rows that are still queued are skipped.
    Cancel,
    /// Retry rows that ended as `failed` or as `unconfirmed`.
    Retry(Outcome),
}

/// The effect of a command on a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It moves to this state, for this reason if the state has one.
    Moves(CampaignState, Option<StateReason>),
    /// The campaign is already as the command wants it, because the same command came before.
    None,
    /// The command can't be obeyed in this state.
    Refused,
}

impl Command {
    /// The commands that can be given in any state, as the API names them.
    pub const ALL: [Self; 5] = [
        Self::Pause,
        Self::Resume(None),
        Self::Cancel,
        Self::Retry(Outcome::Failed),
        Self::Retry(Outcome::Unconfirmed),
    ];

    /// The last part of the path of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume(_) => "resume",
            Self::Cancel => "cancel",
            Self::Retry(_) => "retry",
        }
    }

    /// What the audit trail calls it.
    pub fn action(self) -> Action {
        match self {
            Self::Pause => Action::Paused,
            Self::Resume(_) => Action::Resumed,
            Self::Cancel => Action::Cancelled,
            Self::Retry(_) => Action::Retried,
        }
    }

    fn event(self) -> CampaignEvent {
        match self {
            Self::Pause => CampaignEvent::Pause,
            Self::Resume(_) => CampaignEvent::Resume,
            Self::Cancel => CampaignEvent::Cancel,
            Self::Retry(_) => CampaignEvent::Retry,
        }
    }

    /// What it does to `campaign` at `now`. Given twice it does nothing the second time.
    pub fn effect(self, campaign: &Campaign, now: Timestamp) -> Effect {
        let paused = campaign.state == CampaignState::Paused;
        if self == Self::Pause && paused && campaign.will_resume_by_itself() {
            // It would resume by itself.
            return Effect::Moves(CampaignState::Paused, Some(StateReason::Operator));
        }
        if self == Self::Resume(None) && paused && campaign.stopped_for(StateReason::AudienceGrew) {
            // The operator must give a new expected number (guarantee 7).
            return Effect::Refused;
        }
        if matches!(self, Self::Resume(_)) && !campaign.may_send_at(now) {
            // A resume lifts every other cause, but not the quiet hours.
            return match campaign.state.after(self.event()) {
                Some(_) if paused && campaign.stopped_for(StateReason::QuietHours) => Effect::None,
                Some(_) => Effect::Moves(CampaignState::Paused, Some(StateReason::QuietHours)),
                None if campaign.state.sends() => Effect::None,
                None => Effect::Refused,
            };
        }
        if let Some(next) = campaign.state.after(self.event()) {
            let reason = (self == Self::Pause).then_some(StateReason::Operator);
            return Effect::Moves(next, reason);
        }
        let obeyed = match self {
            Self::Pause => campaign.state == CampaignState::Paused,
            Self::Resume(_) => campaign.state.sends(),
            Self::Cancel => campaign.state == CampaignState::Cancelled,
            Self::Retry(outcome) => campaign.state.sends() && campaign.retrying == Some(outcome),
        };
        if obeyed { Effect::None } else { Effect::Refused }
    }
}
