//! `fan-out`: writes one shard's ledger, page by page, and queues its deliveries.
//!
//! The cursor records what is written, and holds the last page until its messages are queued, so that they are queued
//! again after a crash (guarantee 3). A duplicate message is harmless, because delivery claims each row once; a lost
//! one would not be.

mod audience;

use std::time::Duration;

use audience::Audience;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::walks::cursor::{CursorItem, Cursors, Task};
use portal_aws::campaigns::walks::{PageWrite, Walks};
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::queue::{DeliverMessage, FanOutMessage, Queue, QueueError, jittered};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::StoreError;
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::{Campaign, CampaignState};
use portal_runtime::Consumer;

/// With less time than this left, the function queues a message for the rest of the shard.
const TIME_FOR_A_PAGE: SignedDuration = SignedDuration::from_secs(10);

/// Delay of a shard whose table is throttled or does not answer.
const WAIT: Duration = Duration::from_secs(10);

/// A message could not be handled; it will be received again.
#[derive(Debug, thiserror::Error)]
pub enum FanOutError {
    /// The body is not a fan-out message.
    #[error("the message can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Messages could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Time ran out before a single page was written, so a continuation would get no further.
    #[error("no page could be written in the time of one invocation")]
    NoProgress,
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct FanOut {
    store: CampaignStore,
    cursors: Cursors,
    walks: Walks,
    directory: DirectoryReader,
    deliveries: Queue,
    continuations: Queue,
}

impl FanOut {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            cursors: Cursors::new(context)?,
            walks: Walks::new(context)?,
            directory: DirectoryReader::new(context)?,
            deliveries: context.queue("DELIVER_QUEUE_URL")?,
            continuations: context.queue("FAN_OUT_QUEUE_URL")?,
        })
    }
}

impl Consumer for FanOut {
    type Error = FanOutError;

    async fn message(&self, body: &str, deadline: Timestamp) -> Result<(), FanOutError> {
        let message: FanOutMessage = serde_json::from_str(body)?;
        match self.fan_out(&message, deadline).await {
            Err(FanOutError::Store(error)) if error.is_transient() => {
                tracing::warn!(campaign.id = %message.campaign_id, shard = %message.shard, error = %error, "goes on later");
                Ok(self.continuations.send(&[message], jittered(WAIT)).await?)
            }
            result => result,
        }
    }
}

impl FanOut {
    async fn fan_out(&self, message: &FanOutMessage, deadline: Timestamp) -> Result<(), FanOutError> {
        let FanOutMessage { campaign_id, shard } = *message;
        let Some(mut cursor) = self.cursors.read(campaign_id, shard).await? else { return Ok(()) };
        let first_page = cursor.page;
        let mut audience = None;
        loop {
            // Read for every page: a campaign may be paused or cancelled at any time.
            let campaign = self.store.campaign(campaign_id).await?;
            if campaign.as_ref().is_some_and(|campaign| campaign.state == CampaignState::Unknown) {
                tracing::warn!(campaign.id = %campaign_id, shard = %shard, "a state of another version: goes on later");
                return Ok(self.continuations.send(std::slice::from_ref(message), jittered(WAIT)).await?);
            }
            let Some(campaign) = campaign.filter(Campaign::fans_out) else {
                tracing::info!(campaign.id = %campaign_id, "campaign stands still: message dropped");
                return Ok(());
            };
            // A resume queues everybody.
            if campaign.state.works() {
                self.queue_deliveries(&campaign, message, &cursor).await?;
            }
            fail::fail_point!("fan-out.queued");
            if cursor.done {
                self.store.advance(campaign_id, clock::now()).await?;
                return Ok(());
            }
            if deadline.duration_since(clock::now()) < TIME_FOR_A_PAGE {
                if cursor.page == first_page {
                    return Err(FanOutError::NoProgress);
                }
                tracing::info!(campaign.id = %campaign_id, shard = %shard, "time is up: the rest is queued");
                return Ok(self.continuations.send(std::slice::from_ref(message), Duration::ZERO).await?);
            }
            let next = match cursor.walks.first().map(|walk| walk.task) {
                Some(task) => self.walk(message, &cursor, task).await?,
                None => {
                    let most = campaign.most_recipients;
                    let audience = audience.get_or_insert_with(|| {
                        Audience::new(&self.directory, campaign, shard, cursor.position.clone())
                    });
                    self.extend(message, &cursor, audience, most).await?
                }
            };
            let Some(next) = next else {
                tracing::info!(campaign.id = %campaign_id, shard = %shard, "another invocation is at work");
                return Ok(());
            };
            fail::fail_point!("fan-out.written");
            cursor = next;
        }
    }

    /// Writes the next page of the audience. `None` if another call moved the cursor, or if all shards together would
    /// have more than `most` rows: then the campaign is paused (guarantee 7).
    async fn extend(
        &self,
        message: &FanOutMessage,
        cursor: &CursorItem,
        audience: &mut Audience<'_>,
        most: Option<u64>,
    ) -> Result<Option<CursorItem>, StoreError> {
        let FanOutMessage { campaign_id, shard } = *message;
        let mut next = audience.page(cursor).await?;
        if let Some(most) = most
            && !self.cursors.admit(campaign_id, shard, cursor.audience, next.audience, most).await?
        {
            // A resume continues the shard from here.
            tracing::warn!(campaign.id = %campaign_id, most, "the audience is larger than was promised");
            self.store.stop_growing(campaign_id, clock::now()).await?;
            return Ok(None);
        }
        loop {
            match self.walks.write_page(campaign_id, shard, cursor, &next).await? {
                PageWrite::Written => return Ok(Some(next)),
                PageWrite::CursorMoved => return Ok(None),
                PageWrite::Changed(known) => {
                    next.to_queue.retain(|recipient| !known.contains(recipient));
                    next.audience -= known.len() as u64;
                }
            }
        }
    }

    /// Writes the next page of a walk through the existing rows. `None` if another call moved the cursor.
    async fn walk(
        &self,
        message: &FanOutMessage,
        cursor: &CursorItem,
        task: Task,
    ) -> Result<Option<CursorItem>, StoreError> {
        let FanOutMessage { campaign_id, shard } = *message;
        let mut page = self.walks.walk_page(campaign_id, shard, cursor, task, clock::now()).await?;
        loop {
            match self.walks.write_walk(campaign_id, shard, cursor, &page, task).await? {
                PageWrite::Written => return Ok(Some(page.cursor)),
                PageWrite::CursorMoved => return Ok(None),
                PageWrite::Changed(gone) => {
                    page.rows.retain(|row| !gone.contains(&row.recipient_id));
                    page.cursor.to_queue.retain(|recipient| !gone.contains(recipient));
                }
            }
        }
    }

    async fn queue_deliveries(
        &self,
        campaign: &Campaign,
        message: &FanOutMessage,
        cursor: &CursorItem,
    ) -> Result<(), QueueError> {
        let deliveries = cursor.to_queue.chunks(DELIVERY_SIZE).map(|recipients| DeliverMessage {
            campaign_id: campaign.campaign_id,
            division: campaign.filter.division.clone(),
            shard: message.shard,
            recipient_ids: recipients.to_vec(),
        });
        self.deliveries.send(&deliveries.collect::<Vec<_>>(), Duration::ZERO).await
    }
}
