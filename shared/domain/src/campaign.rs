//! A campaign: one Send.

pub mod audit;
mod command;
mod halt;
mod state;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::command::{Command, Effect};
pub use self::halt::Returned;
pub use self::state::{CampaignEvent, CampaignState, StateReason};
use crate::feedback::Feedback;
use crate::mail::template::BUILT_IN_NAME;
use crate::outcome::Outcomes;
use crate::selection::Excluded;
use crate::{CampaignId, Filter, Outcome, RecipientId, Shard, TemplateId};

/// How long a temporary password is valid.
pub const INVITATION_LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// How many recipients one delivery message holds. A claim writes two items for each, and a transaction ends at 100.
pub const DELIVERY_SIZE: usize = 40;

/// A campaign as it was started, and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Sorts by start.
    pub campaign_id: CampaignId,
    /// State when read.
    pub state: CampaignState,
    /// Goes up by one whenever the state changes: whoever changes it checks that it is the one that they read.
    #[serde(default)]
    pub revision: u32,
    /// Why it is paused or halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<StateReason>,
    /// Whom it addresses.
    pub filter: Filter,
    /// Only this recipient of the selection, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_id: Option<RecipientId>,
    /// The notification template.
    pub template_id: TemplateId,
    /// The version of the template that was the newest when the campaign started: every e-mail of the campaign is made of it.
    pub template_version: u32,
    /// That version's name.
    #[serde(default = "built_in_name")]
    pub template_name: String,
    /// The sender's address.
    pub email_from: String,
    /// How many people the operator expected to e-mail.
    pub expected_recipients: u64,
    /// Who was invited in the last 24 hours is mailed again.
    #[serde(default)]
    pub include_recently_invited: bool,
    /// Most e-mails a minute, where the campaign is to be slower than the SES account may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_minute: Option<u32>,
    /// The outcome that is being retried, since the last retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<Outcome>,
    /// What had come back when a person resumed it after a halt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Returned>,
    /// Who started it, by name.
    pub created_by: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// The template of campaigns that were started before there were others.
fn built_in_name() -> String {
    BUILT_IN_NAME.to_owned()
}

impl Campaign {
    /// The shards that its fan-out goes through.
    pub fn shards(&self) -> Vec<Shard> {
        match self.recipient_id {
            Some(recipient) => vec![recipient.shard()],
            None => Shard::all().collect(),
        }
    }
}

/// How far a campaign has come, summed over its shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Every shard's ledger is written and queued; the audience grows no more.
    pub prepared: bool,
    /// Ledger rows.
    pub audience: u64,
    /// Ledger rows by outcome.
    pub outcomes: Outcomes,
    /// What SES said later of those that were sent.
    pub feedback: Feedback,
    /// Who was left out of the ledger, by reason.
    pub excluded: Excluded,
}

impl Progress {
    /// What this progress means for the campaign's state, if anything.
    pub fn event(&self) -> Option<CampaignEvent> {
        match self.prepared {
            false => None,
            true if self.outcomes.ended() == self.audience => Some(CampaignEvent::AllEnded),
            true => Some(CampaignEvent::Prepared),
        }
    }

    /// What came back of what was sent.
    pub fn returned(&self) -> Returned {
        Returned { sent: self.outcomes.sent, bounced: self.feedback.bounced, complained: self.feedback.complained }
    }
}

/// What the API tells of a campaign.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of Campaign and Progress")]
pub struct CampaignView {
    #[serde(flatten)]
    pub campaign: Campaign,
    pub completed_at: Option<Timestamp>,
    pub audience: u64,
    pub outcomes: Outcomes,
    pub feedback: Feedback,
    pub excluded: Excluded,
    pub rate: Rate,
}

/// How fast a campaign sends.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// E-mails that SES accepted, per second from the start of the campaign to its end, or to now; two decimals.
    pub average_per_second: f64,
}

