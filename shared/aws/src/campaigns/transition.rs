//! Moves a campaign from one state to the next: one transaction for campaign, lock, cursors, audit trail and notice.

use portal_domain::campaign::audit::AuditEntry;
use portal_domain::{Campaign, Shard};

use super::active::Lock;
use super::walks::cursor::{CursorItem, WalkChange};
use super::{CampaignStore, keys};
use crate::outbox::notice::{CampaignNotice, Notice};
use crate::table::condition::is;
use crate::table::{StoreError, Transacted};

/// A change of state, decided from a campaign as it was read.
pub(super) struct Transition<'a> {
    /// The campaign as it was read.
    pub before: &'a Campaign,
    /// The new campaign; its revision is set when it is written.
    pub after: Campaign,
    /// The entry in the audit trail; operators are notified of some entries.
    pub entry: AuditEntry,
    /// The change of the lock.
    pub lock: Lock,
    /// The change of the walks of its shards.
    pub walk: Option<WalkChange>,
    /// The cursors as they were read, if the campaign gets a new bound: the rows that they have written are admitted.
    pub rebound: Option<Vec<(Shard, CursorItem)>>,
}

/// The result of a change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// The change is written, and this is the new campaign.
    Done(Box<Campaign>),
    /// The campaign has changed since it was read. Nothing is written.
    Changed,
    /// Another campaign holds the lock. Nothing is written.
    Busy,
}

impl CampaignStore {
    /// Writes a change of state once, or nothing.
    pub(super) async fn transit(&self, transition: Transition<'_>) -> Result<Moved, StoreError> {
        let Transition { before, mut after, mut entry, lock, walk, rebound } = transition;
        after.revision = before.revision + 1;
        entry.state = Some(after.state);
        entry.reason = after.state_reason.clone();
        let id = before.campaign_id;
        let mut tx = self.table.tx("move a campaign on");
        let as_read = is("revision", before.revision);
        let moved = tx.add(self.table.put(keys::campaign(id), &after).when(as_read));
        tx.extend(self.lock_action(before, lock));
        tx.add(self.trails.add(id, &entry));
        if let Some(notice) = CampaignNotice::of(&after, &entry) {
            tx.add(self.outbox.add_notice(&Notice::Campaign(notice)));
        }
        if let Some(cursors) = &rebound {
            tx.extend(self.cursors.readmit(id, cursors, walk.is_some()));
        }
        if let Some(walks) = walk {
            for shard in before.shards() {
                let read = rebound.iter().flatten().find(|(of, _)| *of == shard).map(|(_, cursor)| cursor.page);
                tx.add(self.cursors.change_walks(id, shard, &walks, read, entry.at));
            }
        }
        match tx.write().await? {
            Transacted::Done => {
                tracing::info!(campaign.id = %id, campaign.state = %after.state, "campaign moved on");
                Ok(Moved::Done(Box::new(after)))
            }
            Transacted::Refused(refused) if refused.failed(moved) => Ok(Moved::Changed),
            Transacted::Refused(_) if lock == Lock::Take => Ok(Moved::Busy),
            Transacted::Refused(_) => Ok(Moved::Changed),
        }
    }
}
