//! `deliver`: claims and sends up to 40 invitations per message.
//!
//! Poison messages (guarantee 11): an unreadable body and a permanent error use up the message's receives, until it
//! moves to the dead-letter queue, from which `sweep` takes it. Work that has to wait (for its slot, for a throttled or
//! unreachable table or SES, for lack of time) is queued anew with a delay and uses up no receives.

mod decide;
mod pacing;
mod post;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claims::claim::Claimed;
use portal_aws::campaigns::claims::delivery::Delivery;
use portal_aws::campaigns::claims::{Claim, Claims};
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::limiter::{Limiter, LimiterError, Reservation};
use portal_aws::mail::Mailer;
use portal_aws::queue::{DeliverMessage, Queue, QueueError, jittered};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{Attempts, StoreError, back_off};
use portal_domain::campaign::{CampaignEvent, DELIVERY_SIZE, StateReason};
use portal_domain::pace::Slots;
use portal_domain::{Campaign, CampaignState, Outcome};
use portal_runtime::Consumer;

use crate::decide::Decided;
use crate::post::Batch;

/// No claim is begun with less time than this left: a few seconds of e-mails have to leave, SES may take 10 s for the
/// last, and the outcome must be recorded.
const TIME_TO_SEND: SignedDuration = SignedDuration::from_secs(25);

/// Delay of a message whose table is throttled or does not answer.
const WAIT: Duration = Duration::from_secs(10);

/// About how far apart messages that wait for the same slots are spread.
const SPREAD: Duration = Duration::from_secs(2);

/// How long before its first slot a batch is claimed.
const TIME_TO_CLAIM: SignedDuration = SignedDuration::from_millis(200);

/// How long after the function's deadline its claims are left alone, because it may still be recording.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// Writes that a claim needs are retried until this little time is left.
const TIME_TO_END: SignedDuration = SignedDuration::from_secs(2);

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
    /// It is not known whether a claim was written, or its outcomes could not be recorded: `sweep` settles it as
    /// `unconfirmed`.
    #[error("a claim is left open: {0}")]
    ClaimLeft(#[source] StoreError),
    /// Waiting work could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The limiter could not be read or written.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The recipients changed faster than they could be claimed.
    #[error("the recipients kept changing between read and claim")]
    KeptChanging,
}

impl DeliverError {
    /// Whether the error is transient: the same message may succeed later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) | Self::Limiter(LimiterError::Store(error)) => error.is_transient(),
            Self::Limiter(LimiterError::Mail(error)) => error.is_transient(),
            _ => false,
        }
    }
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Deliver {
    store: CampaignStore,
    claims: Claims,
    ledger: Ledger,
    directory: DirectoryReader,
    templates: TemplateStore,
    mailer: Mailer,
    limiter: Limiter,
    queue: Queue,
    public_url: String,
}

impl Deliver {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let mailer = Mailer::new(context).in_configuration_set(context.settings.required("CONFIGURATION_SET")?);
        Ok(Self {
            limiter: Limiter::new(context, mailer.clone())?,
            store: CampaignStore::new(context)?,
            claims: Claims::new(context)?,
            ledger: Ledger::new(context)?,
            templates: TemplateStore::new(context)?,
            directory: DirectoryReader::new(context)?,
            mailer,
            queue: context.queue("DELIVER_QUEUE_URL")?,
            public_url: context.settings.required("PUBLIC_URL")?,
        })
    }
}

impl Consumer for Deliver {
    type Error = DeliverError;

    async fn message(&self, body: &str, deadline: Timestamp) -> Result<(), DeliverError> {
        let message: DeliverMessage = serde_json::from_str(body)?;
        if message.recipient_ids.len() > DELIVERY_SIZE {
            return Err(DeliverError::TooManyRecipients(message.recipient_ids.len()));
        }
        match self.attempt(&message, deadline).await {
            Err(error) if error.is_transient() => {
                tracing::warn!(campaign.id = %message.campaign_id, error = %error, "message queued anew");
                Ok(self.queue.send(&[message], jittered(WAIT)).await?)
            }
            result => result,
        }
    }
}

