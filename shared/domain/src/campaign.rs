//! A campaign: one Send.

mod acceptances;
pub mod audit;
mod command;
mod halt;
mod self_service;
mod state;
mod view;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::acceptances::{AcceptanceView, Acceptances};
use self::audit::{Actor, Person};
pub use self::command::{Command, Effect};
pub use self::halt::Returned;
pub use self::self_service::SelfService;
pub use self::state::{CampaignEvent, CampaignState, StateReason};
pub use self::view::{CampaignView, Rate};
use crate::audience::AudienceRule;
use crate::feedback::Feedback;
use crate::mail::template::BUILT_IN_NAME;
use crate::outcome::Outcomes;
use crate::quiet_hours::QuietHours;
use crate::selection::{Excluded, Rules};
use crate::{ByName, CampaignId, Filter, Outcome, RecipientId, ScheduleId, Shard, TemplateId};

/// How long a temporary password is valid.
pub const INVITATION_LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// The least time for which a ledger row is kept after its end: the minimum of the template's `LedgerRetentionDays`.
pub const LEAST_RETENTION: jiff::SignedDuration = jiff::SignedDuration::from_hours(60 * 24);

/// The largest `maxPerMinute`, above any rate that SES grants.
pub const MOST_PER_MINUTE: u64 = 1_000_000;

/// How many recipients one delivery message holds. A claim writes two items for each, and a transaction ends at 100.
pub const DELIVERY_SIZE: usize = 40;

/// A campaign as it was started, and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CampaignItem")]
pub struct Campaign {
    /// Sorts by start.
    pub campaign_id: CampaignId,
    /// State when read.
    pub state: CampaignState,
    /// Goes up by one with every change of state; a writer checks that it is the one that was read.
    #[serde(default)]
    pub revision: u32,
    /// Why it is paused or halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<ByName<StateReason>>,
    /// Whom it addresses.
    pub filter: Filter,
    /// Only this recipient of the selection, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_id: Option<RecipientId>,
    /// Which of the division's self-service campaigns it is; `None` if an operator or a schedule started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_service: Option<SelfService>,
    /// The schedule that started it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<StartedBy>,
    /// Which part of the selection it addresses.
    #[serde(default, skip_serializing_if = "AudienceRule::is_everybody")]
    pub audience_rule: AudienceRule,
    /// When it may send, if not at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// The division's time zone when it was started, by name; days and quiet hours are meant in it.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The notification template.
    pub template_id: TemplateId,
    /// The newest version of the template at the start; every e-mail of the campaign uses it.
    pub template_version: u32,
    /// That version's name.
    #[serde(default = "built_in_name")]
    pub template_name: String,
    /// The sender's address.
    pub email_from: String,
    /// How many people the operator expected to e-mail.
    pub expected_recipients: u64,
    /// The campaign's bound (guarantee 7): the agreed number of people, from its start or from a later resume. `None`
    /// for self-service campaigns and for those stored before there was a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_recipients: Option<u64>,
    /// Recipients invited in the last 24 hours are mailed again.
    #[serde(default)]
    pub include_recently_invited: bool,
    /// Most e-mails a minute, for a pace slower than SES's rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_minute: Option<u32>,
    /// The outcome that is being retried, since the last retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<Outcome>,
    /// Bounces and complaints at the last resume from a halt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Returned>,
    /// Who started it, by name.
    pub created_by: String,
    /// Who that is for certain, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by_person: Option<Person>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// The schedule that started a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedBy {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its name at that time.
    pub name: String,
    /// The time at which it was due.
    pub scheduled_at: Timestamp,
}

/// The time zone of campaigns stored before they had one (guarantee 17).
fn utc() -> String {
    "UTC".to_owned()
}

/// The template of campaigns stored before there were others (guarantee 17).
fn built_in_name() -> String {
    BUILT_IN_NAME.to_owned()
}

impl Campaign {
    /// Who started it.
    pub fn starter(&self) -> Actor {
        Actor { name: self.created_by.clone(), person: self.created_by_person.clone() }
    }

