//! The event that EventBridge Scheduler sends when a schedule is due.

use jiff::Timestamp;
use portal_domain::ScheduleId;
use portal_domain::input::{FieldError, Fields};
use portal_domain::schedule::{Owner, Plan};
use serde_json::Value;

/// A schedule is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub schedule_id: ScheduleId,
    pub scheduled_at: Timestamp,
    /// The schedule's revision with this timing; `None` for a schedule in the template.
    pub rule: Option<u32>,
    /// The schedule itself, if it is written in the template.
    pub written: Option<Written>,
}

/// A schedule as the stack's template has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub plan: Plan,
    pub owner: Owner,
    /// The time zone that Scheduler runs it in, if the event says so.
    pub time_zone: Option<String>,
}

impl Event {
    /// Reads an event; all faults are returned at once.
    pub(crate) fn parse(event: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(event, "").map_err(|fault| vec![fault])?;
        let schedule_id = ScheduleId::parse(&fields.required_text("scheduleId", 64));
        if schedule_id.is_none() {
            fields.fault("scheduleId", "is not the id of a schedule");
        }
        let scheduled_at = fields.required_text("scheduledTime", 64).parse::<Timestamp>().ok();
        if scheduled_at.is_none() {
            fields.fault("scheduledTime", "must be a time as RFC 3339 has it");
        }
        let written = fields.optional_parsed("schedule", Written::parse);
        let rule = fields.optional_number("rule", 1..=u64::from(u32::MAX)).and_then(|rule| u32::try_from(rule).ok());
        if written.is_none() && rule.is_none() {
            fields.fault("rule", "is required");
        }
        let faults = fields.finish();
        match (schedule_id, scheduled_at) {
            (Some(schedule_id), Some(scheduled_at)) if faults.is_empty() => {
                Ok(Self { schedule_id, scheduled_at, rule, written })
            }
            _ => Err(faults),
        }
    }
}

impl Event {
    /// Whether Scheduler runs the schedule in the division's time zone. Always true where this system stored the
    /// schedule.
    pub(crate) fn is_on_clock(&self, time_zone: &str) -> bool {
        let told = self.written.as_ref().and_then(|written| written.time_zone.as_deref());
        told.is_none_or(|told| told == time_zone)
    }
}

impl Written {
    fn parse(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(value, path).map_err(|fault| vec![fault])?;
        let user = fields.required_text("owner", 128);
        let time_zone = fields.optional_text("timeZone", 100);
        let plan = Plan::read_written(&mut fields);
        let faults = fields.finish();
        let owner = Owner { name: user.clone(), user, sub: None };
        plan.filter(|_| faults.is_empty()).map(|plan| Self { plan, owner, time_zone }).ok_or(faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_a_schedule_or_brings_one() {
        let stored = json!({"scheduleId": "01J", "rule": 3, "scheduledTime": "2026-11-30T14:00:00Z"});
        let event = Event::parse(&stored).expect("nothing is wrong");
        assert_eq!((event.schedule_id.as_str(), event.rule, event.written), ("01J", Some(3), None));
        let brought = json!({"scheduleId": "weekly", "scheduledTime": "2026-11-30T14:00:00Z", "schedule": {
            "name": "Weekly", "owner": "ann", "filter": {"division": "NORTH"}, "templateId": "portal-invitation",
            "emailFrom": "a@example.com", "audience": {"status": "notSent"}, "maxRecipients": 10,
            "rule": {"cron": "0 9 ? * MON *"}}});
        let written = Event::parse(&brought).expect("nothing is wrong").written.expect("a schedule");
        assert_eq!((written.owner.user.as_str(), written.plan.max_recipients), ("ann", 10));
    }

    #[test]
    fn what_is_not_from_scheduler_is_told_whole() {
        let faults = |event: Value| {
            let faults = Event::parse(&event).expect_err("wrong");
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let unsubstituted = json!({"scheduleId": "a/b", "rule": 1, "scheduledTime": "<aws.scheduler.scheduled-time>"});
        assert_eq!(faults(unsubstituted), ["scheduleId", "scheduledTime"]);
        assert_eq!(faults(json!({"scheduleId": "a", "scheduledTime": "2026-11-30T14:00:00Z"})), ["rule"]);
        assert!(faults(json!({"schedule": {}})).contains(&"schedule.filter".to_owned()));
    }
}