impl Deliver {
    async fn attempt(&self, message: &DeliverMessage, deadline: Timestamp) -> Result<(), DeliverError> {
        let mut turn: Option<Slots> = None;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let delivery = self.read(message).await?;
            if delivery.campaign.as_ref().is_some_and(|campaign| campaign.state == CampaignState::Unknown) {
                tracing::warn!(campaign.id = %message.campaign_id, "a state of another version: message queued anew");
                return self.later(message, jittered(WAIT)).await;
            }
            let Some(campaign) = delivery.campaign.clone().filter(|campaign| campaign.state.sends()) else {
                tracing::info!(campaign.id = %message.campaign_id, "campaign is not sending: message dropped");
                return Ok(());
            };
            let queued = delivery.rows.values().filter(|row| row.outcome == Outcome::Queued).count();
            if queued == 0 {
                self.store.advance(campaign.campaign_id, clock::now()).await?;
                return Ok(());
            }
            if deadline.duration_since(clock::now()) < TIME_TO_SEND {
                tracing::info!(campaign.id = %message.campaign_id, "too late to begin: message queued anew");
                return self.later(message, Duration::ZERO).await;
            }
            if !campaign.may_send_at(clock::now()) {
                return self.pause(message, StateReason::QuietHours).await;
            }
            let slots = match turn {
                Some(slots) => slots,
                None => match self.reserve(&campaign, queued, deadline).await? {
                    Reservation::Slots(slots) => slots,
                    Reservation::Later(wait) => return self.later(message, wait + jittered(SPREAD)).await,
                    Reservation::QuotaUsedUp => return self.pause(message, StateReason::DailyQuota).await,
                },
            };
            turn = Some(slots);
            let last = slots.begin(slots.count.saturating_sub(1), clock::now());
            if !campaign.may_send_at(last) {
                return self.pause(message, StateReason::QuietHours).await;
            }
            if self.wait_for(&slots).await && !self.still_sends(&campaign).await? {
                continue;
            }
            if self.deliver(message, &campaign, &delivery, &slots, deadline).await? {
                self.store.advance(campaign.campaign_id, clock::now()).await?;
                return Ok(());
            }
        }
        Err(DeliverError::KeptChanging)
    }

    /// Waits until it is time to claim; returns whether it had to wait.
    async fn wait_for(&self, slots: &Slots) -> bool {
        let begin = slots.begin(0, Timestamp::UNIX_EPOCH) - TIME_TO_CLAIM;
        let Ok(wait) = Duration::try_from(begin.duration_since(clock::now())) else { return false };
        tokio::time::sleep(wait).await;
        true
    }

    async fn still_sends(&self, campaign: &Campaign) -> Result<bool, StoreError> {
        let now = self.store.campaign(campaign.campaign_id).await?;
        Ok(now.is_some_and(|now| now.state.sends()))
    }

    async fn later(&self, message: &DeliverMessage, delay: Duration) -> Result<(), DeliverError> {
        Ok(self.queue.send(std::slice::from_ref(message), delay).await?)
    }

    /// Pauses the campaign of a message. The message is dropped: whoever resumes the campaign queues everyone anew.
    async fn pause(&self, message: &DeliverMessage, reason: StateReason) -> Result<(), DeliverError> {
        self.store.stop_by_itself(message.campaign_id, CampaignEvent::Pause, reason, clock::now()).await?;
        Ok(())
    }

    async fn read(&self, message: &DeliverMessage) -> Result<Delivery, StoreError> {
        let DeliverMessage { campaign_id, division, shard, recipient_ids } = message;
        let delivery = self.claims.delivery(*campaign_id, division, *shard, recipient_ids).await?;
        fail::fail_point!("deliver.read");
        Ok(delivery)
    }

    /// Decides, claims, sends and records. `false` if a recipient changed meanwhile: then nothing was written or sent.
    async fn deliver(
        &self,
        message: &DeliverMessage,
        campaign: &Campaign,
        delivery: &Delivery,
        slots: &Slots,
        deadline: Timestamp,
    ) -> Result<bool, DeliverError> {
        let division = delivery.division.as_ref().ok_or(DeliverError::NoDivision)?;
        let now = clock::now();
        let Decided { decisions, letters, waiting } =
            self.decide(campaign, division, delivery, slots.count, now).await?;
        if decisions.is_empty() {
            self.later(&DeliverMessage { recipient_ids: waiting, ..message.clone() }, jittered(WAIT)).await?;
            return Ok(true);
        }
        let claim = Claim {
            campaign: campaign.campaign_id,
            shard: message.shard,
            claim_id: clock::new_claim_id(),
            now,
            claim_until: deadline + GRACE,
        };
        match self.claims.claim(&claim, &decisions).await {
            Ok(Claimed::Done) => {}
            Ok(Claimed::Changed(recipients)) => {
                tracing::info!(campaign.id = %campaign.campaign_id, recipients = recipients.len(), "changed before the claim");
                return Ok(false);
            }
            // The answer may be lost although the claim was written. Only a written claim entitles this function to
            // send (guarantee 2).
            Err(error) => {
                if !insist(deadline, async || self.claims.is_open(&claim).await).await? {
                    return Err(error.into());
                }
            }
        }
        fail::fail_point!("deliver.claimed");
        let batch = Batch { message, campaign, division, claim: &claim, slots, deadline };
        self.post(&batch, letters, waiting).await?;
        Ok(true)
    }
}

/// Retries, as long as there is time, what would otherwise leave a claim open.
async fn insist<T>(deadline: Timestamp, attempt: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, DeliverError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt().await {
            Err(error) if error.is_transient() && deadline.duration_since(clock::now()) > TIME_TO_END => {
                tracing::warn!(error = %error, "a claim waits for a table");
                back_off(tries).await;
            }
            result => return result.map_err(DeliverError::ClaimLeft),
        }
    }
}
