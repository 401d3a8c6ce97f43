//! EventBridge Scheduler, which calls `scheduled-send` when a schedule is due.
//!
//! The table is authoritative: a change of a schedule is written there and then told to Scheduler, and the sweep tells
//! it whatever it does not know.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{DisplayErrorContext, SdkError};
use aws_sdk_scheduler::operation::update_schedule::builders::UpdateScheduleFluentBuilder;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use portal_domain::schedule::{Armed, Rule, ScheduleState as Kept, Timing};
use portal_domain::{Schedule, ScheduleId};
use serde::{Deserialize, Serialize};

use super::{ScheduleStore, Written};
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{Attempts, StoreError};

/// For how long, and how often, Scheduler tries to call the function. A run over an hour late starts nothing anyway.
const MOST_SECONDS: i32 = 3_600;
const MOST_RETRIES: i32 = 10;

/// Scheduler replaces this by the time at which an occurrence was due.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// A past time, or one nearer than this, is told as this long from now.
const SOON: SignedDuration = SignedDuration::from_secs(60);

/// A call to Scheduler or to the table failed.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// A call to Scheduler failed.
    #[error("EventBridge Scheduler could not {0}: {1}")]
    Call(&'static str, String),
    /// The request to Scheduler can't be built.
    #[error("EventBridge Scheduler can't be told: {0}")]
    Request(String),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What Scheduler sends when a schedule is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The revision that set the timing of this run.
    pub rule: u32,
    /// When it was due, RFC 3339.
    pub scheduled_time: String,
}

/// The stack's group of schedules at EventBridge Scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    store: ScheduleStore,
    client: Client,
    group: String,
    role: String,
    target: String,
    failures: String,
}

impl Scheduler {
    /// Builds it from a function's settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let settings = &context.settings;
        Ok(Self {
            store: ScheduleStore::new(context)?,
            client: Client::new(&context.config),
            group: settings.required("SCHEDULE_GROUP")?,
            role: settings.required("SCHEDULER_ROLE_ARN")?,
            target: settings.required("SCHEDULED_SEND_ARN")?,
            failures: settings.required("SCHEDULE_FAILURES_QUEUE_ARN")?,
        })
    }

    /// Tells Scheduler what it does not know of a schedule, and stores that it knows; `false` if it knew. If this
    /// fails, the sweep does it; telling it twice is harmless.
    ///
    /// A schedule that changed meanwhile is told again in its new form, even if the call that changed it has told it
    /// too: that may have happened earlier, and Scheduler's last word must not be older than the table.
    pub async fn arm(&self, schedule: &Schedule, time_zone: &str, now: Timestamp) -> Result<bool, SchedulerError> {
        if schedule.state != Kept::Deleted && schedule.to_arm(time_zone).is_none() {
            return Ok(false);
        }
        let mut schedule = schedule.clone();
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            if !attempts.is_first() {
                let Some(newest) = self.store.schedule(&schedule.schedule_id).await? else {
                    self.delete(&schedule.schedule_id).await?;
                    return Ok(true);
                };
                schedule = newest;
            }
            if schedule.state == Kept::Deleted {
                self.delete(&schedule.schedule_id).await?;
                self.store.remove(&schedule).await?;
                return Ok(true);
            }
            let armed = schedule.as_armed(time_zone);
            self.tell(&schedule, &armed, now).await?;
            if self.store.armed(&schedule, armed).await? == Written::Done {
                return Ok(true);
            }
        }
        Err(StoreError::Busy("arm a schedule").into())
    }

    async fn tell(&self, schedule: &Schedule, armed: &Armed, now: Timestamp) -> Result<(), SchedulerError> {
        let zone = TimeZone::get(&armed.time_zone).unwrap_or(TimeZone::UTC);
        let timing = &schedule.plan.timing;
        let call = Call::of(timing, schedule.anchor, now, &zone).filter(|_| !schedule.had_its_only_run());
        let Some(call) = call else {
            return self.delete(&schedule.schedule_id).await;
        };
        let due = Due {
            schedule_id: schedule.schedule_id.clone(),
            rule: schedule.timing_revision,
            scheduled_time: call.scheduled_time.clone(),
        };
        let input = serde_json::to_string(&due).map_err(|error| SchedulerError::Request(error.to_string()))?;
        let request = self.request(schedule, call, armed, input)?;
        match request.clone().send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                self.create(request).await
            }
            Err(error) => Err(SchedulerError::Call("change a schedule", DisplayErrorContext(error).to_string())),
        }
    }

    fn request(
        &self,
        schedule: &Schedule,
        call: Call,
        armed: &Armed,
        input: String,
    ) -> Result<UpdateScheduleFluentBuilder, SchedulerError> {
        let built = |error: aws_sdk_scheduler::error::BuildError| SchedulerError::Request(error.to_string());
        let retries =
            RetryPolicy::builder().maximum_event_age_in_seconds(MOST_SECONDS).maximum_retry_attempts(MOST_RETRIES);
        let target = Target::builder()
            .arn(&self.target)
            .role_arn(&self.role)
            .input(input)
            .retry_policy(retries.build())
            .dead_letter_config(DeadLetterConfig::builder().arn(&self.failures).build());
        let exactly = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(built)?;
        Ok(self
            .client
            .update_schedule()
            .group_name(&self.group)
            .name(schedule.schedule_id.as_str())
            .state(if armed.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled })
            .schedule_expression(call.expression)
            .schedule_expression_timezone(call.time_zone)
            .set_start_date(call.start)
            .set_end_date(call.end)
            .flexible_time_window(exactly)
            // Scheduler deletes it after the last time. A later change creates it again.
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target.build().map_err(built)?))
    }

    async fn create(&self, like: UpdateScheduleFluentBuilder) -> Result<(), SchedulerError> {
        let wanted = like.as_input().clone().build().map_err(|error| SchedulerError::Request(error.to_string()))?;
        let request = self
            .client
            .create_schedule()
            .set_group_name(wanted.group_name)
            .set_name(wanted.name)
            .set_state(wanted.state)
            .set_schedule_expression(wanted.schedule_expression)
            .set_schedule_expression_timezone(wanted.schedule_expression_timezone)
            .set_start_date(wanted.start_date)
            .set_end_date(wanted.end_date)
            .set_flexible_time_window(wanted.flexible_time_window)
            .set_action_after_completion(wanted.action_after_completion)
            .set_target(wanted.target);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(SchedulerError::Call("make a schedule", DisplayErrorContext(error).to_string())),
        }
    }

    async fn delete(&self, id: &ScheduleId) -> Result<(), SchedulerError> {
        match self.client.delete_schedule().group_name(&self.group).name(id.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => Ok(()),
            Err(error) => Err(SchedulerError::Call("delete a schedule", DisplayErrorContext(error).to_string())),
        }
    }
}

