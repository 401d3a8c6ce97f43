//! `sweep`: every minute, takes up what crashes left behind.
//!
//! For each campaign that holds a lock: shards whose fan-out stands still are queued again, claims that ran out
//! unrecorded become `unconfirmed`, a campaign whose rows have all ended is ended, and one that is paused for want of quota goes on when
//! there is room. It drains the dead-letter queues, so that no recipient of a dead message is lost; it asks SES for rate and quota, so
//! that the senders need not; and it publishes the notices to operators. Every part may run twice, and at the same time.

mod dead_letters;

use std::time::Duration;

use aws_config::SdkConfig;
use dead_letters::DeadLetters;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::dynamo::StoreError;
use portal_aws::limiter::Limiter;
use portal_aws::mail::Mailer;
use portal_aws::notify::{NotifyError, Topic};
use portal_aws::queue::{FanOutMessage, Queue, QueueError};
use portal_aws::settings::{InvalidSetting, Settings};
use portal_domain::campaign::StateReason;
use portal_domain::{Campaign, CampaignId, CampaignState};
use serde::Serialize;

/// A shard that isn't done and whose cursor stood still for so long has no living invocation: those end after a minute.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(120);

/// So much room in the daily quota is worth resuming a campaign for that waits for it. The sandbox grants 200 a day.
const WORTH_RESUMING: u64 = 100;

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
    /// Campaigns that go on because there is room in the quota again.
    pub resumed: usize,
    /// Notices published.
    pub notices: usize,
    /// What could not be done this time.
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
    /// A notice could not be published.
    #[error(transparent)]
    Notify(#[from] NotifyError),
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Sweep {
    store: CampaignStore,
    limiter: Limiter,
    fan_out: Queue,
    dead_letters: DeadLetters,
    topic: Topic,
}

impl Sweep {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, InvalidSetting> {
        let sqs = aws_sdk_sqs::Client::new(config);
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let campaigns = settings.required("CAMPAIGNS_TABLE")?;
        let topic = settings.required("NOTICES_TOPIC_ARN")?;
        Ok(Self {
            limiter: Limiter::new(dynamo.clone(), campaigns.clone(), Mailer::new(config), settings)?,
            store: CampaignStore::new(dynamo, campaigns, settings.required("DIRECTORY_TABLE")?),
            fan_out: Queue::new(sqs.clone(), settings.required("FAN_OUT_QUEUE_URL")?),
            dead_letters: DeadLetters::new(sqs, settings)?,
            topic: Topic::new(aws_sdk_sns::Client::new(config), topic, settings.required("PUBLIC_URL")?),
        })
    }

    /// Sweeps once, at time `now`. One campaign's trouble doesn't keep the others from being looked after.
    pub async fn run(&self, now: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        if let Err(error) = self.dead_letters.drain(&self.store, &mut swept).await {
            tracing::error!(error = %error, "dead letters could not be drained");
            swept.errors += 1;
        }
        let active = self.store.active().await?;
        let room = if active.is_empty() { None } else { self.room(now, &mut swept).await };
        for campaign_id in active {
            swept.active += 1;
            if let Err(error) = self.look_after(campaign_id, room, now, &mut swept).await {
                tracing::error!(campaign.id = %campaign_id, error = %error, "campaign could not be looked after");
                swept.errors += 1;
            }
        }
        if let Err(error) = self.publish_notices(&mut swept).await {
            tracing::error!(error = %error, "notices could not be published");
            swept.errors += 1;
        }
        tracing::info!(
            active = swept.active,
            shards_queued = swept.shards_queued,
            claims_settled = swept.claims_settled,
            dead_letters = swept.dead_letters,
            parked = swept.parked,
            resumed = swept.resumed,
            notices = swept.notices,
            errors = swept.errors,
            "swept"
        );
        Ok(swept)
    }

    /// How many e-mails may leave in these 24 hours; `None` if SES didn't say.
    async fn room(&self, now: Timestamp, swept: &mut Swept) -> Option<u64> {
        let room = self.limiter.refresh(now).await;
        room.inspect_err(|error| {
            tracing::error!(error = %error, "the send rate could not be refreshed");
            swept.errors += 1;
        })
        .ok()
    }

    /// Publishes what operators are to be told. A crash in between tells them twice, and nothing is lost.
    async fn publish_notices(&self, swept: &mut Swept) -> Result<(), SweepError> {
        for pending in self.store.notices().await? {
            self.topic.publish(&pending.notice).await?;
            self.store.forget(&pending).await?;
            swept.notices += 1;
        }
        Ok(())
    }

    async fn look_after(
        &self,
        id: CampaignId,
        room: Option<u64>,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        let Some(mut campaign) = self.store.campaign(id).await? else { return Ok(()) };
        if let Some(resumed) = self.resume(&campaign, room, now).await? {
            campaign = resumed;
            swept.resumed += 1;
            self.fan_out.send(&FanOutMessage::of(&campaign), Duration::ZERO).await?;
        }
        if campaign.state.works() {
            self.queue_standing_shards(&campaign, now, swept).await?;
        }
        let mut open = 0;
        for shard in campaign.shards() {
            for claim in self.store.open_claims(id, shard).await? {
                if claim.claim_until < now {
                    self.store.settle(id, shard, &claim).await?;
                    swept.claims_settled += 1;
                } else {
                    open += 1;
                }
            }
        }
        if campaign.state == CampaignState::Cancelled && open == 0 && self.store.skip_stragglers(&campaign, now).await?
        {
            self.fan_out.send(&FanOutMessage::of(&campaign), Duration::ZERO).await?;
        }
        self.store.advance(id, now).await?;
        Ok(())
    }

    /// Lets a campaign go on that waits for quota, when there is room for a good part of it: else it would stop again at once.
    async fn resume(
        &self,
        campaign: &Campaign,
        room: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Campaign>, SweepError> {
        if campaign.state_reason != Some(StateReason::DailyQuota) {
            return Ok(None);
        }
        let waiting = self.store.progress(campaign).await?.outcomes.queued;
        let enough = waiting.clamp(1, WORTH_RESUMING);
        match room {
            Some(room) if room >= enough => Ok(self.store.resume_by_itself(campaign.campaign_id, now).await?),
            _ => Ok(None),
        }
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
