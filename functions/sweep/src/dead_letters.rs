//! Draining the dead-letter queues, so that nobody in a dead message is lost.
//!
//! A delivery that died: whoever is still `queued` becomes `failed`; whoever is `claimed` is settled with the claim. A fan-out
//! that died is dropped: its shard stands still, and is queued again. An occurrence of a schedule that nobody could deal with is
//! recorded as failed. What can't be read goes to the parking queue, which has an alarm of its own.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claim::{Action, Claim, Claimed, Decision};
use portal_aws::clock;
use portal_aws::queue::{DeliverMessage, FanOutMessage, QueueError};
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::Outcome;
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::outcome::LedgerEvent;

use crate::schedules::Lost;
use crate::{SweepError, Swept};

/// Most batches of ten taken from one dead-letter queue in one sweep.
const MOST_BATCHES: usize = 50;

/// How often one dead delivery is read anew because its rows change meanwhile.
const TRIES: usize = 5;

/// The dead-letter queues, and where unreadable messages are parked.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    client: Client,
    fan_out: String,
    deliver: String,
    schedule_failures: String,
    parking: String,
}

/// What the messages of a queue are.
#[derive(Clone, Copy)]
enum Letters {
    Deliveries,
    Occurrences,
}

impl DeadLetters {
    pub(crate) fn new(client: Client, settings: &Settings) -> Result<Self, MissingSetting> {
        Ok(Self {
            client,
            fan_out: settings.required("FAN_OUT_DEAD_LETTER_QUEUE_URL")?,
            deliver: settings.required("DELIVER_DEAD_LETTER_QUEUE_URL")?,
            schedule_failures: settings.required("SCHEDULE_FAILURES_QUEUE_URL")?,
            parking: settings.required("PARKING_QUEUE_URL")?,
        })
    }

    /// Takes everything out of the dead-letter queues. A message that makes trouble stays there, where an alarm sees it, and
    /// holds up neither the others nor the campaigns.
    pub(crate) async fn drain(
        &self,
        store: &CampaignStore,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        for _ in 0..MOST_BATCHES {
            let batch = self.receive(&self.fan_out).await?;
            if batch.is_empty() {
                break;
            }
            for message in batch {
                self.fan_out_died(&message, swept).await?;
                self.delete(&self.fan_out, message).await?;
            }
        }
        self.empty(&self.deliver, Letters::Deliveries, store, now, swept).await?;
        self.empty(&self.schedule_failures, Letters::Occurrences, store, now, swept).await
    }

    /// Takes up each message of a queue, and deletes it unless it is to be looked at again or makes trouble.
    async fn empty(
        &self,
        queue: &str,
        letters: Letters,
        store: &CampaignStore,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        for _ in 0..MOST_BATCHES {
            let batch = self.receive(queue).await?;
            if batch.is_empty() {
                break;
            }
            for message in batch {
                let taken = match letters {
                    Letters::Deliveries => self.delivery_died(store, &message, swept).await,
                    Letters::Occurrences => self.occurrence_lost(store, &message, now, swept).await,
                };
                match taken {
                    Ok(true) => self.delete(queue, message).await?,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(queue, error = %error, "a dead letter could not be taken up");
                        swept.errors += 1;
                    }
                }
            }
        }
        Ok(())
    }

    async fn occurrence_lost(
        &self,
        store: &CampaignStore,
        message: &Message,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<bool, SweepError> {
        let Some(lost) = Lost::of(message) else {
            self.park(message, swept).await?;
            return Ok(true);
        };
        tracing::error!(lost = ?lost, "an occurrence of a schedule was lost");
        if lost.record(store, now).await? {
            swept.dead_letters += 1;
        } else {
            self.park(message, swept).await?;
        }
        Ok(true)
    }

    async fn fan_out_died(&self, message: &Message, swept: &mut Swept) -> Result<(), SweepError> {
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(dead) = serde_json::from_str::<FanOutMessage>(body) else {
            return Ok(self.park(message, swept).await?);
        };
        tracing::error!(campaign.id = %dead.campaign_id, shard = %dead.shard, "a fan-out died");
        swept.dead_letters += 1;
        Ok(())
    }

    /// `false` when the message is to be looked at again.
    async fn delivery_died(
        &self,
        store: &CampaignStore,
        message: &Message,
        swept: &mut Swept,
    ) -> Result<bool, SweepError> {
        let body = message.body.as_deref().unwrap_or_default();
        match serde_json::from_str::<DeliverMessage>(body) {
            Ok(dead) if dead.recipient_ids.len() <= DELIVERY_SIZE => {
                tracing::error!(campaign.id = %dead.campaign_id, shard = %dead.shard, "a delivery died");
                let settled = give_up(store, &dead).await?;
                swept.dead_letters += usize::from(settled);
                Ok(settled)
            }
            _ => {
                self.park(message, swept).await?;
                Ok(true)
            }
        }
    }

    async fn receive(&self, queue: &str) -> Result<Vec<Message>, QueueError> {
        let request = self.client.receive_message().queue_url(queue).max_number_of_messages(10);
        let request = request.message_attribute_names("All");
        let answer = request.send().await.map_err(|error| QueueError::of("read dead letters", error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn park(&self, message: &Message, swept: &mut Swept) -> Result<(), QueueError> {
        tracing::error!(message.id = message.message_id(), "an unreadable message was parked");
        swept.parked += 1;
        let body = message.body.as_deref().unwrap_or_default();
        let request = self.client.send_message().queue_url(&self.parking).message_body(body);
        request.send().await.map_err(|error| QueueError::of("park a message", error))?;
        Ok(())
    }

    async fn delete(&self, queue: &str, message: Message) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(queue).set_receipt_handle(message.receipt_handle);
        request.send().await.map_err(|error| QueueError::of("delete a dead letter", error))?;
        Ok(())
    }
}

/// Makes every row of a dead delivery that is still `queued` `failed`. `false` when its rows kept changing: try again later.
async fn give_up(store: &CampaignStore, dead: &DeliverMessage) -> Result<bool, SweepError> {
    for _ in 0..TRIES {
        let delivery = store.delivery(dead.campaign_id, &dead.division, dead.shard, &dead.recipient_ids).await?;
        let sends = delivery.campaign.is_some_and(|campaign| campaign.state.sends());
        let queued = delivery.rows.into_values().filter(|row| row.outcome == Outcome::Queued);
        let decisions: Vec<_> =
            queued.map(|row| Decision { row, action: Action::End(LedgerEvent::GiveUp, "deadLettered") }).collect();
        if !sends || decisions.is_empty() {
            return Ok(true);
        }
        let now = clock::now();
        let claim = Claim {
            campaign: dead.campaign_id,
            shard: dead.shard,
            claim_id: clock::new_claim_id(),
            now,
            claim_until: now + SignedDuration::ZERO,
        };
        if store.claim(&claim, &decisions).await? == Claimed::Done {
            return Ok(true);
        }
    }
    Ok(false)
}
