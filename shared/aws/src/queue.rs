//! The messages between functions, and sending them. During an update of the stack a function reads messages of later
//! and earlier versions, so it ignores fields that it does not know.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use portal_domain::{Campaign, CampaignId, DivisionId, EmailAddress, RecipientId, Shard};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::clock;

/// Most messages in one SendMessageBatch (an SQS limit).
pub const BATCH_MESSAGES: usize = 10;

/// Longest delay of a message (an SQS limit).
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// A random time between half of `delay` and one and a half, so that work with the same delay does not come back all at
/// once.
pub fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(clock::rng().random_range(0.5..1.5))
}

/// Tells `fan-out` to write one shard's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOutMessage {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The shard.
    pub shard: Shard,
}

impl FanOutMessage {
    /// The messages for all shards of a campaign.
    pub fn of(campaign: &Campaign) -> Vec<Self> {
        let campaign_id = campaign.campaign_id;
        campaign.shards().into_iter().map(|shard| Self { campaign_id, shard }).collect()
    }
}

/// Tells `deliver` to send to these recipients, all of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverMessage {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The division, so that everything can be read in one call.
    pub division: DivisionId,
    /// The shard of the ledger.
    pub shard: Shard,
    /// At most [`portal_domain::campaign::DELIVERY_SIZE`].
    pub recipient_ids: Vec<RecipientId>,
}

/// Tells `resend` that somebody asks for a new e-mail. It contains an address, and so has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "an address is never logged")]
pub struct ResendMessage {
    /// The division, which may not exist.
    pub division: DivisionId,
    /// The address, normalised; it may be nobody's.
    pub email: EmailAddress,
}

/// Messages could not be queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The call failed.
    #[error("SQS could not {what}: {cause}")]
    Call {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        cause: String,
    },
    /// SQS refused some messages of a batch. The others are queued.
    #[error("SQS refused {0} messages of a batch")]
    Refused(usize),
}

impl QueueError {
    /// The error of a failed call, with all its causes.
    pub fn of(what: &'static str, error: impl std::error::Error) -> Self {
        Self::Call { what, cause: aws_sdk_sqs::error::DisplayErrorContext(error).to_string() }
    }
}

/// One queue to send to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this address.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Queues messages that become visible after `delay` (in whole seconds, rounded up; at most [`LONGEST_DELAY`]). A
    /// message sent twice is harmless, so the SDK may retry.
    pub async fn send(&self, messages: &[impl Serialize], delay: Duration) -> Result<(), QueueError> {
        let seconds = delay.min(LONGEST_DELAY).as_secs_f64().ceil() as i32;
        for chunk in messages.chunks(BATCH_MESSAGES) {
            let mut request = self.client.send_message_batch().queue_url(&self.url);
            for (index, message) in chunk.iter().enumerate() {
                let body = serde_json::to_string(message).map_err(|error| QueueError::of("encode a message", error))?;
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .delay_seconds(seconds)
                    .build()
                    .map_err(|error| QueueError::of("build a message", error))?;
                request = request.entries(entry);
            }
            let answer = request.send().await.map_err(|error| QueueError::of("queue messages", error))?;
            if !answer.failed.is_empty() {
                return Err(QueueError::Refused(answer.failed.len()));
            }
        }
        Ok(())
    }
}
