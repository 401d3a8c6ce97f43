//! `fan-out`: writes one shard's ledger, page by page, and queues its deliveries.
//!
//! The cursor says what is written, and holds the last page until its messages are queued: after a crash they are queued
//! again. A duplicate message is harmless, since delivery claims each row once; a lost one would not be.

mod audience;

use std::time::Duration;

use audience::Audience;
use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::fan_out::PageWrite;
use portal_aws::campaigns::item::CursorItem;
use portal_aws::clock;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::dynamo::StoreError;
use portal_aws::queue::{DeliverMessage, FanOutMessage, Queue, QueueError};
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::Campaign;
use portal_domain::campaign::DELIVERY_SIZE;

/// With less time than this left, the rest of the shard is left to a message of its own.
const TIME_FOR_A_PAGE: SignedDuration = SignedDuration::from_secs(10);

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
    /// The time was up before a single page was written, so that a continuation would get no further.
    #[error("no page could be written in the time of one invocation")]
    NoProgress,
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct FanOut {
    store: CampaignStore,
    directory: DirectoryReader,
    deliveries: Queue,
    continuations: Queue,
}

impl FanOut {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let sqs = aws_sdk_sqs::Client::new(config);
        let directory = settings.required("DIRECTORY_TABLE")?;
        Ok(Self {
            store: CampaignStore::new(dynamo.clone(), settings.required("CAMPAIGNS_TABLE")?, directory.clone()),
            directory: DirectoryReader::new(dynamo, directory),
            deliveries: Queue::new(sqs.clone(), settings.required("DELIVER_QUEUE_URL")?),
            continuations: Queue::new(sqs, settings.required("FAN_OUT_QUEUE_URL")?),
        })
    }

    /// Handles a batch of messages and says which of them failed. `deadline` is in milliseconds since 1970.
    pub async fn handle(&self, event: SqsEvent, deadline: u64) -> SqsBatchResponse {
        let deadline = i64::try_from(deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let deadline = deadline.unwrap_or_else(clock::now);
        let mut response = SqsBatchResponse::default();
        for record in event.records {
            let id = record.message_id.unwrap_or_default();
            if let Err(error) = self.message(record.body.as_deref().unwrap_or_default(), deadline).await {
                tracing::error!(message.id = id, error = %error, "fan-out failed");
                response.add_failure(id);
            }
        }
        response
    }

    async fn message(&self, body: &str, deadline: Timestamp) -> Result<(), FanOutError> {
        let message: FanOutMessage = serde_json::from_str(body)?;
        let FanOutMessage { campaign_id, shard } = message;
        let campaign = self.store.campaign(campaign_id).await?.filter(|campaign| campaign.state.sends());
        let (Some(campaign), Some(mut cursor)) = (campaign, self.store.cursor(campaign_id, shard).await?) else {
            tracing::info!(campaign.id = %campaign_id, "nothing to fan out: message dropped");
            return Ok(());
        };
        let first_page = cursor.page;
        let mut audience = Audience::new(&self.directory, &campaign, shard, cursor.position.clone());
        loop {
            self.queue_deliveries(&campaign, &message, &cursor).await?;
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
                return Ok(self.continuations.send(&[message], Duration::ZERO).await?);
            }
            let mut next = audience.page(&cursor).await?;
            loop {
                match self.store.write_page(campaign_id, shard, &cursor, &next).await? {
                    PageWrite::Written => break,
                    PageWrite::CursorMoved => {
                        tracing::info!(campaign.id = %campaign_id, shard = %shard, "another invocation is at work");
                        return Ok(());
                    }
                    PageWrite::AlreadyInLedger(known) => {
                        next.to_queue.retain(|recipient| !known.contains(recipient));
                        next.audience -= known.len() as u64;
                    }
                }
            }
            fail::fail_point!("fan-out.written");
            cursor = next;
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
