//! Joining a self-service campaign: somebody asked for a new e-mail.

use jiff::Timestamp;
use portal_domain::campaign::SelfService;
use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::{Campaign, DivisionId, RecipientId, Shard};

use super::item::CampaignRef;
use super::walks::cursor::CursorItem;
use super::{CampaignStore, keys};
use crate::directory::item::RecipientItem;
use crate::table::condition::{absent, is};
use crate::table::{Action, StoreError, Transacted};

/// How joining ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The recipient is in the ledger; the shard's fan-out is to be queued.
    Done,
    /// Recipient or campaign are no longer what was read. Nothing is written.
    Changed,
    /// The division's customers have as many e-mails as they may be granted in a day. Nothing is written.
    LimitReached,
}

impl CampaignStore {
    /// A division's self-service campaign, if anybody has asked for it, read consistently.
    pub async fn self_service(
        &self,
        division: &DivisionId,
        which: SelfService,
    ) -> Result<Option<Campaign>, StoreError> {
        let listed = self.table.get("read a self-service campaign", &keys::self_service(division, which)).await?;
        match listed {
            Some(listed) => self.campaign(listed.campaign_id).await,
            None => Ok(None),
        }
    }

    /// Puts a recipient, who is as they were read, into the ledger of a self-service campaign, remembers that they
    /// `asked`, and counts the e-mail as one of the `most` that the division's customers are granted in a day (of UTC).
    /// In one transaction, with the campaign itself if it is `new`. Fan-out queues the e-mail as it does any: so a
    /// crash loses nobody, and nobody is counted twice.
    pub async fn join(
        &self,
        campaign: &Campaign,
        new: bool,
        recipient: &RecipientItem,
        asked: &[Timestamp],
        most: u64,
        now: Timestamp,
    ) -> Result<Joined, StoreError> {
        let id = recipient.recipient_id;
        let mut tx = self.table.tx("join a self-service campaign");
        let granted = tx.add(self.grant(&recipient.division, most, now));
        tx.add(self.recipients.remember_request(recipient, campaign.campaign_id, asked));
        tx.add(self.ledger.add(campaign.campaign_id, id.shard(), id));
        if new {
            tx.extend(self.open(campaign, id));
        } else {
            tx.add(self.require_unchanged(campaign));
            tx.add(self.cursors.add_recipient(campaign.campaign_id, id, campaign.state.sends(), now));
        }
        Ok(match tx.write().await? {
            Transacted::Done => Joined::Done,
            Transacted::Refused(refused) if refused.failed(granted) => Joined::LimitReached,
            Transacted::Refused(_) => Joined::Changed,
        })
    }

    /// Has a self-service campaign looked after no longer, if it is over, as it was read, and nobody may join it.
    pub async fn unlist(&self, campaign: &Campaign, now: Timestamp) -> Result<(), StoreError> {
        let Some(which) = campaign.self_service.filter(|which| campaign.completed_at.is_some() && !which.is_open(now))
        else {
            return Ok(());
        };
        let listed = keys::self_service(&campaign.filter.division, which);
        let mut tx = self.table.tx("take a campaign off a list");
        tx.add(self.table.delete(listed));
        // A retry lists it again.
        tx.add(self.require_unchanged(campaign));
        tx.write().await?;
        Ok(())
    }

    /// The action that has a self-service campaign looked after.
    pub(super) fn list_self_service(&self, campaign: &Campaign, which: SelfService) -> Action {
        let listed = CampaignRef { campaign_id: campaign.campaign_id };
        let own = is("campaignId", campaign.campaign_id);
        self.table.put(keys::self_service(&campaign.filter.division, which), &listed).when(absent().or(own))
    }

    /// A new campaign with its first recipient.
    fn open(&self, campaign: &Campaign, first: RecipientId) -> Vec<Action> {
        let now = campaign.created_at;
        let id = campaign.campaign_id;
        let mut entry = AuditEntry::new(now, campaign.starter(), audit::Action::Started);
        entry.state = Some(campaign.state);
        let mut actions = vec![self.table.put_new(keys::campaign(id), campaign), self.trails.add(id, &entry)];
        actions.extend(campaign.self_service.map(|which| self.list_self_service(campaign, which)));
        let cursors = campaign.shards().into_iter();
        actions.extend(cursors.map(|shard| self.cursors.add(id, shard, &cursor(shard, first, now))));
        actions
    }

    /// The campaign is in the state that was read: one that others join may be paused or halted, but not cancelled or
    /// over.
    fn require_unchanged(&self, campaign: &Campaign) -> Action {
        self.table.check(keys::campaign(campaign.campaign_id), is("revision", campaign.revision))
    }
}

/// A shard's cursor in a new campaign: nobody is looked for in the index; who joins is queued.
fn cursor(shard: Shard, first: RecipientId, now: Timestamp) -> CursorItem {
    let to_queue = if first.shard() == shard { vec![first] } else { Vec::new() };
    CursorItem {
        scanned: true,
        done: to_queue.is_empty(),
        audience: to_queue.len() as u64,
        to_queue,
        updated_at: now,
        ..CursorItem::default()
    }
}
