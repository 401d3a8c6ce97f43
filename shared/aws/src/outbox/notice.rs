//! Notices to operators.

use jiff::Timestamp;
use portal_domain::campaign::StateReason;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::outcome::Outcomes;
use portal_domain::schedule::OffReason;
use portal_domain::{ByName, Campaign, CampaignId, CampaignState, DivisionId, ScheduleId};
use serde::{Deserialize, Serialize};

/// What operators are notified of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Notice {
    /// A campaign ended, or stopped by itself.
    Campaign(CampaignNotice),
    /// The system turned a schedule off.
    Schedule(ScheduleNotice),
}

/// The system turned a schedule off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleNotice {
    /// When it happened.
    pub at: Timestamp,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Its division.
    pub division: DivisionId,
    /// The name of its owner.
    pub owner: String,
    /// Why it is off.
    pub reason: ByName<OffReason>,
    /// The result of its last occurrence, as a sentence.
    pub detail: String,
}

/// A campaign ended, or stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignNotice {
    /// When it happened.
    pub at: Timestamp,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its division.
    pub division: DivisionId,
    /// The name of who started it.
    pub created_by: String,
    /// Its new state.
    pub state: CampaignState,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ByName<StateReason>>,
    /// The outcomes, if it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

/// A notice that is not published yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Its sort key.
    pub(super) sk: String,
    /// The notice; `None` if only another version knows its form.
    #[serde(flatten)]
    pub notice: Option<Notice>,
}

impl Notice {
    /// When it happened.
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Campaign(notice) => notice.at,
            Self::Schedule(notice) => notice.at,
        }
    }
}

impl CampaignNotice {
    /// The notice that belongs to an audit entry of a campaign, if any: operators are notified when a campaign ends and
    /// when the system stops one, but not when a self-service campaign ends, since one ends every day.
    pub(crate) fn of(campaign: &Campaign, entry: &AuditEntry) -> Option<Self> {
        let notifies = match entry.action.known()? {
            // Quiet hours begin every day, and end by themselves.
            Action::Paused | Action::Halted => entry.by == SYSTEM && !campaign.stopped_for(StateReason::QuietHours),
            Action::Ended => campaign.self_service.is_none(),
            _ => false,
        };
        notifies.then(|| Self {
            at: entry.at,
            campaign_id: campaign.campaign_id,
            division: campaign.filter.division.clone(),
            created_by: campaign.created_by.clone(),
            state: campaign.state,
            reason: entry.reason.clone(),
            outcomes: entry.outcomes,
        })
    }
}
