//! `sweep`: every minute, completes what crashes left unfinished.
//!
//! For each campaign that holds a lock, and each self-service campaign: shards whose fan-out stands still are queued
//! again, expired claims without a record become `unconfirmed`, a campaign whose rows have all ended is completed, and
//! one that is paused for the daily quota resumes when there is room. The sweep asks SES for rate and quota, so that
//! the senders need not.
//!
//! Accounts whose import stopped in the middle are settled ([`portal_domain::import`]).
//!
//! Then the sweep publishes pending events for the company's portal and notices to operators, brings EventBridge
//! Scheduler in line with the schedules, and drains the dead-letter queues, so that no recipient of a dead message is
//! lost (guarantee 3). Every part may run twice, and at the same time.

mod dead_letters;
mod schedules;

use std::time::Duration;

use dead_letters::DeadLetters;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claims::{ClaimItem, Claims};
use portal_aws::campaigns::walks::cursor::Cursors;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::write::DirectoryStore;
use portal_aws::limiter::Limiter;
use portal_aws::mail::Mailer;
use portal_aws::outbox::bus::{EventBus, EventError};
use portal_aws::outbox::topic::{NotifyError, Topic};
use portal_aws::outbox::{EVENTS_LISTED, Outbox};
use portal_aws::people::erasure::Eraser;
use portal_aws::queue::{DeliverMessage, FanOutMessage, Queue, QueueError};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::StoreError;
use portal_domain::campaign::StateReason;
use portal_domain::{Campaign, CampaignId, CampaignState, Shard};
use schedules::Schedules;
use serde::Serialize;

/// A shard that isn't done and whose cursor has not moved for this long has no running invocation: those end after a
/// minute.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(120);

/// A change of an account that was announced this long ago and has not ended has no running invocation: those end after
/// half a minute.
const ABANDONED: SignedDuration = SignedDuration::from_secs(120);

/// How long a sweep settles accounts; the next one continues. The function ends after a minute, and other work follows.
const TIME_TO_SETTLE: SignedDuration = SignedDuration::from_secs(15);

/// How long a sweep works on erasures; the next one continues.
const TIME_TO_ERASE: SignedDuration = SignedDuration::from_secs(8);

/// An event younger than this is left to the function that wrote it, if that one publishes it.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// An event older than this makes the sweep fail, so that its alarm goes off.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// Most pages of events in one sweep.
const MOST_PAGES: usize = 20;

/// How many campaigns are handled at the same time.
const AT_ONCE: usize = 8;

/// Minimum quota headroom before a campaign paused for `DailyQuota` is resumed. The SES sandbox grants 200 a day.
const WORTH_RESUMING: u64 = 100;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Campaigns handled.
    pub active: usize,
    /// Shards whose fan-out was queued again.
    pub shards_queued: usize,
    /// Claims settled as `unconfirmed`.
    pub claims_settled: usize,
    /// Accounts settled whose import stopped in the middle.
    pub accounts_settled: usize,
    /// Erasures finished.
    pub erased: usize,
    /// Dead letters drained.
    pub dead_letters: usize,
    /// Unreadable dead letters that were parked.
    pub parked: usize,
    /// Campaigns resumed because there is room in the quota again.
    pub resumed: usize,
    /// Schedules updated in EventBridge Scheduler.
    pub schedules_armed: usize,
    /// Notices published.
    pub notices: usize,
    /// Events for the company's portal published.
    pub events: usize,
    /// Errors of this sweep.
    pub errors: usize,
}

impl Swept {
    /// Adds the counts of one campaign.
    fn add(&mut self, one: Self) {
        self.shards_queued += one.shards_queued;
        self.claims_settled += one.claims_settled;
        self.resumed += one.resumed;
        self.errors += one.errors;
    }
}

