//! `deliver`: claims and sends up to 40 invitations per message.
//!
//! What happens to a message that can't be handled: a body that can't be read, and an error that lasts, use up the
//! message's receives, until it moves to the dead-letter queue; `sweep` takes it from there. Work that merely has to wait (SES refuses
//! everything for now, the time is up) is queued anew, with a delay, and uses up nothing.

mod decide;
mod post;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claim::{Claim, Claimed, Delivery};
use portal_aws::clock;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::dynamo::StoreError;
use portal_aws::mail::Mailer;
use portal_aws::queue::{DeliverMessage, Queue, QueueError};
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::{Campaign, Outcome};

/// No claim is begun with less time than this left: SES may take 10 s for an e-mail, and the outcome must be recorded.
const TIME_TO_SEND: SignedDuration = SignedDuration::from_secs(20);

/// How long after the function's own deadline its claims are left alone: it may be recording still.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// How often a batch is read and decided anew because somebody changed a recipient between read and claim.
const TRIES: usize = 10;

/// A message could not be handled; it will be received again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The body is not a delivery message.
    #[error("the message can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The message is larger than a claim can be.
    #[error("the message holds {0} recipients, more than {DELIVERY_SIZE}")]
    TooManyRecipients(usize),
    /// The campaign's division is gone.
    #[error("the campaign's division does not exist")]
    NoDivision,
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Waiting work could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The recipients changed faster than they could be claimed.
    #[error("the recipients kept changing between read and claim")]
    KeptChanging,
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Deliver {
    store: CampaignStore,
    directory: DirectoryReader,
    templates: TemplateStore,
    mailer: Mailer,
    queue: Queue,
    public_url: String,
}

impl Deliver {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let directory = settings.required("DIRECTORY_TABLE")?;
        Ok(Self {
            store: CampaignStore::new(dynamo.clone(), settings.required("CAMPAIGNS_TABLE")?, directory.clone()),
            templates: TemplateStore::new(dynamo.clone(), directory.clone()),
            directory: DirectoryReader::new(dynamo, directory),
            mailer: Mailer::new(config),
            queue: Queue::new(aws_sdk_sqs::Client::new(config), settings.required("DELIVER_QUEUE_URL")?),
            public_url: settings.required("PUBLIC_URL")?,
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
                tracing::error!(message.id = id, error = %error, "delivery failed");
                response.add_failure(id);
            }
        }
        response
    }

    async fn message(&self, body: &str, deadline: Timestamp) -> Result<(), DeliverError> {
        let message: DeliverMessage = serde_json::from_str(body)?;
        if message.recipient_ids.len() > DELIVERY_SIZE {
            return Err(DeliverError::TooManyRecipients(message.recipient_ids.len()));
        }
        for _ in 0..TRIES {
            let delivery = self.read(&message).await?;
            let Some(campaign) = delivery.campaign.clone().filter(|campaign| campaign.state.sends()) else {
                tracing::info!(campaign.id = %message.campaign_id, "campaign is not sending: message dropped");
                return Ok(());
            };
            if !delivery.rows.values().any(|row| row.outcome == Outcome::Queued) {
                self.store.advance(campaign.campaign_id, clock::now()).await?;
                return Ok(());
            }
            if deadline.duration_since(clock::now()) < TIME_TO_SEND {
                tracing::info!(campaign.id = %message.campaign_id, "too late to begin: message queued anew");
                return Ok(self.queue.send(&[message], Duration::ZERO).await?);
            }
            if self.deliver(&message, &campaign, &delivery, deadline).await? {
                self.store.advance(campaign.campaign_id, clock::now()).await?;
                return Ok(());
            }
        }
        Err(DeliverError::KeptChanging)
    }

    async fn read(&self, message: &DeliverMessage) -> Result<Delivery, StoreError> {
        let DeliverMessage { campaign_id, division, shard, recipient_ids } = message;
        let delivery = self.store.delivery(*campaign_id, division, *shard, recipient_ids).await?;
        fail::fail_point!("deliver.read");
        Ok(delivery)
    }

    /// Decides, claims, sends and records. `false` when somebody changed a recipient meanwhile: nothing has happened.
    async fn deliver(
        &self,
        message: &DeliverMessage,
        campaign: &Campaign,
        delivery: &Delivery,
        deadline: Timestamp,
    ) -> Result<bool, DeliverError> {
        let division = delivery.division.as_ref().ok_or(DeliverError::NoDivision)?;
        let now = clock::now();
        let (decisions, letters) = self.decide(campaign, division, delivery, now).await?;
        let claim = Claim {
            campaign: campaign.campaign_id,
            shard: message.shard,
            claim_id: clock::new_claim_id(),
            now,
            claim_until: deadline + GRACE,
        };
        match self.store.claim(&claim, &decisions).await {
            Ok(Claimed::Done) => {}
            Ok(Claimed::Changed(recipients)) => {
                tracing::info!(campaign.id = %campaign.campaign_id, recipients = recipients.len(), "changed before the claim");
                return Ok(false);
            }
            // The answer may be lost and the claim written all the same: only then is it this function's to send.
            Err(error) => {
                if !self.store.holds(&claim).await? {
                    return Err(error.into());
                }
            }
        }
        fail::fail_point!("deliver.claimed");
        if !letters.is_empty() {
            self.post(message, campaign, division, &claim, letters, deadline).await?;
        }
        Ok(true)
    }
}
