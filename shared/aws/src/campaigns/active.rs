//! The active campaigns: those that hold the lock of a division, and the self-service campaigns that are listed.

use futures::try_join;
use jiff::Timestamp;
use portal_domain::campaign::{CampaignView, SelfService};
use portal_domain::{Campaign, CampaignId, DivisionId};
use serde::{Deserialize, Serialize};

use super::{CampaignStore, keys};
use crate::table::condition::{absent, is};
use crate::table::{Action, Key, Query, StoreError};

/// Partition of all locks; the sort key is the division.
pub const LOCKS: &str = "LOCKS";

/// Partition of the listed self-service campaigns.
pub const SELF_SERVICE: &str = "SELF_SERVICE";

/// The campaign that holds a lock, or a listed self-service campaign.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CampaignRef {
    campaign_id: CampaignId,
}

/// What a change of state does to the lock of the division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The campaign keeps the lock that it has.
    Keep,
    /// The campaign takes the lock again, if it is free.
    Take,
    /// The campaign frees the lock.
    Free,
}

impl CampaignStore {
    /// The campaign that holds the lock of a division, read consistently.
    pub async fn active_in(&self, division: &DivisionId) -> Result<Option<CampaignId>, StoreError> {
        let lock = self.table.get("read a division's lock", &lock(division)).await?;
        Ok(lock.map(|lock| lock.campaign_id))
    }

    /// The campaign that keeps others from being started in a division, with its progress at `now`.
    pub async fn in_the_way(&self, division: &DivisionId, now: Timestamp) -> Result<Option<CampaignView>, StoreError> {
        let Some(id) = self.active_in(division).await? else { return Ok(None) };
        self.view(id, now).await
    }

    /// All active campaigns.
    pub async fn active(&self) -> Result<Vec<CampaignId>, StoreError> {
        let list = |partition| self.table.all("list active campaigns", Query::<CampaignRef>::partition(partition));
        let (locks, others) = try_join!(list(LOCKS), list(SELF_SERVICE))?;
        Ok(locks.into_iter().chain(others).map(|active| active.campaign_id).collect())
    }

    /// A self-service campaign of a division, if it is listed, read consistently.
    pub async fn self_service(
        &self,
        division: &DivisionId,
        which: SelfService,
    ) -> Result<Option<Campaign>, StoreError> {
        let listed = self.table.get("read a self-service campaign", &self_service(division, which)).await?;
        match listed {
            Some(listed) => self.campaign(listed.campaign_id).await,
            None => Ok(None),
        }
    }

    /// Removes a self-service campaign from the list, if it is over, unchanged since it was read, and nobody may join
    /// it.
    pub async fn unlist(&self, campaign: &Campaign, now: Timestamp) -> Result<(), StoreError> {
        let Some(which) = campaign.self_service.filter(|which| campaign.completed_at.is_some() && !which.is_open(now))
        else {
            return Ok(());
        };
        let mut tx = self.table.tx("take a campaign off a list");
        tx.add(self.table.delete(self_service(&campaign.filter.division, which)));
        // A retry lists it again.
        tx.add(self.require_unchanged(campaign));
        tx.write().await?;
        Ok(())
    }

    /// The action that requires the lock of a division to be free.
    pub(super) fn require_unlocked(&self, division: &DivisionId) -> Action {
        self.table.check(lock(division), absent())
    }

    /// The action that takes the lock of a division for a campaign, if it is free.
    pub(super) fn take_lock(&self, campaign: &Campaign) -> Action {
        self.table.put_new(lock(&campaign.filter.division), &CampaignRef { campaign_id: campaign.campaign_id })
    }

    /// The action for a change of state, if it changes the lock or the list.
    pub(super) fn lock_action(&self, campaign: &Campaign, change: Lock) -> Option<Action> {
        if let Some(which) = campaign.self_service {
            // It never holds the lock. A retry lists it again.
            return (change == Lock::Take).then(|| self.list_self_service(campaign, which));
        }
        match change {
            Lock::Keep => None,
            Lock::Take => Some(self.take_lock(campaign)),
            Lock::Free => {
                let own = is("campaignId", campaign.campaign_id);
                Some(self.table.delete(lock(&campaign.filter.division)).when(own))
            }
        }
    }

    /// The action that lists a self-service campaign.
    pub(super) fn list_self_service(&self, campaign: &Campaign, which: SelfService) -> Action {
        let listed = CampaignRef { campaign_id: campaign.campaign_id };
        let own = is("campaignId", campaign.campaign_id);
        self.table.put(self_service(&campaign.filter.division, which), &listed).when(absent().or(own))
    }

    /// The action that requires a campaign to be unchanged since it was read.
    pub(super) fn require_unchanged(&self, campaign: &Campaign) -> Action {
        self.table.check(keys::campaign(campaign.campaign_id), is("revision", campaign.revision))
    }
}

/// The lock of a division, which names the campaign that holds it.
fn lock(division: &DivisionId) -> Key<CampaignRef> {
    Key::new(LOCKS, division.as_str())
}

/// The entry of a self-service campaign in their list.
fn self_service(division: &DivisionId, SelfService { day, round, .. }: SelfService) -> Key<CampaignRef> {
    Key::new(SELF_SERVICE, format!("{division}#{day}#{round}"))
}
