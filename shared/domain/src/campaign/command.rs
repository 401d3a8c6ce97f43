//! What a person may tell a campaign to do.

use super::audit::Action;
use super::{Campaign, CampaignEvent, CampaignState};
use crate::Outcome;

/// A person's command to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stop for a while.
    Pause,
    /// Go on.
    Resume,
    /// End for good: whoever is still queued is skipped.
    Cancel,
    /// Try those again who ended as `failed` or as `unconfirmed`.
    Retry(Outcome),
}

/// What a command does to a campaign as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It moves to this state.
    Moves(CampaignState),
    /// It is as the command wants it already: the same command came before.
    None,
    /// The command can't be obeyed in this state.
    Refused,
}

impl Command {
    /// The commands that can be given in any state, as the API names them.
    pub const ALL: [Self; 5] =
        [Self::Pause, Self::Resume, Self::Cancel, Self::Retry(Outcome::Failed), Self::Retry(Outcome::Unconfirmed)];

    /// The last part of the path of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry(_) => "retry",
        }
    }

    /// What the audit trail calls it.
    pub fn action(self) -> Action {
        match self {
            Self::Pause => Action::Paused,
            Self::Resume => Action::Resumed,
            Self::Cancel => Action::Cancelled,
            Self::Retry(_) => Action::Retried,
        }
    }

    fn event(self) -> CampaignEvent {
        match self {
            Self::Pause => CampaignEvent::Pause,
            Self::Resume => CampaignEvent::Resume,
            Self::Cancel => CampaignEvent::Cancel,
            Self::Retry(_) => CampaignEvent::Retry,
        }
    }

    /// What it does to `campaign`. Given twice it does nothing the second time.
    pub fn effect(self, campaign: &Campaign) -> Effect {
        if let Some(next) = campaign.state.after(self.event()) {
            return Effect::Moves(next);
        }
        let obeyed = match self {
            Self::Pause => campaign.state == CampaignState::Paused,
            Self::Resume => campaign.state.sends(),
            Self::Cancel => campaign.state == CampaignState::Cancelled,
            Self::Retry(outcome) => campaign.state.sends() && campaign.retrying == Some(outcome),
        };
        if obeyed { Effect::None } else { Effect::Refused }
    }
}
