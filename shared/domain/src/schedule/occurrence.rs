//! The result of one time at which a schedule was due.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::selection::people;
use crate::{ByName, CampaignId, ScheduleId};

/// An occurrence that comes later than this starts nothing.
pub const LATEST: SignedDuration = SignedDuration::from_hours(1);

/// One time at which a schedule was due, and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OccurrenceItem")]
pub struct Occurrence {
    /// When it was due.
    pub scheduled_at: Timestamp,
    /// When it was handled.
    pub at: Timestamp,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of an occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// A campaign was started. If `will_email` is 0 it has nobody to e-mail and is over at once.
    Started {
        /// The campaign.
        campaign_id: CampaignId,
        /// How many people it was to e-mail.
        will_email: u64,
    },
    /// It started nothing, because it came too late.
    Missed {
        /// Why.
        reason: ByName<Miss>,
    },
    /// There was a reason to start nothing.
    Skipped {
        /// Which.
        reason: ByName<Skip>,
        /// The division's active campaign.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        campaign_id: Option<CampaignId>,
        /// How many people it would have e-mailed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        will_email: Option<u64>,
    },
    /// It could not start.
    Failed {
        /// Why.
        reason: ByName<Failure>,
    },
    /// A result of another version.
    #[serde(untagged)]
    Unknown {
        /// Its name.
        result: String,
        /// The name of its reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// Why an occurrence was missed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Miss {
    /// Scheduler, or the function, was more than an hour late.
    Late,
    /// The schedule was saved just when it was due, so that Scheduler may not call for it.
    Saved,
}

/// Why an occurrence was skipped.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Skip {
    /// Another campaign held the division.
    DivisionBusy,
    /// More people would have been e-mailed than the schedule allows.
    TooManyRecipients,
    /// The schedule was paused or off.
    NotActive,
}

/// Why an occurrence failed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Failure {
    /// The division is gone.
    UnknownDivision,
    /// The template is gone, or switched off.
    TemplateUnusable,
    /// The template violates today's rules, or names a server that the division does not list.
    TemplateRefused,
    /// The division does not allow the sender, SES has not verified it, or SES sends nothing.
    SenderRefused,
    /// The function failed on every try.
    Error,
    /// EventBridge Scheduler could not call the function.
    NotDelivered,
    /// The schedule is in the template, and its time zone is not the division's.
    OtherTimeZone,
    /// The owner no longer has the permission to send.
    OwnerWithoutPermission,
}

impl Occurrence {
    /// Whether something that was due at `scheduled_at` is too late at `now`.
    pub fn is_late(scheduled_at: Timestamp, now: Timestamp) -> bool {
        now.duration_since(scheduled_at) > LATEST
    }

    /// The id of an occurrence's campaign: the same for every delivery of the occurrence, and unique to it (guarantee
    /// 2).
    pub fn campaign_id(schedule: &ScheduleId, scheduled_at: Timestamp) -> CampaignId {
        let digest = Sha256::digest(format!("{schedule}#{scheduled_at}"));
        let random = digest.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        CampaignId::from_parts(scheduled_at.as_millisecond().unsigned_abs(), random)
    }
}

impl Verdict {
    /// An occurrence that came too late.
    pub fn late() -> Self {
        Self::Missed { reason: Miss::Late.into() }
    }

    /// An occurrence that was due just before its schedule was saved, so that Scheduler may not call for it.
    pub fn saved() -> Self {
        Self::Missed { reason: Miss::Saved.into() }
    }

    /// A skipped occurrence without further details.
    pub fn skipped(reason: Skip) -> Self {
        Self::Skipped { reason: reason.into(), campaign_id: None, will_email: None }
    }

    /// An occurrence that could not start.
    pub fn failed(reason: Failure) -> Self {
        Self::Failed { reason: reason.into() }
    }

    /// Whether it ended with this failure.
    pub fn says(&self, failure: Failure) -> bool {
        matches!(self, Self::Failed { reason } if *reason == failure)
    }

    /// The result in words.
    pub fn detail(&self) -> String {
        match self {
            Self::Started { will_email: 0, .. } => "There was nobody to e-mail.".to_owned(),
            Self::Started { will_email, .. } => format!("A campaign to {} was started.", people(*will_email)),
            Self::Missed { reason } => match reason {
                ByName::Known(Miss::Saved) => {
                    "The schedule was saved just when it was due, before the run began.".to_owned()
                }
                ByName::Known(Miss::Late) => "It came more than an hour late.".to_owned(),
                ByName::Unknown(name) => named("missed", Some(name)),
            },
            Self::Skipped { reason, campaign_id, will_email } => match (reason, campaign_id) {
                (ByName::Known(Skip::DivisionBusy), Some(campaign)) => {
                    format!("Campaign {campaign} was active in the division.")
                }
                (ByName::Known(Skip::DivisionBusy), None) => "Another campaign was active in the division.".to_owned(),
                (ByName::Known(Skip::TooManyRecipients), _) => {
                    let people = people(will_email.unwrap_or_default());
                    format!("{people} would have been e-mailed, more than the schedule allows.")
                }
                (ByName::Known(Skip::NotActive), _) => {
                    "The schedule was paused or turned off when the time came.".to_owned()
                }
                (ByName::Unknown(name), _) => named("skipped", Some(name)),
            },
            Self::Failed { reason: ByName::Known(failure) } => failure.detail().to_owned(),
            Self::Failed { reason: ByName::Unknown(name) } => named("failed", Some(name)),
            Self::Unknown { result, reason } => named(result, reason.as_ref()),
        }
    }
}

/// A result in the words of the version that wrote it.
fn named(result: &str, reason: Option<&String>) -> String {
    let why = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{result}{why}: this version of the system has no more words for it.")
}

impl Failure {
    fn detail(self) -> &'static str {
        match self {
            Self::UnknownDivision => "The division does not exist any more.",
            Self::TemplateUnusable => "The template does not exist any more, or was deactivated.",
            Self::TemplateRefused => {
                "The template may not be used in this division. Its preview for the division says why."
            }
            Self::SenderRefused => {
                "The sender can't be used: not the division's, not verified, or SES sends nothing now."
            }
            Self::Error => "The function failed, also when it was tried again. Its log says why.",
            Self::NotDelivered => "EventBridge Scheduler could not call the function.",
            Self::OtherTimeZone => {
                "The time zone of the schedule in the template (ScheduledTimeZone) is not the division's."
            }
            Self::OwnerWithoutPermission => "The owner does not have permission 390 in this division any more.",
        }
    }
}
