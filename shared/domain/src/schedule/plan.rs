//! The part of a schedule that a person edits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Timing;
use crate::audience::AudienceRule;
use crate::campaign::MOST_PER_MINUTE;
use crate::email::EmailAddress;
use crate::input::{FieldError, Fields};
use crate::quiet_hours::QuietHours;
use crate::{Filter, ScheduleId, TemplateId};

/// Most characters of a name.
const NAME_CHARS: usize = 100;

/// The highest limit that a schedule may have.
const MOST_RECIPIENTS: u64 = 10_000_000;

/// What a schedule does, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// For people.
    pub name: String,
    /// The selection of its campaigns.
    pub filter: Filter,
    /// The notification template; each occurrence uses its newest version.
    pub template_id: TemplateId,
    /// The sender, normalised.
    pub email_from: String,
    /// Which part of the selection it addresses.
    #[serde(default)]
    pub audience: AudienceRule,
    /// An occurrence that would e-mail more people is skipped.
    pub max_recipients: u64,
    /// Most e-mails a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_minute: Option<u32>,
    /// When it is due.
    #[serde(flatten)]
    pub timing: Timing,
    /// When it may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
}

/// The part of a plan that a preview needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The selection.
    pub filter: Filter,
    /// The audience; limits that a save needs may be missing.
    pub audience: AudienceRule,
    /// When it is due.
    pub timing: Timing,
    /// The schedule that is to become this, if there is one.
    pub schedule_id: Option<ScheduleId>,
}

/// How an audience is read.
type ReadAudience = fn(&Value, &str) -> Result<AudienceRule, Vec<FieldError>>;

impl Plan {
    /// Reads a plan that a person saves, from an object that may have other fields; `None` is a fault.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Self::read_with(fields, AudienceRule::limited, AudienceRule::NEVER_INVITED)
    }

    /// Reads a plan of the stack's template. A plan from before limits were required keeps its meaning (guarantee 17).
    pub fn read_written(fields: &mut Fields<'_>) -> Option<Self> {
        Self::read_with(fields, AudienceRule::from_json, AudienceRule::default())
    }

    fn read_with(fields: &mut Fields<'_>, audience: ReadAudience, absent: AudienceRule) -> Option<Self> {
        let name = fields.required_text("name", NAME_CHARS).trim().to_owned();
        let filter = Filter::required(fields);
        let template_id = TemplateId::new(fields.required_text("templateId", 100));
        let email_from: Option<EmailAddress> = fields.required_address("emailFrom");
        let audience = fields.optional_parsed("audience", audience).unwrap_or(absent);
        let max_recipients = fields.required_number("maxRecipients", 1..=MOST_RECIPIENTS);
        let max_per_minute = fields.optional_number("maxPerMinute", 1..=MOST_PER_MINUTE);
        let timing = Timing::read(fields);
        let quiet_hours = fields.optional_parsed("quietHours", QuietHours::from_json);
        Some(Self {
            name,
            filter: filter?,
            template_id,
            email_from: email_from?.to_string(),
            audience,
            max_recipients,
            max_per_minute: max_per_minute.and_then(|most| u32::try_from(most).ok()),
            timing: timing?,
            quiet_hours,
        })
    }
}

impl Sketch {
    /// Reads a plan that is being edited. Fields that a preview does not need may have any value.
    pub fn from_json(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(body, "").map_err(|fault| vec![fault])?;
        let filter = Filter::required(&mut fields);
        let audience = fields.optional_parsed("audience", AudienceRule::from_json);
        let audience = audience.unwrap_or(AudienceRule::NEVER_INVITED);
        let timing = Timing::read(&mut fields);
        fields.optional_parsed("quietHours", QuietHours::from_json);
        let schedule_id = fields.optional_text("scheduleId", 64);
        let schedule_id = schedule_id.and_then(|id| {
            let known = ScheduleId::parse(&id);
            if known.is_none() {
                fields.fault("scheduleId", "is not the id of a schedule");
            }
            known
        });
        for beside in ["name", "templateId", "emailFrom", "maxRecipients", "maxPerMinute", "revision"] {
            fields.optional(beside);
        }
        let faults = fields.finish();
        match (filter, timing) {
            (Some(filter), Some(timing)) if faults.is_empty() => Ok(Self { filter, audience, timing, schedule_id }),
            _ => Err(faults),
        }
    }
}