    /// The shards that its fan-out goes through.
    pub fn shards(&self) -> Vec<Shard> {
        match self.recipient_id {
            Some(recipient) => vec![recipient.shard()],
            None => Shard::all().collect(),
        }
    }

    /// What it decides by at `now`, besides its filter.
    pub fn rules(&self, now: Timestamp) -> Rules {
        let asked = self.self_service.is_some();
        let audience = if asked { AudienceRule::PENDING } else { self.audience_rule };
        Rules {
            now,
            campaign: Some(self.campaign_id),
            // Only `pending` recipients can ask, so a recipient who was set back has been invited again since.
            began: if asked { now } else { self.created_at },
            // A request is granted however recent the last e-mail is, but only to those who are still pending.
            include_recently_invited: self.include_recently_invited || asked,
            audience: audience.at(now, &self.zone()),
        }
    }

    /// The time zone that its days and quiet hours are meant in.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Whether its quiet hours allow it to send at `at`.
    pub fn may_send_at(&self, at: Timestamp) -> bool {
        self.quiet_hours.as_ref().is_none_or(|hours| hours.allows(at, &self.zone()))
    }

    /// When it resumes by itself, if it waits for the end of its quiet hours at `now`.
    pub fn goes_on_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.quiet_hours.as_ref().filter(|_| self.is_quiet())?.next(now, &self.zone())
    }

    /// When its quiet hours begin, if it sends at `now` and keeps any.
    pub fn pauses_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.quiet_hours.as_ref().filter(|_| self.state.works())?.end(now, &self.zone())
    }

    /// Whether the campaign is so old at `now` that its ledger rows may have expired, and the invitation at
    /// `last_invited_at` may be its own. A new row for that recipient could mail them a second time (guarantee 2).
    pub fn may_have_mailed_before(&self, last_invited_at: Option<Timestamp>, now: Timestamp) -> bool {
        now.duration_since(self.created_at) >= LEAST_RETENTION
            && last_invited_at.is_some_and(|at| at >= self.created_at)
    }

    /// Whether this is why it is paused or halted.
    pub fn stopped_for(&self, reason: StateReason) -> bool {
        self.state_reason.as_ref().is_some_and(|stopped| *stopped == reason)
    }

    /// Whether it resumes by itself when the reason for which it stopped is gone.
    pub fn will_resume_by_itself(&self) -> bool {
        self.state_reason.as_ref().and_then(ByName::known).is_some_and(StateReason::is_transient)
    }

    fn is_quiet(&self) -> bool {
        self.state == CampaignState::Paused && self.stopped_for(StateReason::QuietHours)
    }

    /// Whether its ledger is being written. This includes a campaign that waits for the end of its quiet hours: it is
    /// to reach those it was started for, and not those selected when the hours end.
    pub fn fans_out(&self) -> bool {
        self.state.works() || self.is_quiet()
    }

    /// Whether recipients may still join, so that the campaign is not over although every row has an end state.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.self_service.is_some_and(|day| day.is_open(now)) && self.state != CampaignState::Cancelled
    }
}

/// How far a campaign has come, summed over its shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Every shard's ledger is written and queued, so the audience is complete.
    pub prepared: bool,
    /// Ledger rows.
    pub audience: u64,
    /// Ledger rows by outcome.
    pub outcomes: Outcomes,
    /// What SES reported later about sent e-mails.
    pub feedback: Feedback,
    /// Who was left out of the ledger, by reason.
    pub excluded: Excluded,
    /// Who accepted with a password of this campaign.
    pub acceptances: AcceptanceView,
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

    /// Bounces and complaints among sent e-mails.
    pub fn returned(&self) -> Returned {
        Returned { sent: self.outcomes.sent, bounced: self.feedback.bounced, complained: self.feedback.complained }
    }
}

/// The bound for this expected number: 1 % more from 100 on, below that no more (guarantee 7).
pub fn most_for(expected: u64) -> u64 {
    let more = if expected >= 100 { expected / 100 } else { 0 };
    expected.saturating_add(more)
}

