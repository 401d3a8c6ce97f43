//! Starting a campaign: one transaction for what makes it happen once, division lock, campaign and cursors.

use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::schedule::Occurrence;
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, CampaignState, Schedule};

use super::walks::cursor::CursorItem;
use super::{CampaignStore, keys};
use crate::idempotency::{Made, RequestKey};
use crate::table::{Action, StoreError, Transacted};

/// By what a campaign is started only once.
#[derive(Clone, Copy, Debug)]
pub enum Once<'a> {
    /// By the idempotency key of a request.
    Request(RequestKey<'a>),
    /// By the record of the occurrence of a schedule, which is given as it was read.
    Occurrence(&'a Schedule, &'a Occurrence),
}

/// How a start ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The campaign is written.
    Now,
    /// It was started before: somebody used the idempotency key, or dealt with the occurrence. Nothing is written.
    Before,
    /// Another campaign holds the division's lock. Nothing is written.
    Busy,
    /// The schedule has changed since it was read. Nothing is written.
    Changed,
}

impl CampaignStore {
    /// The action that adds a campaign.
    pub(super) fn add(&self, campaign: &Campaign) -> Action {
        self.table.put_new(keys::campaign(campaign.campaign_id), campaign)
    }

    /// Writes what makes it happen once, lock, campaign and a cursor per shard, or nothing. A campaign that is completed from the start
    /// (nobody to send to) takes no lock, and still starts only while nobody else holds it.
    pub async fn start(&self, campaign: &Campaign, excluded: Excluded, once: Once<'_>) -> Result<Started, StoreError> {
        let now = campaign.created_at;
        let ended = campaign.state == CampaignState::Completed;
        let id = campaign.campaign_id;
        let mut tx = self.table.tx("start a campaign");
        let once_only = tx.add(match once {
            Once::Request(request) => self.keys.add(request, Made::CampaignId(id), now),
            Once::Occurrence(schedule, occurrence) => self.schedules.put_occurrence(schedule, occurrence),
        });
        let locked = tx.add(match ended {
            true => self.require_unlocked(&campaign.filter.division),
            false => self.take_lock(campaign),
        });
        tx.add(self.add(campaign));
        // A campaign without an audience has nothing to fan out: who was left out is known already.
        let mut left_out = if ended { excluded } else { Excluded::default() };
        for shard in campaign.shards() {
            let excluded = std::mem::take(&mut left_out);
            let cursor = CursorItem { done: ended, excluded, updated_at: now, ..CursorItem::default() };
            tx.add(self.cursors.add(id, shard, &cursor));
        }
        let mut entry = AuditEntry::new(now, campaign.starter(), audit::Action::Started);
        entry.state = Some(campaign.state);
        tx.add(self.trails.add(id, &entry));
        if let Once::Occurrence(schedule, occurrence) = once {
            tx.add(self.schedules.put(schedule, &schedule.after(occurrence.clone())));
        }
        match tx.write().await? {
            Transacted::Done => Ok(Started::Now),
            Transacted::Refused(refused) if refused.failed(once_only) => Ok(Started::Before),
            Transacted::Refused(refused) if refused.failed(locked) => Ok(Started::Busy),
            Transacted::Refused(_) => Ok(Started::Changed),
        }
    }
}
