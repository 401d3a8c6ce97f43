//! `sweep`: every minute, takes up what crashes left behind.
//!
//! For each campaign that holds a lock: shards whose fan-out stands still are queued again, claims that ran out
//! unrecorded become `unconfirmed`, and a campaign whose rows have all ended is ended. And it drains the
//! dead-letter queues, so that no recipient of a dead message is lost. Every part may run twice, and at the same time.

mod dead_letters;

use std::time::Duration;

use aws_config::SdkConfig;
use dead_letters::DeadLetters;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::dynamo::StoreError;
use portal_aws::queue::{FanOutMessage, Queue, QueueError};
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::{Campaign, CampaignId};
use serde::Serialize;

/// A shard that isn't done and whose cursor stood still for so long has no living invocation: those end after a minute.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(120);

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Campaigns that hold a lock.
    pub active: usize,
    /// Shards whose fan-out was queued again.
    pub shards_queued: usize,
    /// Claims settled as `unconfirmed`.
    pub claims_settled: usize,
    /// Dead letters drained.
    pub dead_letters: usize,
    /// Dead letters that could not be read, and were parked.
    pub parked: usize,
    /// Campaigns that could not be looked after this time.
    pub errors: usize,
}

/// A part of the sweep could not be done; the next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue could not be read or written.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Sweep {
    store: CampaignStore,
    fan_out: Queue,
    dead_letters: DeadLetters,
}

impl Sweep {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let sqs = aws_sdk_sqs::Client::new(config);
        let store = CampaignStore::new(
            aws_sdk_dynamodb::Client::new(config),
            settings.required("CAMPAIGNS_TABLE")?,
            settings.required("DIRECTORY_TABLE")?,
        );
        Ok(Self {
            store,
            fan_out: Queue::new(sqs.clone(), settings.required("FAN_OUT_QUEUE_URL")?),
            dead_letters: DeadLetters::new(sqs, settings)?,
        })
    }

    /// Sweeps once, at time `now`. One campaign's trouble doesn't keep the others from being looked after.
    pub async fn run(&self, now: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        if let Err(error) = self.dead_letters.drain(&self.store, &mut swept).await {
            tracing::error!(error = %error, "dead letters could not be drained");
            swept.errors += 1;
        }
        for campaign_id in self.store.active().await? {
            swept.active += 1;
            if let Err(error) = self.look_after(campaign_id, now, &mut swept).await {
                tracing::error!(campaign.id = %campaign_id, error = %error, "campaign could not be looked after");
                swept.errors += 1;
            }
        }
        tracing::info!(
            active = swept.active,
            shards_queued = swept.shards_queued,
            claims_settled = swept.claims_settled,
            dead_letters = swept.dead_letters,
            parked = swept.parked,
            errors = swept.errors,
            "swept"
        );
        Ok(swept)
    }

    async fn look_after(&self, id: CampaignId, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        let Some(campaign) = self.store.campaign(id).await? else { return Ok(()) };
        if campaign.state.sends() {
            self.queue_standing_shards(&campaign, now, swept).await?;
        }
        for shard in campaign.shards() {
            for claim in self.store.open_claims(id, shard).await? {
                if claim.claim_until < now {
                    self.store.settle(id, shard, &claim).await?;
                    swept.claims_settled += 1;
                }
            }
        }
        self.store.advance(id, now).await?;
        Ok(())
    }

    async fn queue_standing_shards(
        &self,
        campaign: &Campaign,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        let mut standing = Vec::new();
        for shard in campaign.shards() {
            let Some(cursor) = self.store.cursor(campaign.campaign_id, shard).await? else { continue };
            if !cursor.done && now.duration_since(cursor.updated_at) > STANDSTILL {
                standing.push(FanOutMessage { campaign_id: campaign.campaign_id, shard });
            }
        }
        swept.shards_queued += standing.len();
        Ok(self.fan_out.send(&standing, Duration::ZERO).await?)
    }
}
