//! Drains the dead-letter queues, so that no recipient of a dead message is lost (guarantees 3 and 11).
//!
//! Of a dead delivery, rows that are still `queued` become `failed`; `claimed` rows are settled with their claim. A
//! dead fan-out is dropped: its shard stands still and is queued again. A dead occurrence of a schedule is recorded as
//! failed. An unreadable message goes to the parking queue, which has an alarm of its own; if it was a delivery,
//! everybody who is `queued` in its campaign is queued anew.

use std::collections::BTreeSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message;
use futures::try_join;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claims::claim::{Action, Claimed, Decision};
use portal_aws::campaigns::claims::{Claim, Claims};
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::queue::{DeliverMessage, FanOutMessage, QueueError};
use portal_aws::schedules::ScheduleStore;
use portal_aws::settings::InvalidSetting;
use portal_aws::table::Attempts;
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Outcome, Reason};
use serde::Deserialize;

use crate::schedules::Lost;
use crate::{SweepError, Swept};

/// How long one sweep drains dead letters. There may be any number of them, and the rest of the sweep must get its
/// turn.
const TIME: SignedDuration = SignedDuration::from_secs(20);

/// The dead-letter queues, and where unreadable messages are parked.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    store: CampaignStore,
    ledger: Ledger,
    claims: Claims,
    schedules: ScheduleStore,
    client: Client,
    fan_out: String,
    deliver: String,
    schedule_failures: String,
    parking: String,
}

/// The kind of a queue's messages.
#[derive(Clone, Copy)]
enum Letters {
    FanOuts,
    Deliveries,
    Occurrences,
}

/// The result for a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The letter is handled.
    Drained,
    /// Rows of this campaign may have ended with it.
    GivenUp(CampaignId),
    /// The letter is unreadable, and is parked.
    Parked,
    /// The letter is left for another try.
    Kept,
}

