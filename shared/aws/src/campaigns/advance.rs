//! How far a campaign has come, and its end.

use aws_sdk_dynamodb::types::{Get, TransactGetItem};
use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::campaign::{CampaignEvent, Progress};
use portal_domain::{Campaign, CampaignId, CampaignState, Shard};

use super::counter::CounterItem;
use super::item::CursorItem;
use super::transition::{Lock, Moved, Transition};
use super::{CampaignStore, keys};
use crate::dynamo::{Item, StoreError, batch_get, key};

impl CampaignStore {
    /// Progress of a campaign. Batches that are recorded while this reads may be seen in part.
    pub async fn progress(&self, campaign: &Campaign) -> Result<Progress, StoreError> {
        let keys = progress_keys(campaign.campaign_id, &campaign.shards());
        let wanted = keys.into_iter().map(|key| (self.table.clone(), key)).collect();
        let (items, acceptances) = futures::try_join!(batch_get(&self.client, wanted), self.acceptances(campaign))?;
        Ok(Progress { acceptances: acceptances.view(), ..sum(campaign, items.into_iter().map(|(_, item)| item))? })
    }

    /// Moves a campaign on when its ledger says so: to `sending` when the ledger is complete, and to its end, once, when
    /// every row has an end state and nobody may join; then the division's lock is free, and the operators are told. Answers the state that the
    /// campaign is in, as far as could be seen: when others write at the same moment it is theirs, or the sweep's, to move it on.
    pub async fn advance(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignState>, StoreError> {
        let Some((campaign, progress)) = self.snapshot(id).await? else { return Ok(None) };
        let event = progress.event().filter(|_| campaign.completed_at.is_none());
        let over = event == Some(CampaignEvent::AllEnded) && !campaign.is_open(now);
        // Everybody in it has an end state, and others may join.
        let event = if over { event } else { event.map(|_| CampaignEvent::Prepared) };
        let Some(state) = event.and_then(|event| campaign.state.after(event)) else {
            return Ok(Some(campaign.state));
        };
        let completed_at = over.then_some(now);
        let mut entry = AuditEntry::new(now, SYSTEM, if over { Action::Ended } else { Action::Prepared });
        entry.recipients = Some(progress.audience);
        entry.outcomes = over.then_some(progress.outcomes);
        let moved = self.transit(Transition {
            before: &campaign,
            after: Campaign { state, state_reason: None, completed_at, ..campaign.clone() },
            entry,
            lock: if over { Lock::Free } else { Lock::Keep },
            walk: None,
            rebound: None,
        });
        Ok(match moved.await? {
            Moved::Done(campaign) => Some(campaign.state),
            Moved::Changed | Moved::Busy => None,
        })
    }

    /// Campaign and progress at one instant, without the acceptances; `None` when the campaign is unknown, or somebody writes to it just now.
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