/// When Scheduler calls.
#[derive(Debug, PartialEq)]
struct Call {
    expression: String,
    time_zone: String,
    start: Option<DateTime>,
    end: Option<DateTime>,
    scheduled_time: String,
}

impl Call {
    /// `None` if it is never due again.
    fn of(timing: &Timing, anchor: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<Self> {
        let bound = |local: civil::DateTime| local.to_zoned(zone.clone()).ok().map(|bound| bound.timestamp());
        let next = timing.runs(anchor, now, zone).next().map(|next| next.timestamp());
        let end = timing.until.and_then(bound);
        match &timing.rule {
            // Told in UTC, so that changes of the clock don't matter. A time that passed while Scheduler could not be
            // told is called at once: the function sees how late it is.
            Rule::At(local) => {
                let due = zone.to_ambiguous_timestamp(*local).compatible().ok()?;
                let at = due.max(now + SOON).to_zoned(TimeZone::UTC);
                (due > now - SignedDuration::from_secs(i64::from(MOST_SECONDS))).then(|| Self {
                    expression: format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
                    time_zone: "UTC".to_owned(),
                    start: None,
                    end: None,
                    scheduled_time: due.to_string(),
                })
            }
            rule => {
                let start = match rule {
                    // A rate counts from the start, which must be in the future.
                    Rule::Rate(_) => next,
                    _ => timing.from.and_then(bound).filter(|from| *from > now),
                };
                let seconds = |at: Timestamp| DateTime::from_secs(at.as_second());
                next.and(Some(Self {
                    expression: rule.expression()?,
                    time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
                    start: start.map(seconds),
                    // A run due exactly at the end belongs to the schedule, but Scheduler stops before the end.
                    end: end.map(|end| seconds(end + SignedDuration::from_secs(1))),
                    scheduled_time: SCHEDULED_TIME.to_owned(),
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use portal_domain::input::Fields;
    use serde_json::{Value, json};

    use super::*;

    fn call(timing: Value, now: &str) -> Option<Call> {
        let zone = TimeZone::get("America/New_York").expect("known");
        let mut fields = Fields::of(&timing, "").expect("an object");
        let timing = Timing::read(&mut fields).expect("nothing is wrong");
        let anchor = "2026-11-23T12:00:00Z".parse().expect("a time");
        Call::of(&timing, anchor, now.parse().expect("a time"), &zone)
    }

    fn seconds(text: &str) -> Option<DateTime> {
        Some(DateTime::from_secs(text.parse::<Timestamp>().expect("a time").as_second()))
    }

    #[test]
    fn one_that_is_due_once_is_told_in_utc_with_its_time() {
        let once = json!({"rule": {"at": "2026-12-01T09:00:00"}});
        let told = call(once.clone(), "2026-11-23T12:00:00Z").expect("is due");
        assert_eq!((told.expression.as_str(), told.time_zone.as_str()), ("at(2026-12-01T14:00:00)", "UTC"));
        assert_eq!(told.scheduled_time, "2026-12-01T14:00:00Z");
        let late = call(once.clone(), "2026-12-01T14:10:00Z").expect("may still start");
        assert_eq!(
            (late.expression.as_str(), late.scheduled_time.as_str()),
            ("at(2026-12-01T14:11:00)", "2026-12-01T14:00:00Z")
        );
        assert_eq!(call(once, "2026-12-01T15:00:00Z"), None, "too late");
    }

    #[test]
    fn one_that_is_due_again_and_again_is_told_in_its_time_zone_with_its_bounds() {
        let weekly = json!({"rule": {"cron": "0 9 ? * MON *"}, "from": "2026-12-01", "until": "2026-12-31"});
        let told = call(weekly.clone(), "2026-11-23T12:00:00Z").expect("is due");
        assert_eq!((told.expression.as_str(), told.time_zone.as_str()), ("cron(0 9 ? * MON *)", "America/New_York"));
        assert_eq!((told.start, told.end), (seconds("2026-12-01T05:00:00Z"), seconds("2027-01-01T05:00:00Z")));
        assert_eq!(told.scheduled_time, SCHEDULED_TIME);
        assert_eq!(call(weekly.clone(), "2026-12-08T12:00:00Z").expect("is due").start, None, "a start in the past");
        assert_eq!(call(weekly, "2026-12-30T12:00:00Z"), None, "no Monday is left");
    }

    #[test]
    fn a_rate_starts_with_its_next_time() {
        let told = call(json!({"rule": {"rate": "7 days"}}), "2026-12-08T12:00:00Z").expect("is due");
        assert_eq!((told.expression.as_str(), told.start), ("rate(7 days)", seconds("2026-12-14T12:00:00Z")));
    }
}