impl DeadLetters {
    pub(crate) fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let settings = &context.settings;
        Ok(Self {
            store: CampaignStore::new(context)?,
            ledger: Ledger::new(context)?,
            claims: Claims::new(context)?,
            schedules: ScheduleStore::new(context)?,
            client: context.sqs.clone(),
            fan_out: settings.required("FAN_OUT_DEAD_LETTER_QUEUE_URL")?,
            deliver: settings.required("DELIVER_DEAD_LETTER_QUEUE_URL")?,
            schedule_failures: settings.required("SCHEDULE_FAILURES_QUEUE_URL")?,
            parking: settings.required("PARKING_QUEUE_URL")?,
        })
    }

    /// Drains the dead-letter queues as far as time allows. A message that fails stays there, where an alarm sees it,
    /// and holds up none of the others.
    pub(crate) async fn drain(&self, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        let until = clock::now() + TIME;
        let queues = [
            (&self.fan_out, Letters::FanOuts),
            (&self.schedule_failures, Letters::Occurrences),
            (&self.deliver, Letters::Deliveries),
        ];
        for (queue, letters) in queues {
            for campaign in self.empty(queue, letters, now, until, swept).await? {
                self.store.advance(campaign, clock::now()).await?;
            }
        }
        Ok(())
    }

    /// Handles the messages of a queue, ten at a time, and deletes each unless it failed or is left for another try.
    /// Returns the campaigns that may be over now.
    async fn empty(
        &self,
        queue: &str,
        letters: Letters,
        now: Timestamp,
        until: Timestamp,
        swept: &mut Swept,
    ) -> Result<BTreeSet<CampaignId>, SweepError> {
        let mut given_up = BTreeSet::new();
        while clock::now() < until {
            let batch = self.receive(queue).await?;
            if batch.is_empty() {
                break;
            }
            let taken = batch.into_iter().map(|message| self.take_up(queue, letters, now, message));
            for fate in futures::future::join_all(taken).await {
                match fate {
                    Ok(Fate::Drained) => swept.dead_letters += 1,
                    Ok(Fate::GivenUp(campaign)) => {
                        swept.dead_letters += 1;
                        given_up.insert(campaign);
                    }
                    Ok(Fate::Parked) => swept.parked += 1,
                    Ok(Fate::Kept) => {}
                    Err(error) => {
                        tracing::error!(queue, error = %error, "a dead letter could not be taken up");
                        swept.errors += 1;
                    }
                }
            }
        }
        Ok(given_up)
    }

    async fn take_up(
        &self,
        queue: &str,
        letters: Letters,
        now: Timestamp,
        message: Message,
    ) -> Result<Fate, SweepError> {
        let fate = match letters {
            Letters::FanOuts => self.fan_out_died(&message).await?,
            Letters::Deliveries => self.delivery_died(&message, now).await?,
            Letters::Occurrences => self.occurrence_lost(&message, now).await?,
        };
        if fate != Fate::Kept {
            self.delete(queue, message).await?;
        }
        Ok(fate)
    }

    async fn occurrence_lost(&self, message: &Message, now: Timestamp) -> Result<Fate, SweepError> {
        let Some(lost) = Lost::of(message) else { return self.park(message).await };
        tracing::error!(lost = ?lost, "an occurrence of a schedule was lost");
        if lost.record(&self.schedules, now).await? { Ok(Fate::Drained) } else { self.park(message).await }
    }

    async fn fan_out_died(&self, message: &Message) -> Result<Fate, SweepError> {
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(dead) = serde_json::from_str::<FanOutMessage>(body) else { return self.park(message).await };
        tracing::error!(campaign.id = %dead.campaign_id, shard = %dead.shard, "a fan-out died");
        Ok(Fate::Drained)
    }

    async fn delivery_died(&self, message: &Message, now: Timestamp) -> Result<Fate, SweepError> {
        let body = message.body.as_deref().unwrap_or_default();
        match serde_json::from_str::<DeliverMessage>(body) {
            Ok(dead) if dead.recipient_ids.len() <= DELIVERY_SIZE => {
                tracing::error!(campaign.id = %dead.campaign_id, shard = %dead.shard, "a delivery died");
                Ok(if self.give_up(&dead).await? { Fate::GivenUp(dead.campaign_id) } else { Fate::Kept })
            }
            _ => {
                // The recipients are unknown, but the campaign is known: everybody who is `queued` there is queued
                // anew.
                if let Ok(Unreadable { campaign_id }) = serde_json::from_str(body) {
                    self.store.requeue(campaign_id, now).await?;
                }
                self.park(message).await
            }
        }
    }

    /// Makes the rows of a dead delivery that are still `queued` `failed`. `false` if the rows kept changing: try again
    /// later.
    async fn give_up(&self, dead: &DeliverMessage) -> Result<bool, SweepError> {
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let rows = self.ledger.rows(dead.campaign_id, dead.shard, &dead.recipient_ids);
            let (campaign, rows) = try_join!(self.store.campaign(dead.campaign_id), rows)?;
            let sends = campaign.is_some_and(|campaign| campaign.state.sends());
            let queued = rows.into_iter().filter(|row| row.outcome == Outcome::Queued);
            let decisions: Vec<_> = queued
                .map(|row| Decision { row, action: Action::End(LedgerEvent::GiveUp, Reason::DeadLettered) })
                .collect();
            if !sends || decisions.is_empty() {
                return Ok(true);
            }
            let now = clock::now();
            let claim = Claim {
                campaign: dead.campaign_id,
                shard: dead.shard,
                claim_id: clock::new_claim_id(),
                now,
                claim_until: now,
            };
            if self.claims.claim(&claim, &decisions).await? == Claimed::Done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn receive(&self, queue: &str) -> Result<Vec<Message>, QueueError> {
        let request = self.client.receive_message().queue_url(queue).max_number_of_messages(10);
        let request = request.message_attribute_names("All");
        let answer = request.send().await.map_err(|error| QueueError::of("read dead letters", error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn park(&self, message: &Message) -> Result<Fate, SweepError> {
        tracing::error!(message.id = message.message_id(), "an unreadable message was parked");
        let body = message.body.as_deref().unwrap_or_default();
        let request = self.client.send_message().queue_url(&self.parking).message_body(body);
        request.send().await.map_err(|error| QueueError::of("park a message", error))?;
        Ok(Fate::Parked)
    }

    async fn delete(&self, queue: &str, message: Message) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(queue).set_receipt_handle(message.receipt_handle);
        request.send().await.map_err(|error| QueueError::of("delete a dead letter", error))?;
        Ok(())
    }
}

/// The part of a delivery that can be read whichever version of this system wrote it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unreadable {
    campaign_id: CampaignId,
}
