//! How far a campaign has come, and its end.

use aws_sdk_dynamodb::types::{Delete, Get, TransactGetItem, TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::campaign::Progress;
use portal_domain::{Campaign, CampaignId, CampaignState, Shard};

use super::claim::update;
use super::counter::CounterItem;
use super::item::CursorItem;
use super::{CampaignStore, keys};
use crate::dynamo::{Item, StoreError, Transacted, batch_get, key, s, transact};

impl CampaignStore {
    /// Progress of a campaign. Batches that are recorded while this reads may be seen in part.
    pub async fn progress(&self, campaign: &Campaign) -> Result<Progress, StoreError> {
        let keys = progress_keys(campaign.campaign_id, &campaign.shards());
        let wanted = keys.into_iter().map(|key| (self.table.clone(), key)).collect();
        let items = batch_get(&self.client, wanted).await?;
        sum(campaign, items.into_iter().map(|(_, item)| item))
    }

    /// Moves a campaign on when its ledger says so: to `sending` when the ledger is complete, and to its end, once, when
    /// every row has an end state; then the division's lock is free. Answers the state that the campaign is in, as far
    /// as could be seen: when others write at the same moment it is theirs, or the sweep's, to move it on.
    pub async fn advance(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignState>, StoreError> {
        let Some((campaign, progress)) = self.snapshot(id).await? else { return Ok(None) };
        let next = progress.event().and_then(|event| campaign.state.after(event));
        let Some(next) = next else { return Ok(Some(campaign.state)) };
        let mut set = "SET #state = :next".to_owned();
        let mut builder = Update::builder();
        if next == CampaignState::Completed {
            set.push_str(", completedAt = :now, summary = :summary");
            builder = builder
                .expression_attribute_values(":now", s(now.to_string()))
                .expression_attribute_values(":summary", serde_dynamo::to_attribute_value(progress)?);
        }
        let mut actions = vec![update(
            builder
                .table_name(&self.table)
                .set_key(Some(Self::campaign_key(id)))
                .update_expression(set)
                .condition_expression("#state = :before")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":before", s(campaign.state.as_str()))
                .expression_attribute_values(":next", s(next.as_str())),
        )?];
        if next == CampaignState::Completed {
            let unlock = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key(keys::LOCKS, campaign.filter.division.as_str())))
                .condition_expression("campaignId = :campaign")
                .expression_attribute_values(":campaign", s(id.to_string()))
                .build()
                .map_err(StoreError::request)?;
            actions.push(TransactWriteItem::builder().delete(unlock).build());
        }
        match transact(&self.client, "move a campaign on", actions).await? {
            Transacted::Done => {
                tracing::info!(campaign.id = %id, campaign.state = next.as_str(), "campaign moved on");
                Ok(Some(next))
            }
            Transacted::Refused(_) => Ok(None),
        }
    }

    /// Campaign and progress at one instant; `None` when the campaign is unknown, or somebody writes to it just now.
    async fn snapshot(&self, id: CampaignId) -> Result<Option<(Campaign, Progress)>, StoreError> {
        let mut wanted = vec![Self::campaign_key(id)];
        wanted.extend(progress_keys(id, &Shard::all().collect::<Vec<_>>()));
        let gets = wanted.into_iter().map(|key| {
            let get = Get::builder().table_name(&self.table).set_key(Some(key)).build().map_err(StoreError::request)?;
            Ok(TransactGetItem::builder().get(get).build())
        });
        let gets = gets.collect::<Result<Vec<_>, StoreError>>()?;
        let answer = match self.client.transact_get_items().set_transact_items(Some(gets)).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_transaction_canceled_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::of("read a campaign's progress", error)),
        };
        let mut items = answer.responses.unwrap_or_default().into_iter().map(|response| response.item);
        let Some(campaign) = items.next().flatten() else { return Ok(None) };
        let campaign: Campaign = serde_dynamo::from_item(campaign)?;
        let progress = sum(&campaign, items.flatten())?;
        Ok(Some((campaign, progress)))
    }
}

fn progress_keys(campaign: CampaignId, shards: &[Shard]) -> Vec<Item> {
    let shard_keys = |shard: &Shard| {
        let pk = keys::shard_pk(campaign, *shard);
        let counters = (0..keys::COUNTERS).map(keys::counter_sk);
        std::iter::once(keys::CURSOR.to_owned()).chain(counters).map(move |sk| key(&pk, sk)).collect::<Vec<_>>()
    };
    shards.iter().flat_map(shard_keys).collect()
}

fn sum(campaign: &Campaign, items: impl Iterator<Item = Item>) -> Result<Progress, StoreError> {
    let mut progress = Progress::default();
    let mut counters = CounterItem::default();
    let mut done = 0;
    for item in items {
        if item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str) == Some(keys::CURSOR) {
            let cursor: CursorItem = serde_dynamo::from_item(item)?;
            done += usize::from(cursor.done);
            progress.audience += cursor.audience;
            progress.excluded.merge(&cursor.excluded);
        } else {
            counters.merge(serde_dynamo::from_item(item)?);
        }
    }
    progress.prepared = done == campaign.shards().len();
    progress.outcomes = counters.outcomes(progress.audience);
    progress.feedback = counters.feedback();
    Ok(progress)
}
