//! Notifies subscribed operators that a campaign ended or stopped by itself, or that a schedule was turned off.

use std::fmt::Write;

use aws_sdk_sns::Client;
use portal_domain::campaign::StateReason;
use portal_domain::schedule::OffReason;
use portal_domain::{ByName, CampaignState, DivisionId};

use super::notice::{CampaignNotice, Notice, ScheduleNotice};
use crate::context::Context;
use crate::settings::InvalidSetting;

/// Longest subject that SNS accepts for e-mail.
const SUBJECT: usize = 100;

/// A notice could not be published.
#[derive(Debug, thiserror::Error)]
#[error("SNS could not publish a notice: {0}")]
pub struct NotifyError(String);

/// The topic that operators subscribe to.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
    public_url: String,
}

impl Topic {
    /// The topic with this ARN. Notices link to the operator's page under `public_url`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let (arn, public_url) =
            (context.settings.required("NOTICES_TOPIC_ARN")?, context.settings.required("PUBLIC_URL")?);
        Ok(Self { client: Client::new(&context.config), arn, public_url })
    }

    /// Publishes a notice. It contains ids and numbers, and nobody's address.
    pub async fn publish(&self, notice: &Notice) -> Result<(), NotifyError> {
        let request = self.client.publish().topic_arn(&self.arn).subject(subject(notice));
        let published = request.message(message(notice, &self.public_url)).send().await;
        let shown = |error| NotifyError(aws_sdk_sns::error::DisplayErrorContext(error).to_string());
        published.map(|_| ()).map_err(shown)
    }
}

/// The subject, one line of printable ASCII, as SNS requires.
fn subject(notice: &Notice) -> String {
    let subject = match notice {
        Notice::Campaign(CampaignNotice { division, state, .. }) => {
            format!("Portal Invites: campaign in {} {state}", plain(division))
        }
        Notice::Schedule(ScheduleNotice { division, .. }) => {
            format!("Portal Invites: schedule in {} turned off", plain(division))
        }
    };
    subject.chars().take(SUBJECT).collect()
}

fn plain(division: &DivisionId) -> String {
    division.as_str().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

fn message(notice: &Notice, public_url: &str) -> String {
    match notice {
        Notice::Campaign(notice) => campaign_message(notice, public_url),
        Notice::Schedule(notice) => schedule_message(notice, public_url),
    }
}

fn schedule_message(notice: &ScheduleNotice, public_url: &str) -> String {
    let ScheduleNotice { at, schedule_id, name, division, owner, reason, detail } = notice;
    let why = match reason {
        ByName::Known(OffReason::Failures) => "it failed three times in a row",
        ByName::Known(OffReason::OwnerWithoutPermission) => "its owner may not send invitations any more",
        ByName::Unknown(name) => name,
    };
    format!(
        "The schedule \"{name}\" was turned off: {why}. Look into it, then resume the schedule.\n\nDivision: {division}\n\
         Owner: {owner}\nWhen: {at}\nWhat happened last: {detail}\n\n{public_url}/#/schedules/{schedule_id}\n"
    )
}

fn campaign_message(notice: &CampaignNotice, public_url: &str) -> String {
    let CampaignNotice { at, campaign_id, division, created_by, .. } = notice;
    let mut text = format!("{}\n\nDivision: {division}\nStarted by: {created_by}\nWhen: {at}\n", headline(notice));
    if let Some(outcomes) = notice.outcomes {
        let (sent, failed, skipped, unconfirmed) =
            (outcomes.sent, outcomes.failed, outcomes.skipped, outcomes.unconfirmed);
        let line = format!("Sent: {sent}\nFailed: {failed}\nSkipped: {skipped}\nUnconfirmed: {unconfirmed}\n");
        text.push_str(&line);
    }
    // Writing to a string can't fail.
    let _ = write!(text, "\n{public_url}/#/campaigns/{campaign_id}\n");
    text
}

fn headline(notice: &CampaignNotice) -> &'static str {
    match (notice.state, notice.reason.as_ref().and_then(ByName::known)) {
        (CampaignState::Completed, _) => "The campaign has ended.",
        (CampaignState::Cancelled, _) => "The campaign was cancelled, and everything that was under way has ended.",
        (_, Some(StateReason::DailyQuota)) => {
            "The campaign is paused: the SES account has sent what it may in 24 hours. It goes on by itself when there is room."
        }
        (_, Some(StateReason::SendingPaused)) => {
            "The campaign is paused: sending is paused for the SES account. See the SES console, then resume the campaign."
        }
        (_, Some(StateReason::AccountRefused)) => {
            "The campaign is paused: SES refuses the account or the function's permission. Mend that, then resume the campaign."
        }
        (_, Some(StateReason::SenderNotVerified)) => {
            "The campaign is paused: SES has not verified its sender any more. Verify it again, then resume the campaign."
        }
        (_, Some(StateReason::AudienceGrew)) => {
            "The campaign is paused: there are more people than it may reach. Say how many it may when you resume it, or cancel it."
        }
        (_, Some(StateReason::Bounces)) => {
            "The campaign was halted: too many e-mails bounced. Look at the addresses before you resume or cancel it."
        }
        (_, Some(StateReason::Complaints)) => {
            "The campaign was halted: too many people complained. Look into it before you resume or cancel it."
        }
        _ => "The campaign has stopped.",
    }
}