/// A part of the sweep failed; the next one tries again.
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
    /// An event could not be published.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Everything else was done, but an event for the portal has waited for minutes.
    #[error("events for the portal wait for more than {LATE:#}")]
    EventsLate,
    /// Everything else was done, but a schedule could not be updated in EventBridge Scheduler for minutes, so it does
    /// not run as it should.
    #[error("EventBridge Scheduler can't be told of a schedule for more than {LATE:#}")]
    SchedulesLate,
    /// A schedule changed faster than its occurrence could be recorded.
    #[error("a schedule kept changing while an occurrence was recorded")]
    KeptChanging,
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Sweep {
    store: CampaignStore,
    claims: Claims,
    cursors: Cursors,
    outbox: Outbox,
    directory: DirectoryStore,
    eraser: Eraser,
    limiter: Limiter,
    fan_out: Queue,
    deliveries: Queue,
    dead_letters: DeadLetters,
    schedules: Schedules,
    topic: Topic,
    bus: EventBus,
}

impl Sweep {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            limiter: Limiter::new(context, Mailer::new(context))?,
            directory: DirectoryStore::new(context)?,
            eraser: Eraser::new(context)?,
            store: CampaignStore::new(context)?,
            claims: Claims::new(context)?,
            cursors: Cursors::new(context)?,
            outbox: Outbox::new(context)?,
            fan_out: context.queue("FAN_OUT_QUEUE_URL")?,
            deliveries: context.queue("DELIVER_QUEUE_URL")?,
            dead_letters: DeadLetters::new(context)?,
            schedules: Schedules::new(context)?,
            topic: Topic::new(context)?,
            bus: EventBus::new(context)?,
        })
    }

    /// Sweeps once, at time `now`. An error in one campaign does not keep the others from being handled.
    ///
    /// Campaigns come first and dead letters last. Many dead letters mean that something is wrong, and just then
    /// claims, quotas and ends must get their turn.
    pub async fn run(&self, now: Timestamp) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        let looked = self.look_after_all(now, &mut swept).await;
        if let Err(error) = &looked {
            tracing::error!(error = %error, "campaigns could not be looked after");
            swept.errors += 1;
        }
        match self.directory.settle_abandoned(now - ABANDONED, clock::now() + TIME_TO_SETTLE).await {
            Ok(settled) => swept.accounts_settled = settled,
            Err(error) => {
                tracing::error!(error = %error, "accounts could not be settled");
                swept.errors += 1;
            }
        }
        match self.eraser.sweep(now, clock::now() + TIME_TO_ERASE).await {
            Ok(erased) => swept.erased = erased,
            Err(error) => {
                tracing::error!(error = %error, "people could not be erased");
                swept.errors += 1;
            }
        }
        let told = self.publish_events(now, &mut swept).await;
        if let Err(error) = &told {
            tracing::error!(error = %error, "events could not be published");
            swept.errors += 1;
        }
        if let Err(error) = self.publish_notices(&mut swept).await {
            tracing::error!(error = %error, "notices could not be published");
            swept.errors += 1;
        }
        let armed = self.schedules.arm(now, &mut swept).await;
        if let Err(error) = &armed {
            tracing::error!(error = %error, "schedules could not be armed");
            swept.errors += 1;
        }
        if let Err(error) = self.dead_letters.drain(now, &mut swept).await {
            tracing::error!(error = %error, "dead letters could not be drained");
            swept.errors += 1;
        }
        tracing::info!(
            active = swept.active,
            shards_queued = swept.shards_queued,
            claims_settled = swept.claims_settled,
            accounts_settled = swept.accounts_settled,
            erased = swept.erased,
            dead_letters = swept.dead_letters,
            parked = swept.parked,
            resumed = swept.resumed,
            schedules_armed = swept.schedules_armed,
            notices = swept.notices,
            events = swept.events,
            errors = swept.errors,
            "swept"
        );
        if told.is_err() && !self.outbox.events(now - LATE).await.is_ok_and(|late| late.is_empty()) {
            return Err(SweepError::EventsLate);
        }
        match armed {
            Err(error @ SweepError::SchedulesLate) => Err(error),
            _ => looked.map(|()| swept),
        }
    }

    async fn look_after_all(&self, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        let active = self.store.active().await?;
        let room = if active.is_empty() { None } else { self.room(now, swept).await };
        swept.active = active.len();
        let looks = active.into_iter().map(|campaign_id| async move {
            let mut swept = Swept::default();
            if let Err(error) = self.look_after(campaign_id, room, now, &mut swept).await {
                tracing::error!(campaign.id = %campaign_id, error = %error, "campaign could not be looked after");
                swept.errors += 1;
            }
            swept
        });
        let mut looks = futures::stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some(of_one) = looks.next().await {
            swept.add(of_one);
        }
        Ok(())
    }

    /// How many e-mails may still leave in these 24 hours; `None` if SES did not answer.
    async fn room(&self, now: Timestamp, swept: &mut Swept) -> Option<u64> {
        let room = self.limiter.refresh(now).await;
        room.inspect_err(|error| {
            tracing::error!(error = %error, "the send rate could not be refreshed");
            swept.errors += 1;
        })
        .ok()
    }

    /// Publishes notices to operators, at least once each: after a crash in between a notice is published twice.
    async fn publish_notices(&self, swept: &mut Swept) -> Result<(), SweepError> {
        let mut refused = None;
        for pending in self.outbox.notices().await? {
            let Some(notice) = &pending.notice else {
                tracing::warn!("a notice is left for the version that wrote it");
                continue;
            };
            // A notice that SNS refuses does not hold up the others.
            match self.topic.publish(notice).await {
                Ok(()) => {
                    self.outbox.delete_notice(&pending).await?;
                    swept.notices += 1;
                }
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Publishes pending events for the company's portal.
    async fn publish_events(&self, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        for _ in 0..MOST_PAGES {
            let events = self.outbox.events(now - FRESH).await?;
            self.bus.publish(&events).await?;
            swept.events += events.len();
            if events.len() < EVENTS_LISTED {
                break;
            }
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
        if campaign.fans_out() {
            self.queue_standing_shards(&campaign, now, swept).await?;
        }
        let mut open = 0;
        for shard in campaign.shards() {
            for claim in self.claims.open(id, shard).await? {
                if claim.claim_until < now {
                    self.settle(&campaign, shard, &claim).await?;
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
        self.store.unlist(&campaign, now).await?;
        Ok(())
    }

    /// Settles an expired claim, and queues its recipients that are `queued` again, because the claim's owner may have
    /// died before it queued them.
    async fn settle(&self, campaign: &Campaign, shard: Shard, open: &ClaimItem) -> Result<(), SweepError> {
        let (claim, recipient_ids) = self.claims.settle(campaign.campaign_id, shard, open).await?;
        if recipient_ids.is_empty() {
            return Ok(());
        }
        let division = campaign.filter.division.clone();
        let message = DeliverMessage { campaign_id: campaign.campaign_id, division, shard, recipient_ids };
        self.deliveries.send(&[message], Duration::ZERO).await?;
        Ok(self.claims.close(&claim).await?)
    }

    /// Resumes a campaign whose quiet hours are over, or one that waits for quota once there is enough room that it
    /// will not stop again at once.
    async fn resume(
        &self,
        campaign: &Campaign,
        room: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Campaign>, SweepError> {
        if campaign.stopped_for(StateReason::QuietHours) {
            return match campaign.may_send_at(now) {
                true => Ok(self.store.resume_by_itself(campaign.campaign_id, StateReason::QuietHours, now).await?),
                false => Ok(None),
            };
        }
        if !campaign.stopped_for(StateReason::DailyQuota) {
            return Ok(None);
        }
        let waiting = self.store.progress(campaign).await?.outcomes.queued;
        let enough = waiting.clamp(1, WORTH_RESUMING);
        match room {
            Some(room) if room >= enough => {
                Ok(self.store.resume_by_itself(campaign.campaign_id, StateReason::DailyQuota, now).await?)
            }
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
            let Some(cursor) = self.cursors.read(campaign.campaign_id, shard).await? else { continue };
            if !cursor.done && now.duration_since(cursor.updated_at) > STANDSTILL {
                standing.push(FanOutMessage { campaign_id: campaign.campaign_id, shard });
            }
        }
        swept.shards_queued += standing.len();
        Ok(self.fan_out.send(&standing, Duration::ZERO).await?)
    }
}
