//! Starts a campaign: one transaction for the record that makes it happen once, the lock, the campaign and its cursors.

use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::schedule::Occurrence;
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, CampaignState, Schedule};

use super::walks::cursor::CursorItem;
use super::{CampaignStore, keys};
use crate::idempotency::{Made, RequestKey};
use crate::table::{Action, StoreError, Transacted};

/// The record by which a campaign is started only once.
#[derive(Clone, Copy, Debug)]
pub enum Once<'a> {
    /// The idempotency key of a request.
    Request(RequestKey<'a>),
    /// The occurrence of a schedule, which is given as it was read.
    Occurrence(&'a Schedule, &'a Occurrence),
}

/// The result of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The campaign is written.
    Now,
    /// The idempotency key was used, or the occurrence was recorded before. Nothing is written.
    Before,
    /// Another campaign holds the division's lock. Nothing is written.
    Busy,
    /// The schedule has changed since it was read. Nothing is written.
    Changed,
}

impl CampaignStore {
    /// The actions that add a campaign, with the first entry of its audit trail.
    pub(super) fn add(&self, campaign: &Campaign) -> [Action; 2] {
        let id = campaign.campaign_id;
        let mut entry = AuditEntry::new(campaign.created_at, campaign.starter(), audit::Action::Started);
        entry.state = Some(campaign.state);
        [self.table.put_new(keys::campaign(id), campaign), self.trails.add(id, &entry)]
    }

    /// Writes the record of `once`, the lock, the campaign and a cursor per shard, or nothing. A campaign with nobody
    /// to send to is completed from the start: it takes no lock, but starts only while the lock is free.
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
        tx.extend(self.add(campaign));
        // A campaign without an audience does not fan out, so the left out are counted now.
        let mut left_out = if ended { excluded } else { Excluded::default() };
        for shard in campaign.shards() {
            let excluded = std::mem::take(&mut left_out);
            let cursor = CursorItem { done: ended, excluded, updated_at: now, ..CursorItem::default() };
            tx.add(self.cursors.add(id, shard, &cursor));
        }
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
