//! Notices to operators, kept until they are published: written with the change that they tell of, so that none is lost.

use jiff::Timestamp;
use portal_domain::campaign::StateReason;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::outcome::Outcomes;
use portal_domain::schedule::OffReason;
use portal_domain::{Campaign, CampaignId, CampaignState, DivisionId, ScheduleId};
use serde::{Deserialize, Serialize};

use super::{CampaignStore, keys};
use crate::table::StoreError;

/// What operators are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Notice {
    /// Of a campaign.
    Campaign(CampaignNotice),
    /// Of a schedule.
    Schedule(ScheduleNotice),
}

/// The system turned a schedule off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleNotice {
    /// When.
    pub at: Timestamp,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Its division.
    pub division: DivisionId,
    /// Who answers for it, by name.
    pub owner: String,
    /// Why it is off.
    pub reason: OffReason,
    /// What came of its last occurrence, for a person.
    pub detail: String,
}

/// A campaign ended, or stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignNotice {
    /// When.
    pub at: Timestamp,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its division.
    pub division: DivisionId,
    /// Who started it, by name.
    pub created_by: String,
    /// Its state since.
    pub state: CampaignState,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<StateReason>,
    /// How it went, of a campaign that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

/// A notice that is not published yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Its sort key.
    sk: String,
    /// What it says.
    #[serde(flatten)]
    pub notice: Notice,
}

impl CampaignNotice {
    /// The notice of an audit entry: of ends, and of what the system stopped. That a day of self-service is over is no news.
    pub(super) fn of(campaign: &Campaign, entry: &AuditEntry) -> Option<Self> {
        let told = match entry.action {
            // Quiet hours come every day, and go.
            Action::Paused | Action::Halted => entry.by == SYSTEM && entry.reason != Some(StateReason::QuietHours),
            Action::Ended => campaign.self_service.is_none(),
            _ => false,
        };
        told.then(|| Self {
            at: entry.at,
            campaign_id: campaign.campaign_id,
            division: campaign.filter.division.clone(),
            created_by: campaign.created_by.clone(),
            state: campaign.state,
            reason: entry.reason,
            outcomes: entry.outcomes,
        })
    }
}

impl CampaignStore {
    /// Notices that nobody has published yet, oldest first; at most 100.
    pub async fn notices(&self) -> Result<Vec<Pending>, StoreError> {
        Ok(self.table.page("list notices", keys::notices().limit(100)).await?.items)
    }

    /// Forgets a notice that was published.
    pub async fn forget(&self, notice: &Pending) -> Result<(), StoreError> {
        self.table.run("forget a notice", self.table.delete(keys::notice(&notice.sk))).await?;
        Ok(())
    }
}
