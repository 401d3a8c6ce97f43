//! Sending what was claimed, and recording how SES answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::claim::Claim;
use portal_aws::campaigns::record::Record;
use portal_aws::clock;
use portal_aws::dynamo::{StoreError, back_off};
use portal_aws::mail::{Answer, Letter, Tags};
use portal_aws::queue::DeliverMessage;
use portal_domain::outcome::LedgerEvent;
use portal_domain::{Campaign, Division};

use crate::decide::Prepared;
use crate::{Deliver, DeliverError};

/// How many e-mails of one batch are under way at once.
const CONCURRENT_SENDS: usize = 10;

/// No send is begun with less time than this left: SES may take 10 s, and the outcome must be recorded.
const TIME_TO_FINISH: SignedDuration = SignedDuration::from_secs(15);

/// How long to wait before trying again when too much comes at once for SES.
const THROTTLED_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait before trying again when SES takes nothing at all: paused, out of quota, out of reach.
const CLOSED_PAUSE: Duration = Duration::from_secs(60);

/// How often recording is tried. A claim that can't be recorded is settled by `sweep`, as `unconfirmed`.
const RECORD_TRIES: u32 = 4;

impl Deliver {
    /// Sends the e-mails of a claim, records their outcomes, and queues anew whoever has to wait.
    pub(crate) async fn post(
        &self,
        message: &DeliverMessage,
        campaign: &Campaign,
        division: &Division,
        claim: &Claim,
        letters: Vec<Prepared>,
        deadline: Timestamp,
    ) -> Result<(), DeliverError> {
        let closed = AtomicBool::new(false);
        let sends = letters.into_iter().map(|letter| self.post_one(letter, campaign, division, &closed, deadline));
        let answers: Vec<_> = futures::stream::iter(sends).buffer_unordered(CONCURRENT_SENDS).collect().await;
        fail::fail_point!("deliver.sent");

        let waiting: Vec<_> =
            answers.iter().filter_map(|(letter, answer)| Some((letter.recipient_id, pause_after(answer)?))).collect();
        let records: Vec<_> = answers.into_iter().map(|(letter, answer)| record(letter, answer)).collect();
        let unsent = records.iter().filter(|record| record.event != LedgerEvent::Accepted).count();
        tracing::info!(
            campaign.id = %campaign.campaign_id, claim.id = %claim.claim_id, sent = records.len() - unsent, unsent, "batch sent"
        );
        self.record(claim, &records).await?;
        fail::fail_point!("deliver.recorded");

        if let Some(pause) = waiting.iter().map(|(_, pause)| *pause).max() {
            let recipient_ids = waiting.into_iter().map(|(recipient_id, _)| recipient_id).collect();
            self.queue.send(&[DeliverMessage { recipient_ids, ..message.clone() }], pause).await?;
        }
        Ok(())
    }

    /// Sends one e-mail, unless there is no time left for it or SES has turned another away for now.
    async fn post_one(
        &self,
        letter: Prepared,
        campaign: &Campaign,
        division: &Division,
        closed: &AtomicBool,
        deadline: Timestamp,
    ) -> (Prepared, Option<Answer>) {
        if closed.load(Ordering::Relaxed) || deadline.duration_since(clock::now()) < TIME_TO_FINISH {
            return (letter, None);
        }
        let tags = Tags { campaign: campaign.campaign_id, recipient: letter.recipient_id, attempt: letter.attempt };
        let answer = self
            .mailer
            .send(&Letter {
                from: &campaign.email_from,
                to: &letter.email,
                reply_to: division.contact_address(),
                rendered: &letter.rendered,
                tags: Some(tags),
            })
            .await;
        if matches!(answer, Answer::Throttled(_) | Answer::Closed(_)) {
            closed.store(true, Ordering::Relaxed);
        }
        (letter, Some(answer))
    }

    async fn record(&self, claim: &Claim, records: &[Record]) -> Result<(), StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.store.record(claim, records.to_vec()).await {
                Err(error) if attempt < RECORD_TRIES => {
                    tracing::warn!(claim.id = %claim.claim_id, error = %error, "recording failed, trying again");
                    back_off(attempt).await;
                }
                result => return result,
            }
        }
    }
}

/// How long someone has to wait who was not mailed, and is tried again: nothing is wrong with their e-mail.
fn pause_after(answer: &Option<Answer>) -> Option<Duration> {
    match answer {
        None => Some(Duration::ZERO),
        Some(Answer::Throttled(_)) => Some(THROTTLED_PAUSE),
        Some(Answer::Closed(_)) => Some(CLOSED_PAUSE),
        Some(Answer::Accepted(_) | Answer::Refused(_) | Answer::Unknown(_)) => None,
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
        Some(Answer::Throttled(code) | Answer::Closed(code)) => {
            Record { reason: Some(code), undo: Some(undo), ..record }
        }
        Some(Answer::Unknown(why)) => Record { event: LedgerEvent::LoseTrack, reason: Some(why.to_owned()), ..record },
    }
}
