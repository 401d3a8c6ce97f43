//! Joining a self-service campaign: somebody asked for a new e-mail.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::campaign::SelfService;
use portal_domain::campaign::audit::{Action, AuditEntry};
use portal_domain::{Campaign, CampaignId, DivisionId, RecipientId, Shard};

use super::item::{CampaignRef, CursorItem, LedgerItem};
use super::{CampaignStore, keys};
use crate::clock;
use crate::directory::item::RecipientItem;
use crate::directory::keys as directory_keys;
use crate::dynamo::{StoreError, Transacted, condition_failed, key, n, put, s, transact, update};

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
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::SELF_SERVICE, keys::self_service_sk(division, which))))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a self-service campaign", error))?;
        let listed: Option<CampaignRef> = answer.item.map(serde_dynamo::from_item).transpose()?;
        match listed {
            Some(listed) => self.campaign(listed.campaign_id).await,
            None => Ok(None),
        }
    }

    /// Puts a recipient, who is as they were read, into the ledger of a self-service campaign, remembers that they
    /// `asked`, and counts the e-mail as one of the `most` that the division's customers are granted in a day (of UTC).
    /// In one transaction, with the campaign itself if it is `new`. Fan-out queues the e-mail as it does any: so a crash
    /// loses nobody, and nobody is counted twice.
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
        let pk = keys::shard_pk(campaign.campaign_id, id.shard());
        let mut actions = vec![
            self.grant(&recipient.division, most, now)?,
            self.remember(recipient, campaign.campaign_id, asked)?,
            self.put_new(key(&pk, keys::ledger_sk(id)), &LedgerItem::queued(id))?,
        ];
        if new {
            actions.extend(self.open(campaign, id)?);
        } else {
            actions.push(self.require_unchanged(campaign)?);
            actions.push(self.enlarge(&pk, id, campaign.state.sends(), now)?);
        }
        Ok(match transact(&self.client, "join a self-service campaign", actions).await? {
            Transacted::Done => Joined::Done,
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Joined::LimitReached,
            Transacted::Refused(_) => Joined::Changed,
        })
    }

    /// Has a self-service campaign looked after no longer, if it is over, as it was read, and nobody may join it.
    pub async fn unlist(&self, campaign: &Campaign, now: Timestamp) -> Result<(), StoreError> {
        let Some(which) = campaign.self_service.filter(|which| campaign.completed_at.is_some() && !which.is_open(now))
        else {
            return Ok(());
        };
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(keys::SELF_SERVICE, keys::self_service_sk(&campaign.filter.division, which))))
            .build()
            .map_err(StoreError::request)?;
        // A retry lists it again.
        let actions = vec![TransactWriteItem::builder().delete(delete).build(), self.require_unchanged(campaign)?];
        transact(&self.client, "take a campaign off a list", actions).await?;
        Ok(())
    }

    /// The action that has a self-service campaign looked after.
    pub(super) fn list_self_service(
        &self,
        campaign: &Campaign,
        which: SelfService,
    ) -> Result<TransactWriteItem, StoreError> {
        let listed = CampaignRef { campaign_id: campaign.campaign_id };
        let sk = keys::self_service_sk(&campaign.filter.division, which);
        put(self
            .put_item(key(keys::SELF_SERVICE, sk), &listed)?
            .condition_expression("attribute_not_exists(pk) OR campaignId = :campaign")
            .expression_attribute_values(":campaign", s(campaign.campaign_id.to_string())))
    }

    /// A new campaign with its first recipient.
    fn open(&self, campaign: &Campaign, first: RecipientId) -> Result<Vec<TransactWriteItem>, StoreError> {
        let now = campaign.created_at;
        let id = campaign.campaign_id;
        let mut entry = AuditEntry::new(now, campaign.starter(), Action::Started);
        entry.state = Some(campaign.state);
        let mut actions = vec![
            self.put_new(Self::campaign_key(id), campaign)?,
            self.put_new(key(keys::audit_pk(id), clock::new_event_id(now)), &entry)?,
        ];
        if let Some(which) = campaign.self_service {
            actions.push(self.list_self_service(campaign, which)?);
        }
        for shard in campaign.shards() {
            actions.push(self.put_new(key(keys::shard_pk(id, shard), keys::CURSOR), &cursor(shard, first, now))?);
        }
        Ok(actions)
    }

    fn remember(
        &self,
        recipient: &RecipientItem,
        campaign: CampaignId,
        asked: &[Timestamp],
    ) -> Result<TransactWriteItem, StoreError> {
        let id = recipient.recipient_id;
        update(
            Update::builder()
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(id), directory_keys::RECIPIENT)))
                .update_expression("SET resends = :asked, askedIn = :campaign, version = :next")
                .condition_expression("version = :version")
                .expression_attribute_values(":asked", serde_dynamo::to_attribute_value(asked)?)
                .expression_attribute_values(":campaign", s(campaign.to_string()))
                .expression_attribute_values(":version", n(recipient.version))
                .expression_attribute_values(":next", n(recipient.version + 1)),
        )
    }

    /// The campaign is in the state that was read: one that others join may be paused or halted, but not cancelled or over.
    fn require_unchanged(&self, campaign: &Campaign) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Self::campaign_key(campaign.campaign_id)))
            .condition_expression("revision = :revision")
            .expression_attribute_values(":revision", n(campaign.revision))
            .build()
            .map_err(StoreError::request)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// One more in a shard's ledger, whom its fan-out is to queue. Whoever is at work on the shard fails with its next page. While the
    /// campaign stands still nobody is noted to be queued: whoever resumes it goes through the ledger.
    fn enlarge(
        &self,
        shard_pk: &str,
        recipient: RecipientId,
        sends: bool,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut builder = Update::builder();
        let mut set = "SET updatedAt = :now";
        if sends {
            set = "SET toQueue = list_append(toQueue, :joins), done = :open, updatedAt = :now";
            builder = builder
                .expression_attribute_values(":joins", serde_dynamo::to_attribute_value([recipient])?)
                .expression_attribute_values(":open", AttributeValue::Bool(false));
        }
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(key(shard_pk, keys::CURSOR)))
                .update_expression(format!("{set} ADD audience :one, page :one"))
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":now", s(now.to_string()))
                .expression_attribute_values(":one", n(1)),
        )
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