/// Whether the current number of people differs too much from what the operator was shown: above [`most_for`] it, or
/// over 10 % fewer (guarantee 7).
pub fn drifted(expected: u64, actual: u64) -> bool {
    actual > most_for(expected) || u128::from(actual) * 10 < u128::from(expected) * 9
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{CampaignEvent::*, *};

    #[test]
    fn a_command_given_twice_does_nothing_the_second_time_and_some_are_refused() {
        use Effect::{None as Same, Refused};
        use {CampaignState::*, Command::*};
        #[expect(non_snake_case, reason = "stands for what it makes")]
        let Moves = |state| Effect::Moves(state, (state == Paused).then_some(StateReason::Operator));
        let now = Timestamp::UNIX_EPOCH;
        let mut campaign = sample();
        // State, and the effects of pause, resume, cancel, retry of the failed, retry of the unconfirmed.
        let table = [
            (Preparing, [Moves(Paused), Same, Moves(Cancelled), Same, Refused]),
            (Sending, [Moves(Paused), Same, Moves(Cancelled), Same, Refused]),
            (Paused, [Same, Moves(Preparing), Moves(Cancelled), Refused, Refused]),
            (Halted, [Refused, Moves(Preparing), Moves(Cancelled), Refused, Refused]),
            (Cancelled, [Refused, Refused, Same, Refused, Refused]),
            (Completed, [Refused, Refused, Refused, Moves(Preparing), Moves(Preparing)]),
            (Unknown, [Refused; 5]),
        ];
        assert_eq!(table.map(|(state, _)| state), CampaignState::VARIANTS);
        campaign.retrying = Some(Outcome::Failed);
        for (state, effects) in table {
            campaign.state = state;
            assert_eq!(Command::ALL.map(|command| command.effect(&campaign, now)), effects, "{state:?}");
        }
        campaign.state = Sending;
        campaign.retrying = None;
        assert_eq!(Retry(Outcome::Failed).effect(&campaign, now), Refused, "nobody told it to retry");
    }

    #[test]
    fn an_old_campaign_passes_over_whoever_was_invited_since_it_began() {
        let campaign = sample();
        let day = |days: i32| campaign.created_at + jiff::SignedDuration::from_hours(24) * days;
        let passes_over = |invited: i32, now: i32| campaign.may_have_mailed_before(Some(day(invited)), day(now));
        assert!(passes_over(0, 60) && passes_over(59, 60));
        assert!(!passes_over(0, 59), "their row is there");
        assert!(!passes_over(-1, 60) && !campaign.may_have_mailed_before(None, day(60)));
    }

    pub(super) fn sample() -> Campaign {
        let stored = serde_json::json!({
            "campaignId": CampaignId::from_parts(1, 1), "state": "preparing", "filter": {"division": "NORTH"},
            "templateId": "portal-invitation", "templateVersion": 1, "emailFrom": "a@example.com",
            "expectedRecipients": 1, "createdBy": "ann", "createdAt": "2026-11-30T12:00:00Z",
        });
        serde_json::from_value(stored).expect("a campaign as it was stored by the first version")
    }

    #[test]
    fn a_campaign_that_sends_says_when_its_quiet_hours_begin() {
        let quiet_hours = QuietHours::from_json(&serde_json::json!({"sendUntil": "20:00"}), "").ok();
        let time_zone = "America/New_York".to_owned();
        let campaign = Campaign { state: CampaignState::Sending, quiet_hours, time_zone, ..sample() };
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let pauses_at = |campaign: &Campaign, now| campaign.pauses_at(at(now));
        assert_eq!(pauses_at(&campaign, "2026-11-30T18:00:00Z"), Some(at("2026-12-01T01:00:00Z")));
        assert_eq!(pauses_at(&campaign, "2026-12-01T02:00:00Z"), None, "they have begun");
        let paused = Campaign { state: CampaignState::Paused, ..campaign.clone() };
        assert_eq!(pauses_at(&paused, "2026-11-30T18:00:00Z"), None);
        assert_eq!(pauses_at(&Campaign { quiet_hours: None, ..campaign }, "2026-11-30T18:00:00Z"), None);
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
