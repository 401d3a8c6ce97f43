//! Moving a campaign from one state to the next: one transaction for campaign, lock, cursors, audit trail and notice.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use portal_domain::campaign::audit::AuditEntry;
use portal_domain::{Campaign, Shard};

use super::item::{CampaignRef, CursorItem, Walk};
use super::notices::{CampaignNotice, Notice};
use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{Item, StoreError, Transacted, condition_failed, key, n, put, s, transact, update};

/// A change of state, decided from a campaign as it was read.
pub(super) struct Transition<'a> {
    /// The campaign as it was read.
    pub before: &'a Campaign,
    /// The campaign as it is to be; its revision is set when it is written.
    pub after: Campaign,
    /// What the audit trail says of it; of some entries the operators are told.
    pub entry: AuditEntry,
    /// What becomes of the division's lock.
    pub lock: Lock,
    /// What its shards are to do.
    pub walk: Option<Walks>,
    /// The cursors as they were read, if the campaign gets a new bound: from now on exactly what they have written is admitted.
    pub rebound: Option<Vec<(Shard, CursorItem)>>,
}

/// What a change of state does to the division's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The campaign has it, and keeps it.
    Keep,
    /// The campaign takes it again, if nobody else has it.
    Take,
    /// The campaign frees it.
    Free,
}

/// What a change of state gives the shards to do.
#[derive(Clone, Debug)]
pub(super) enum Walks {
    /// This walk, after those that they are at.
    Then(Walk),
    /// This walk alone.
    Only(Walk),
}

/// How a change of state ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is written: this is the campaign now.
    Done(Box<Campaign>),
    /// Somebody changed the campaign since it was read. Nothing is written.
    Changed,
    /// Another campaign holds the lock. Nothing is written.
    Busy,
}

impl CampaignStore {
    /// Writes a change of state, once, or nothing.
    pub(super) async fn transit(&self, transition: Transition<'_>) -> Result<Moved, StoreError> {
        let Transition { before, mut after, mut entry, lock, walk, rebound } = transition;
        after.revision = before.revision + 1;
        entry.state = Some(after.state);
        entry.reason = after.state_reason;
        let id = before.campaign_id;
        let mut actions = vec![self.put_campaign(before, &after)?];
        actions.extend(self.lock_action(before, lock)?);
        let event_id = clock::new_event_id(entry.at);
        actions.push(self.put_new(key(keys::audit_pk(id), &event_id), &entry)?);
        if let Some(notice) = CampaignNotice::of(&after, &entry) {
            actions.push(self.put_new(key(keys::NOTICES, &event_id), &Notice::Campaign(notice))?);
        }
        if let Some(cursors) = &rebound {
            actions.extend(self.readmit(id, cursors, walk.is_some())?);
        }
        if let Some(walks) = walk {
            for shard in before.shards() {
                let read = rebound.iter().flatten().find(|(of, _)| *of == shard).map(|(_, cursor)| cursor.page);
                actions.push(self.set_walks(key(keys::shard_pk(id, shard), keys::CURSOR), &walks, read, &entry)?);
            }
        }
        match transact(&self.client, "move a campaign on", actions).await? {
            Transacted::Done => {
                tracing::info!(campaign.id = %id, campaign.state = after.state.as_str(), "campaign moved on");
                Ok(Moved::Done(Box::new(after)))
            }
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(Moved::Changed),
            Transacted::Refused(_) if lock == Lock::Take => Ok(Moved::Busy),
            Transacted::Refused(_) => Ok(Moved::Changed),
        }
    }

    fn put_campaign(&self, before: &Campaign, after: &Campaign) -> Result<TransactWriteItem, StoreError> {
        let item = self.put_item(Self::campaign_key(before.campaign_id), after)?;
        put(item
            .condition_expression("revision = :revision")
            .expression_attribute_values(":revision", n(before.revision)))
    }

    fn lock_action(&self, campaign: &Campaign, lock: Lock) -> Result<Option<TransactWriteItem>, StoreError> {
        if let Some(self_service) = campaign.self_service {
            // It never holds the lock. What is retried must be looked after again.
            let listed = lock == Lock::Take;
            return listed.then(|| self.list_self_service(campaign, self_service)).transpose();
        }
        let lock_key = key(keys::LOCKS, campaign.filter.division.as_str());
        let campaign_id = campaign.campaign_id;
        match lock {
            Lock::Keep => Ok(None),
            Lock::Take => self.put_new(lock_key, &CampaignRef { campaign_id }).map(Some),
            Lock::Free => {
                let unlock = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(lock_key))
                    .condition_expression("campaignId = :campaign")
                    .expression_attribute_values(":campaign", s(campaign_id.to_string()))
                    .build()
                    .map_err(StoreError::request)?;
                Ok(Some(TransactWriteItem::builder().delete(unlock).build()))
            }
        }
    }

    /// Gives a shard a walk to do. Whoever is at work on it fails with its next page, and whoever it was about to queue is
    /// `queued` in the ledger: the walk finds them. If `read` says so the cursor must be at that page.
    fn set_walks(
        &self,
        key: Item,
        walks: &Walks,
        read: Option<u64>,
        entry: &AuditEntry,
    ) -> Result<TransactWriteItem, StoreError> {
        let (walk, set) = match walks {
            Walks::Then(walk) => (walk, "walks = list_append(walks, :walk)"),
            Walks::Only(walk) => (walk, "walks = :walk"),
        };
        let (builder, condition) = match read {
            Some(page) => (Update::builder().expression_attribute_values(":read", n(page)), "page = :read"),
            None => (Update::builder(), "attribute_exists(pk)"),
        };
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(key))
                .update_expression(format!(
                    "SET {set}, done = :open, toQueue = :nobody, updatedAt = :now ADD page :one"
                ))
                .condition_expression(condition)
                .expression_attribute_values(":walk", serde_dynamo::to_attribute_value([walk])?)
                .expression_attribute_values(":open", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
                .expression_attribute_values(":nobody", aws_sdk_dynamodb::types::AttributeValue::L(Vec::new()))
                .expression_attribute_values(":now", s(entry.at.to_string()))
                .expression_attribute_values(":one", n(1)),
        )
    }
}
