//! Schedules and occurrences as the API shows them.

use axum::Json;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use portal_domain::campaign::audit::AuditEntry;
use portal_domain::schedule::{Occurrence, OffReason, Plan, ScheduleState};
use portal_domain::{ByName, Division, InSeconds, Schedule, ScheduleId};
use portal_http::ETag;
use schemars::JsonSchema;
use serde::Serialize;

/// Warning on a schedule stored before limits were required for pending recipients.
const NO_LIMITS: &str = "This schedule reminds people who are pending without end. Say how many days ago they were invited at least \
     (pendingDays) and how many reminders each of them gets at most (maxReminders), or address only who was never invited.";

/// A schedule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Schedule")]
pub(crate) struct ScheduleView {
    schedule_id: ScheduleId,
    revision: u32,
    #[serde(flatten)]
    plan: Plan,
    owner: String,
    /// The division's time zone, which all times refer to.
    time_zone: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<ByName<OffReason>>,
    failures: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_template: bool,
    next_runs: Vec<Timestamp>,
    /// What the owner should correct.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_occurrence: Option<OccurrenceView>,
    created_by: String,
    created_at: Timestamp,
    updated_by: String,
    updated_at: Timestamp,
}

/// A schedule, with who did what to it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleInFull")]
pub(crate) struct OneView {
    #[serde(flatten)]
    pub(crate) schedule: ScheduleView,
    /// Newest first.
    pub(crate) audit: Vec<AuditEntry>,
}

/// The answer that shows a schedule.
pub(crate) type Shown = (ETag, Json<OneView>);

/// The answer that shows this one.
pub(crate) fn shown(view: OneView) -> Shown {
    (ETag::of_version(view.schedule.revision), Json(view))
}

/// An occurrence.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Occurrence")]
pub(crate) struct OccurrenceView {
    #[serde(flatten)]
    occurrence: Occurrence,
    /// The result in a sentence.
    detail: String,
}

impl OccurrenceView {
    pub(crate) fn new(occurrence: Occurrence) -> Self {
        let (scheduled_at, at) = (occurrence.scheduled_at.in_seconds(), occurrence.at.in_seconds());
        let occurrence = Occurrence { scheduled_at, at, ..occurrence };
        Self { detail: occurrence.verdict.detail(), occurrence }
    }
}

impl ScheduleView {
    /// The view at time `now`.
    pub(crate) fn new(schedule: Schedule, division: Option<&Division>, now: Timestamp) -> Self {
        let zone = division.map_or(TimeZone::UTC, Division::zone);
        let active = schedule.state == ScheduleState::Active;
        let next_runs = if active { schedule.next_runs(now, &zone) } else { Vec::new() };
        let state = match &schedule.state {
            ByName::Known(ScheduleState::Active) if next_runs.is_empty() => "ended",
            ByName::Known(ScheduleState::Active) => "active",
            ByName::Known(ScheduleState::Paused) => "paused",
            ByName::Known(ScheduleState::Off | ScheduleState::Deleted) => "off",
            ByName::Unknown(name) => name,
        };
        let unlimited = !schedule.plan.audience.missing_limits("audience").is_empty();
        Self {
            warnings: if unlimited { vec![NO_LIMITS] } else { Vec::new() },
            schedule_id: schedule.schedule_id,
            revision: schedule.revision,
            plan: schedule.plan,
            owner: schedule.owner.name,
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            state: state.to_owned(),
            state_reason: schedule.off_reason,
            failures: schedule.failures,
            in_template: schedule.in_template,
            next_runs,
            last_occurrence: schedule.last_occurrence.map(OccurrenceView::new),
            created_by: schedule.created_by,
            created_at: schedule.created_at.in_seconds(),
            updated_by: schedule.updated_by,
            updated_at: schedule.updated_at.in_seconds(),
        }
    }
}
