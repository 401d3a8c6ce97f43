//! A campaign as the API shows it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{AcceptanceView, Campaign, CampaignState, Progress, SelfService, StateReason};
use crate::InSeconds;
use crate::feedback::Feedback;
use crate::outcome::Outcomes;
use crate::selection::{Excluded, people};

/// The API's view of a campaign.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of Campaign and Progress")]
#[schemars(rename = "Campaign")]
pub struct CampaignView {
    #[serde(flatten)]
    pub campaign: Campaign,
    pub completed_at: Option<Timestamp>,
    pub audience: u64,
    pub outcomes: Outcomes,
    pub feedback: Feedback,
    pub excluded: Excluded,
    pub acceptances: AcceptanceView,
    pub rate: Rate,
    /// When it resumes by itself, if it waits for the end of its quiet hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_on_at: Option<Timestamp>,
    /// When its quiet hours begin, if it sends now and keeps any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pauses_at: Option<Timestamp>,
    /// After how many seconds a send that this campaign keeps waiting is worth another try; `None` if the campaign goes
    /// on only when a person says so.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// Seconds until another try while a campaign works: one of a few people ends in that time.
const RETRY_WHILE_IT_WORKS: u32 = 30;

/// Seconds until another try while a campaign waits for room in the daily quota. The sweep looks for it every minute.
const RETRY_WITHOUT_QUOTA: u32 = 600;

/// See [`CampaignView::retry_after`].
fn retry_after(campaign: &Campaign, now: Timestamp) -> Option<u32> {
    match campaign.state {
        CampaignState::Paused if campaign.stopped_for(StateReason::DailyQuota) => Some(RETRY_WITHOUT_QUOTA),
        CampaignState::Paused => {
            let waits = campaign.goes_on_at(now)?.duration_since(now).as_secs();
            u32::try_from(waits.max(1)).ok()
        }
        CampaignState::Halted => None,
        _ => Some(RETRY_WHILE_IT_WORKS),
    }
}

/// How fast a campaign sends.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// E-mails that SES accepted, per second from the start of the campaign to its end, or to now; two decimals.
    pub average_per_second: f64,
}

impl CampaignView {
    /// The active campaign as shown to whoever can't send because of it: what it is, its progress, and when it resumes.
    pub fn in_the_way(&self) -> String {
        let Self { campaign, outcomes, .. } = self;
        // Before the campaign is prepared, its audience is not complete.
        let is_preparing = campaign.state == CampaignState::Preparing;
        let whole = if is_preparing { self.audience.max(campaign.expected_recipients) } else { self.audience };
        let mut told = format!(
            "“{}”, started by {}, is active in this division: {} of {} done.",
            campaign.template_name,
            campaign.created_by,
            outcomes.ended(),
            people(whole),
        );
        match self.goes_on_at {
            Some(at) => {
                let local = at.to_zoned(campaign.zone()).strftime("%A, %Y-%m-%d %H:%M");
                told += &format!(
                    " It keeps quiet hours, and goes on by itself on {local} ({}). Wait until it has ended, or cancel it.",
                    campaign.time_zone
                );
            }
            None => told += " Wait until it has ended.",
        }
        told
    }

    /// The view at time `now`.
    pub fn new(mut campaign: Campaign, progress: &Progress, now: Timestamp) -> Self {
        let completed_at = campaign.completed_at.take();
        let elapsed = completed_at.unwrap_or(now).duration_since(campaign.created_at).as_secs_f64();
        campaign.created_at = campaign.created_at.in_seconds();
        if let Some(schedule) = &mut campaign.schedule {
            schedule.scheduled_at = schedule.scheduled_at.in_seconds();
        }
        campaign.self_service = campaign.self_service.map(SelfService::shown);
        let average = if elapsed > 0.0 { progress.outcomes.sent as f64 / elapsed } else { 0.0 };
        Self {
            goes_on_at: campaign.goes_on_at(now),
            pauses_at: campaign.pauses_at(now),
            retry_after: retry_after(&campaign, now),
            campaign,
            completed_at: completed_at.in_seconds(),
            audience: progress.audience,
            outcomes: progress.outcomes,
            feedback: progress.feedback,
            excluded: progress.excluded,
            acceptances: progress.acceptances,
            rate: Rate { average_per_second: (average * 100.0).round() / 100.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;
    use crate::ByName;
    use crate::quiet_hours::QuietHours;

    #[test]
    fn a_send_is_worth_another_try_when_the_campaign_goes_on_by_itself() {
        let now: Timestamp = "2026-11-30T22:00:00Z".parse().expect("a time");
        let quiet_hours = QuietHours::from_json(&serde_json::json!({}), "").ok();
        let table = [
            (CampaignState::Preparing, None, Some(30)),
            (CampaignState::Sending, None, Some(30)),
            (CampaignState::Cancelled, None, Some(30)),
            (CampaignState::Paused, Some(StateReason::QuietHours), Some(10 * 3_600)),
            (CampaignState::Paused, Some(StateReason::DailyQuota), Some(600)),
            (CampaignState::Paused, Some(StateReason::Operator), None),
            (CampaignState::Paused, Some(StateReason::AudienceGrew), None),
            (CampaignState::Halted, Some(StateReason::Bounces), None),
        ];
        for (state, state_reason, seconds) in table {
            let state_reason = state_reason.map(ByName::Known);
            let campaign =
                Campaign { state, state_reason: state_reason.clone(), quiet_hours: quiet_hours.clone(), ..sample() };
            let view = CampaignView::new(campaign, &Progress::default(), now);
            assert_eq!(view.retry_after, seconds, "{state:?} {state_reason:?}");
        }
    }

    #[test]
    fn whoever_is_kept_from_sending_is_told_by_what_and_how_far_that_is() {
        let now: Timestamp = "2026-11-30T22:00:00Z".parse().expect("a time");
        let outcomes = Outcomes { sent: 3, skipped: 1, queued: 8, ..Outcomes::default() };
        let progress = Progress { prepared: true, audience: 12, outcomes, ..Progress::default() };
        let told = |campaign: &Campaign| CampaignView::new(campaign.clone(), &progress, now).in_the_way();
        let mut campaign = Campaign { state: CampaignState::Sending, ..sample() };
        let what = "“Portal Invitation”, started by ann, is active in this division: 4 of 12 people done.";
        assert_eq!(told(&campaign), format!("{what} Wait until it has ended."));
        campaign.quiet_hours = QuietHours::from_json(&serde_json::json!({}), "").ok();
        assert_eq!(told(&campaign), format!("{what} Wait until it has ended."));
        (campaign.state, campaign.state_reason) = (CampaignState::Paused, Some(StateReason::QuietHours.into()));
        let until = "It keeps quiet hours, and goes on by itself on Tuesday, 2026-12-01 08:00 (UTC). Wait until it has ended, or cancel it.";
        assert_eq!(told(&campaign), format!("{what} {until}"));
    }
}