impl CampaignView {
    /// The view at time `now`.
    pub fn new(mut campaign: Campaign, progress: &Progress, now: Timestamp) -> Self {
        let completed_at = campaign.completed_at.take();
        let elapsed = completed_at.unwrap_or(now).duration_since(campaign.created_at).as_secs_f64();
        let average = if elapsed > 0.0 { progress.outcomes.sent as f64 / elapsed } else { 0.0 };
        Self {
            campaign,
            completed_at,
            audience: progress.audience,
            outcomes: progress.outcomes,
            feedback: progress.feedback,
            excluded: progress.excluded,
            rate: Rate { average_per_second: (average * 100.0).round() / 100.0 },
        }
    }
}

/// Whether the number of people who would be e-mailed now is too far from what the operator was shown.
///
/// More than expected by over 1 % (from 100 expected on; below that, any more), or fewer by over 10 %.
pub fn drifted(expected: u64, actual: u64) -> bool {
    let too_many =
        if expected >= 100 { u128::from(actual) * 100 > u128::from(expected) * 101 } else { actual > expected };
    too_many || u128::from(actual) * 10 < u128::from(expected) * 9
}

#[cfg(test)]
mod tests {
    use super::{CampaignEvent::*, *};

    #[test]
    fn a_command_given_twice_does_nothing_the_second_time_and_some_are_refused() {
        use Effect::{Moves, None as Same, Refused};
        use {CampaignState::*, Command::*};
        let mut campaign = sample();
        // State, and the effects of pause, resume, cancel, retry of the failed, retry of the unconfirmed.
        let table = [
            (Preparing, [Moves(Paused), Same, Moves(Cancelled), Same, Refused]),
            (Sending, [Moves(Paused), Same, Moves(Cancelled), Same, Refused]),
            (Paused, [Same, Moves(Preparing), Moves(Cancelled), Refused, Refused]),
            (Halted, [Refused, Moves(Preparing), Moves(Cancelled), Refused, Refused]),
            (Cancelled, [Refused, Refused, Same, Refused, Refused]),
            (Completed, [Refused, Refused, Refused, Moves(Preparing), Moves(Preparing)]),
        ];
        assert_eq!(table.map(|(state, _)| state), CampaignState::ALL);
        campaign.retrying = Some(Outcome::Failed);
        for (state, effects) in table {
            campaign.state = state;
            assert_eq!(Command::ALL.map(|command| command.effect(&campaign)), effects, "{state:?}");
        }
        campaign.state = Sending;
        campaign.retrying = None;
        assert_eq!(Retry(Outcome::Failed).effect(&campaign), Refused, "nobody told it to retry");
    }

    fn sample() -> Campaign {
        let stored = serde_json::json!({
            "campaignId": CampaignId::from_parts(1, 1), "state": "preparing", "filter": {"division": "NORTH"},
            "templateId": "portal-invitation", "templateVersion": 1, "emailFrom": "a@example.com",
            "expectedRecipients": 1, "createdBy": "ann", "createdAt": "2026-11-30T12:00:00Z",
        });
        serde_json::from_value(stored).expect("a campaign as it was stored by the first version")
    }

    #[test]
    fn drift_is_refused_exactly_beyond_its_bounds() {
        let table = [
            (0, 0, false),
            (0, 1, true),
            (7, 7, false),
            (7, 8, true),
            (7, 6, true),
            (10, 9, false),
            (10, 8, true),
            (99, 100, true),
            (100, 101, false),
            (100, 102, true),
            (100, 90, false),
            (100, 89, true),
            (1_000, 1_010, false),
            (1_000, 1_011, true),
            (u64::MAX, u64::MAX, false),
        ];
        for (expected, actual, refused) in table {
            assert_eq!(drifted(expected, actual), refused, "expected {expected}, would be {actual}");
        }
    }

    #[test]
    fn a_campaign_ends_only_when_prepared_and_every_row_has_ended() {
        let outcomes = Outcomes { sent: 2, skipped: 1, ..Outcomes::default() };
        let progress = Progress { prepared: true, audience: 3, outcomes, ..Progress::default() };
        assert_eq!(progress.event(), Some(AllEnded));
        assert_eq!(Progress { prepared: false, ..progress }.event(), None);
        assert_eq!(Progress { audience: 4, ..progress }.event(), Some(Prepared));
    }
}
