//! Sends claimed e-mails at their slots, and records SES's answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::claims::Claim;
use portal_aws::campaigns::claims::record::Record;
use portal_aws::clock;
use portal_aws::mail::{Answer, Letter, Tags};
use portal_aws::queue::{DeliverMessage, jittered};
use portal_domain::campaign::StateReason;
use portal_domain::outcome::LedgerEvent;
use portal_domain::pace::Slots;
use portal_domain::{Campaign, Division, Reason, RecipientId};

use crate::decide::Prepared;
use crate::{Deliver, DeliverError, insist};

/// How many e-mails of one batch are under way at once.
const CONCURRENT_SENDS: usize = 10;

/// No send is begun with less time than this left: SES may take 10 s, and the outcome must be recorded.
const TIME_TO_FINISH: SignedDuration = SignedDuration::from_secs(15);

/// About how long to wait before a retry when SES throttles.
const THROTTLED_PAUSE: Duration = Duration::from_secs(5);

/// About how long to wait before a retry when SES is out of reach, or when it refuses the account and the campaign
/// could not be paused.
const CLOSED_PAUSE: Duration = Duration::from_secs(60);

/// A claimed batch, and when its e-mails may leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    pub message: &'a DeliverMessage,
    pub campaign: &'a Campaign,
    pub division: &'a Division,
    pub claim: &'a Claim,
    pub slots: &'a Slots,
    pub deadline: Timestamp,
}

impl Deliver {
    /// Sends the e-mails of a claim, records their outcomes, and queues anew whoever has to wait.
    pub(crate) async fn post(
        &self,
        batch: &Batch<'_>,
        letters: Vec<Prepared>,
        mut waiting: Vec<RecipientId>,
    ) -> Result<(), DeliverError> {
        if !letters.is_empty() {
            let answers = self.send(batch, letters).await;
            fail::fail_point!("deliver.sent");
            let pause = answers.iter().filter_map(|(_, answer)| pause_after(answer)).max();
            let closed = answers.iter().find_map(|(_, answer)| closed_for(answer));
            let throttled = answers.iter().any(|(_, answer)| matches!(answer, Some(Answer::Throttled(_))));

            // The claim stays open until recipients who are `queued` again have a message. If this function dies before
            // that, the sweep queues them (guarantee 3).
            let put_back = self.record(batch, answers).await?;
            let held = !put_back.is_empty();
            waiting.extend(put_back);
            fail::fail_point!("deliver.recorded");
            if let Some(reason) = closed {
                self.pause(batch.message, reason).await?;
            }
            if throttled && let Err(error) = self.limiter.slow_down(clock::now()).await {
                tracing::warn!(error = %error, "others could not be slowed down");
            }
            self.wait(batch, waiting, pause.unwrap_or_default()).await?;
            if held {
                self.claims.close(batch.claim).await?;
            }
            return Ok(());
        }
        self.wait(batch, waiting, Duration::ZERO).await
    }

    /// Queues recipients anew who were not mailed and are to be retried.
    async fn wait(
        &self,
        batch: &Batch<'_>,
        recipient_ids: Vec<RecipientId>,
        pause: Duration,
    ) -> Result<(), DeliverError> {
        if recipient_ids.is_empty() {
            return Ok(());
        }
        self.later(&DeliverMessage { recipient_ids, ..batch.message.clone() }, jittered(pause)).await
    }

    async fn send(&self, batch: &Batch<'_>, letters: Vec<Prepared>) -> Vec<(Prepared, Option<Answer>)> {
        let closed = AtomicBool::new(false);
        let begun = clock::now();
        let sends = letters.into_iter().enumerate().map(|(index, letter)| {
            let slot = batch.slots.begin(index, begun);
            self.send_one(batch, letter, slot, &closed)
        });
        futures::stream::iter(sends).buffer_unordered(CONCURRENT_SENDS).collect().await
    }

    /// Sends one e-mail at its slot, unless no time is left or SES has throttled another e-mail of the batch.
    async fn send_one(
        &self,
        batch: &Batch<'_>,
        letter: Prepared,
        slot: Timestamp,
        closed: &AtomicBool,
    ) -> (Prepared, Option<Answer>) {
        if let Ok(wait) = Duration::try_from(slot.duration_since(clock::now())) {
            tokio::time::sleep(wait).await;
        }
        if closed.load(Ordering::Relaxed) || batch.deadline.duration_since(clock::now()) < TIME_TO_FINISH {
            return (letter, None);
        }
        let tags =
            Tags { campaign: batch.campaign.campaign_id, recipient: letter.recipient_id, attempt: letter.attempt };
        let answer = self
            .mailer
            .send(&Letter {
                from: &batch.campaign.email_from,
                to: &letter.email,
                reply_to: batch.division.contact_address(),
                rendered: &letter.rendered,
                tags: Some(tags),
            })
            .await;
        if matches!(answer, Answer::Throttled(_) | Answer::OutOfReach | Answer::Closed(..)) {
            closed.store(true, Ordering::Relaxed);
        }
        (letter, Some(answer))
    }

    /// Returns the recipients who are `queued` again.
    async fn record(
        &self,
        batch: &Batch<'_>,
        answers: Vec<(Prepared, Option<Answer>)>,
    ) -> Result<Vec<RecipientId>, DeliverError> {
        let claim = batch.claim;
        let records: Vec<_> = answers.into_iter().map(|(letter, answer)| record(letter, answer)).collect();
        let unsent = records.iter().filter(|record| record.event != LedgerEvent::Accepted).count();
        tracing::info!(
            campaign.id = %claim.campaign, claim.id = %claim.claim_id, sent = records.len() - unsent, unsent, "batch sent"
        );
        insist(batch.deadline, async || self.claims.record(claim, records.clone()).await).await
    }
}

/// About how long to wait before a recipient is tried again, if the e-mail itself was not at fault.
fn pause_after(answer: &Option<Answer>) -> Option<Duration> {
    match answer {
        None => Some(Duration::ZERO),
        Some(Answer::Throttled(_)) => Some(THROTTLED_PAUSE),
        Some(Answer::OutOfReach | Answer::Closed(..)) => Some(CLOSED_PAUSE),
        Some(Answer::Accepted(_) | Answer::Refused(_) | Answer::Unknown(_)) => None,
    }
}

/// Why the campaign has to pause, if SES refuses the account or the sender.
fn closed_for(answer: &Option<Answer>) -> Option<StateReason> {
    match answer {
        Some(Answer::Closed(reason, _)) => Some(*reason),
        _ => None,
    }
}

fn record(letter: Prepared, answer: Option<Answer>) -> Record {
    let Prepared { recipient_id, undo, .. } = letter;
    let record = Record { recipient_id, event: LedgerEvent::PutBack, reason: None, message_id: None, undo: None };
    match answer {
        None => Record { undo: Some(undo), ..record },
        Some(Answer::Accepted(id)) => Record { event: LedgerEvent::Accepted, message_id: Some(id), ..record },
        Some(Answer::Refused(code)) => {
            Record { event: LedgerEvent::Refused, reason: Some(code), undo: Some(undo), ..record }
        }
        Some(Answer::Throttled(code) | Answer::Closed(_, code)) => {
            Record { reason: Some(code), undo: Some(undo), ..record }
        }
        Some(Answer::OutOfReach) => {
            Record { reason: Some(Reason::NoConnection.to_string()), undo: Some(undo), ..record }
        }
        Some(Answer::Unknown(why)) => Record { event: LedgerEvent::LoseTrack, reason: Some(why.to_string()), ..record },
    }
}