#[cfg(test)]
mod tests {
    use portal_domain::CampaignId;
    use portal_domain::outcome::Outcomes;

    use super::*;

    fn notice(state: CampaignState, reason: Option<StateReason>) -> CampaignNotice {
        CampaignNotice {
            at: "2026-11-30T12:00:00Z".parse().expect("a time"),
            campaign_id: CampaignId::from_parts(1_795_381_800_000, 7),
            division: DivisionId::new("DAYTON"),
            created_by: "ann".to_owned(),
            state,
            reason: reason.map(Into::into),
            outcomes: (state == CampaignState::Completed).then(|| Outcomes { sent: 7, ..Outcomes::default() }),
        }
    }

    #[test]
    fn an_end_is_told_with_its_numbers_and_a_link() {
        let notice = notice(CampaignState::Completed, None);
        let told = Notice::Campaign(notice.clone());
        assert_eq!(subject(&told), "Portal Invites: campaign in DAYTON completed");
        let text = message(&told, "https://invites.example.com");
        assert!(text.starts_with("The campaign has ended.\n\nDivision: DAYTON\nStarted by: ann\n"), "{text}");
        assert!(text.contains("\nSent: 7\nFailed: 0\n"), "{text}");
        assert!(
            text.ends_with(&format!("\nhttps://invites.example.com/#/campaigns/{}\n", notice.campaign_id)),
            "{text}"
        );
    }

    #[test]
    fn a_schedule_that_was_turned_off_is_told_with_why_and_a_link() {
        let told = Notice::Schedule(ScheduleNotice {
            at: "2026-11-30T12:00:00Z".parse().expect("a time"),
            schedule_id: portal_domain::ScheduleId::from_parts(1, 1),
            name: "Mondays".to_owned(),
            division: DivisionId::new("DAYTON"),
            owner: "ann".to_owned(),
            reason: OffReason::Failures.into(),
            detail: "The division does not exist any more.".to_owned(),
        });
        assert_eq!(subject(&told), "Portal Invites: schedule in DAYTON turned off");
        let text = message(&told, "https://invites.example.com");
        assert!(text.starts_with("The schedule \"Mondays\" was turned off: it failed three times in a row."), "{text}");
        assert!(text.ends_with("\nhttps://invites.example.com/#/schedules/00000000010000000000000001\n"), "{text}");
    }

    #[test]
    fn every_reason_to_stop_says_what_to_do() {
        use StateReason::{
            AccountRefused, AudienceGrew, Bounces, Complaints, DailyQuota, SenderNotVerified, SendingPaused,
        };
        let of = |reason| headline(&notice(CampaignState::Paused, Some(reason)));
        let lines =
            [DailyQuota, SendingPaused, AccountRefused, SenderNotVerified, AudienceGrew, Bounces, Complaints].map(of);
        for (index, line) in lines.iter().enumerate() {
            assert!(!lines[..index].contains(line) && !line.ends_with("has stopped."), "{line}");
        }
    }

    #[test]
    fn a_subject_is_one_short_line_of_ascii() {
        let mut notice = notice(CampaignState::Halted, Some(StateReason::Bounces));
        notice.division = DivisionId::new(format!("Nörth\n{}", "x".repeat(200)));
        let subject = subject(&Notice::Campaign(notice));
        assert!(subject.len() == SUBJECT && subject.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{subject}");
    }
}
