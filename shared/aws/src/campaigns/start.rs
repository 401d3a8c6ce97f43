//! Starting a campaign: one transaction for what makes it happen once, division lock, campaign and cursors.

use aws_sdk_dynamodb::types::TransactWriteItem;
use portal_domain::campaign::audit::{Action, AuditEntry};
use portal_domain::schedule::Occurrence;
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, CampaignId, CampaignState, Schedule};

use super::item::{CampaignRef, CursorItem, Made};
use super::request::RequestKey;
use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{Item, StoreError, Transacted, condition_failed, key, put, transact};

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
    /// Writes what makes it happen once, lock, campaign and a cursor per shard, or nothing. A campaign that is completed from the start
    /// (nobody to send to) takes no lock, and still starts only while nobody else holds it.
    pub async fn start(&self, campaign: &Campaign, excluded: Excluded, once: Once<'_>) -> Result<Started, StoreError> {
        let now = campaign.created_at;
        let ended = campaign.state == CampaignState::Completed;
        let lock_key = key(keys::LOCKS, campaign.filter.division.as_str());
        let mut actions = vec![
            match once {
                Once::Request(request) => self.put_key(request, Made::CampaignId(campaign.campaign_id), now)?,
                Once::Occurrence(schedule, occurrence) => self.put_occurrence(schedule, occurrence)?,
            },
            if ended {
                self.require_absent(lock_key)?
            } else {
                let lock = CampaignRef { campaign_id: campaign.campaign_id };
                self.put_new(lock_key, &lock)?
            },
            put(self.put_item(key(keys::CAMPAIGNS, campaign.campaign_id.to_string()), campaign)?)?,
        ];
        // A campaign without an audience has nothing to fan out: who was left out is known already.
        let mut left_out = if ended { excluded } else { Excluded::default() };
        for shard in campaign.shards() {
            let excluded = std::mem::take(&mut left_out);
            let cursor = CursorItem { done: ended, excluded, updated_at: now, ..CursorItem::default() };
            let cursor_key = key(keys::shard_pk(campaign.campaign_id, shard), keys::CURSOR);
            actions.push(put(self.put_item(cursor_key, &cursor)?)?);
        }
        let mut entry = AuditEntry::new(now, campaign.starter(), Action::Started);
        entry.state = Some(campaign.state);
        let audit_key = key(keys::audit_pk(campaign.campaign_id), clock::new_event_id(now));
        actions.push(self.put_new(audit_key, &entry)?);
        if let Once::Occurrence(schedule, occurrence) = once {
            actions.push(self.put_schedule(schedule, &schedule.after(occurrence.clone()))?);
        }
        match transact(&self.client, "start a campaign", actions).await? {
            Transacted::Done => Ok(Started::Now),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(Started::Before),
            Transacted::Refused(reasons) if reasons.get(1).is_some_and(condition_failed) => Ok(Started::Busy),
            Transacted::Refused(_) => Ok(Started::Changed),
        }
    }

    fn require_absent(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        let check = aws_sdk_dynamodb::types::ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(StoreError::request)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The key of a campaign's item, as an attribute map.
    pub(super) fn campaign_key(campaign: CampaignId) -> Item {
        key(keys::CAMPAIGNS, campaign.to_string())
    }
}
