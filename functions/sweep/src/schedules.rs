//! Brings EventBridge Scheduler in line with the schedules, and records occurrences that could not be handled.

use std::collections::HashMap;

use aws_sdk_sqs::types::Message;
use jiff::{SignedDuration, Timestamp};
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::schedules::scheduler::Scheduler;
use portal_aws::schedules::{ScheduleStore, Written};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::Attempts;
use portal_domain::schedule::{Failure, Occurrence, ScheduleState, Verdict};
use portal_domain::{DivisionId, Schedule, ScheduleId};
use serde::Deserialize;
use serde_json::Value;

use crate::{LATE, SweepError, Swept};

/// A schedule that a person changed within this time is left to the function that they called.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The message attribute in which Scheduler names the time of a run that it could not deliver.
const TIME_ATTRIBUTE: &str = "SCHEDULED_TIME";

/// Lambda's condition for an event that is older than the function's maximum event age, an hour.
const TOO_OLD: &str = "EventAgeExceeded";

/// Keeps EventBridge Scheduler in line with the table.
#[derive(Debug)]
pub(crate) struct Schedules {
    store: ScheduleStore,
    scheduler: Scheduler,
    directory: DirectoryReader,
}

impl Schedules {
    pub(crate) fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: ScheduleStore::new(context)?,
            scheduler: Scheduler::new(context)?,
            directory: DirectoryReader::new(context)?,
        })
    }

    /// Updates every schedule in Scheduler that differs from the table: one that the system turned off, whose division
    /// moved to another time zone, or whose writer died before it updated Scheduler. [`SweepError::SchedulesLate`] if
    /// one has waited longer than [`LATE`].
    pub(crate) async fn arm(&self, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        let mut schedules = self.store.schedules().await?;
        schedules.retain(|schedule| now.duration_since(schedule.updated_at) > FRESH && may_be_told(schedule));
        if schedules.is_empty() {
            return Ok(());
        }
        let mut late = false;
        let divisions = self.directory.divisions().await?;
        let zones: HashMap<DivisionId, String> =
            divisions.into_iter().map(|division| (division.division, division.time_zone)).collect();
        for schedule in schedules {
            let zone = zones.get(&schedule.plan.filter.division).map_or("UTC", String::as_str);
            match self.scheduler.arm(&schedule, zone, now).await {
                Ok(told) => swept.schedules_armed += usize::from(told),
                Err(error) => {
                    tracing::error!(schedule.id = %schedule.schedule_id, error = %error, "schedule could not be armed");
                    swept.errors += 1;
                    late |= now.duration_since(schedule.updated_at) > LATE;
                }
            }
        }
        if late { Err(SweepError::SchedulesLate) } else { Ok(()) }
    }
}

/// CloudFormation stores a schedule of the template in Scheduler; deleting it removes only the table's item.
fn may_be_told(schedule: &Schedule) -> bool {
    !schedule.in_template || schedule.state == ScheduleState::Deleted
}

/// An occurrence that could not be handled.
#[derive(Debug, PartialEq)]
pub(crate) struct Lost {
    schedule_id: ScheduleId,
    scheduled_at: Timestamp,
    /// The event carried the schedule, which is written in the template.
    in_template: bool,
    verdict: Verdict,
}

/// The fields of an event that are needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    schedule_id: ScheduleId,
    scheduled_time: String,
    #[serde(default)]
    schedule: Option<Value>,
}

impl Lost {
    /// Reads a message of the failure queue: from Lambda, about an event that the function failed on, or from
    /// Scheduler, about a run that it could not deliver. `None` if it is neither.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let body: Value = serde_json::from_str(message.body.as_deref()?).ok()?;
        let (event, verdict) = match body.get("requestPayload") {
            Some(event) if body["requestContext"]["condition"] == TOO_OLD => (event.clone(), Verdict::late()),
            Some(event) => (event.clone(), Verdict::failed(Failure::Error)),
            None => (body, Verdict::failed(Failure::NotDelivered)),
        };
        let event: Event = serde_json::from_value(event).ok()?;
        let attribute = || message.message_attributes()?.get(TIME_ATTRIBUTE)?.string_value()?.parse().ok();
        let scheduled_at = event.scheduled_time.parse().ok().or_else(attribute)?;
        Some(Self { schedule_id: event.schedule_id, scheduled_at, in_template: event.schedule.is_some(), verdict })
    }

    /// Records the occurrence, unless it was handled after all. `false` if it can't be recorded: its schedule is in the
    /// template, and was never stored.
    pub(crate) async fn record(&self, store: &ScheduleStore, now: Timestamp) -> Result<bool, SweepError> {
        let occurrence = Occurrence { scheduled_at: self.scheduled_at, at: now, verdict: self.verdict.clone() };
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let schedule: Option<Schedule> = store.schedule(&self.schedule_id).await?;
            let Some(schedule) = schedule else { return Ok(!self.in_template) };
            if schedule.state == ScheduleState::Deleted {
                return Ok(true);
            }
            match store.record(&schedule, &occurrence).await? {
                Written::Done | Written::Before => return Ok(true),
                Written::Changed => {}
            }
        }
        Err(SweepError::KeptChanging)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;
    use serde_json::json;

    use super::*;

    fn message(body: &Value) -> Message {
        Message::builder().body(body.to_string()).build()
    }

    #[test]
    fn function_failures_and_undelivered_runs_are_distinguished() {
        let event = json!({"scheduleId": "01J", "rule": 1, "scheduledTime": "2026-11-30T14:00:00Z"});
        let at: Timestamp = "2026-11-30T14:00:00Z".parse().expect("a time");
        let lost =
            |verdict| Lost { schedule_id: ScheduleId::new("01J"), scheduled_at: at, in_template: false, verdict };
        let failed_by = |reason| lost(Verdict::failed(reason));
        let failed = json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event});
        assert_eq!(Lost::of(&message(&failed)), Some(failed_by(Failure::Error)));
        let old = json!({"requestContext": {"condition": "EventAgeExceeded"}, "requestPayload": event});
        assert_eq!(Lost::of(&message(&old)), Some(lost(Verdict::late())));
        assert_eq!(Lost::of(&message(&event)), Some(failed_by(Failure::NotDelivered)));
        let unsubstituted = json!({"scheduleId": "01J", "rule": 1, "scheduledTime": "<aws.scheduler.scheduled-time>"});
        assert_eq!(Lost::of(&message(&unsubstituted)), None);
        let time = MessageAttributeValue::builder().data_type("String").string_value("2026-11-30T14:00:00Z");
        let with_time = Message::builder()
            .body(unsubstituted.to_string())
            .message_attributes(TIME_ATTRIBUTE, time.build().expect("a type"));
        assert_eq!(Lost::of(&with_time.build()), Some(failed_by(Failure::NotDelivered)));
        for unreadable in [json!({}), json!("x"), json!({"requestPayload": {"scheduleId": "01J"}})] {
            assert_eq!(Lost::of(&message(&unreadable)), None, "{unreadable}");
        }
    }
}
