use jiff::SignedDuration;

use super::*;
use crate::cloud::Service;

/// A Monday, at seven in New York.
const NOW: &str = "2026-11-23T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn with(expression: &str, more: Value) -> Value {
    let target = json!({"Arn": "arn:f", "RoleArn": "arn:r", "Input": "{\"at\":\"<aws.scheduler.scheduled-time>\"}",
        "DeadLetterConfig": {"Arn": "arn:q"}});
    let mut body = json!({"GroupName": "g", "ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpressionTimezone": "America/New_York", "ActionAfterCompletion": "DELETE", "Target": target});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn scheduler() -> Scheduler {
    let mut scheduler = Scheduler::new();
    scheduler.create_group("g");
    scheduler
}

/// The status, and what an error says.
fn call(scheduler: &mut Scheduler, operation: &str, body: &Value, now: &str) -> (u16, String) {
    let (operation, path) = (operation.to_owned(), "/schedules/s?groupName=g".to_owned());
    let call =
        Call { function: None, service: Service::Scheduler, operation, path, body: body.to_string().into_bytes() };
    let reply = scheduler.answer(&call, time(now));
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    (reply.status, body["__type"].as_str().unwrap_or_default().to_owned())
}

fn create(expression: &str, more: Value) -> Scheduler {
    let mut scheduler = scheduler();
    assert_eq!(call(&mut scheduler, "CreateSchedule", &with(expression, more), NOW).0, 200);
    scheduler
}

fn due(scheduler: &mut Scheduler, now: &str) -> Vec<String> {
    scheduler.due(time(now)).into_iter().map(|firing| firing.scheduled_at.to_string()).collect()
}

fn seconds(text: &str) -> i64 {
    time(text).as_second()
}

#[test]
fn what_is_due_once_fires_once_with_its_time_and_is_forgotten() {
    let mut scheduler = create("at(2026-12-01T09:00:00)", json!({}));
    assert_eq!(scheduler.next_due(), Some(time("2026-12-01T14:00:00Z")));
    assert!(due(&mut scheduler, "2026-12-01T13:59:59Z").is_empty());
    let fired = scheduler.due(time("2026-12-01T14:00:00Z"));
    let expected = Firing {
        group: "g".to_owned(),
        name: "s".to_owned(),
        scheduled_at: time("2026-12-01T14:00:00Z"),
        input: r#"{"at":"2026-12-01T14:00:00Z"}"#.to_owned(),
        target: "arn:f".to_owned(),
        dead_letter_queue_arn: Some("arn:q".to_owned()),
    };
    assert_eq!(fired, [expected]);
    assert!(scheduler.names().next().is_none() && due(&mut scheduler, "2027-12-01T14:00:00Z").is_empty());
}

#[test]
fn what_is_due_again_and_again_fires_in_its_zone_within_its_bounds() {
    let bounds = json!({"StartDate": seconds("2026-12-07T14:00:00Z"), "EndDate": seconds("2026-12-21T14:00:00Z")});
    let mut scheduler = create("cron(0 9 ? * MON *)", bounds);
    let expected = ["2026-12-07T14:00:00Z", "2026-12-14T14:00:00Z"];
    assert_eq!(due(&mut scheduler, "2027-01-01T00:00:00Z"), expected, "the start is within, the end is not");
    assert_eq!(scheduler.schedule("g", "s"), None);
}

#[test]
fn a_rate_counts_from_its_start_or_from_now() {
    let mut scheduler = create("rate(7 days)", json!({"StartDate": seconds("2027-03-10T14:00:00Z")}));
    let expected = ["2027-03-10T14:00:00Z", "2027-03-17T14:00:00Z"];
    assert_eq!(due(&mut scheduler, "2027-03-18T00:00:00Z"), expected, "24 hours a day");
    let mut scheduler = create("rate(5 minutes)", json!({}));
    assert_eq!(due(&mut scheduler, "2026-11-23T12:05:00Z"), [NOW, "2026-11-23T12:05:00Z"]);
    let mut scheduler = create("rate(1 hour)", json!({"StartDate": seconds("2026-11-23T11:56:00Z")}));
    assert_eq!(scheduler.next_due(), Some(time("2026-11-23T12:56:00Z")), "a start within the last five minutes");
    assert_eq!(due(&mut scheduler, "2026-11-23T12:56:00Z").len(), 1);
}

#[test]
fn a_change_holds_from_then_on_and_a_disabled_schedule_rests() {
    let mut scheduler = create("rate(1 hour)", json!({}));
    let disabled = with("rate(1 hour)", json!({"State": "DISABLED"}));
    assert_eq!(call(&mut scheduler, "UpdateSchedule", &disabled, "2026-11-23T13:00:00Z").0, 200);
    assert_eq!(scheduler.next_due(), Some(time(NOW)));
    let expected = [NOW, "2026-11-23T13:00:00Z"];
    assert_eq!(due(&mut scheduler, "2026-11-23T20:00:00Z"), expected, "what was due before the change");
    let daily = with("cron(0 9 * * ? *)", json!({}));
    assert_eq!(call(&mut scheduler, "UpdateSchedule", &daily, "2026-11-24T14:00:00Z").0, 200);
    assert_eq!(due(&mut scheduler, "2026-11-25T14:00:00Z"), ["2026-11-25T14:00:00Z"]);
    assert_eq!(call(&mut scheduler, "DeleteSchedule", &Value::Null, "2026-11-26T15:00:00Z").0, 200);
    assert_eq!(due(&mut scheduler, "2026-11-30T00:00:00Z"), ["2026-11-26T14:00:00Z"]);
}

#[test]
fn what_is_past_never_fires() {
    let mut scheduler = create("at(2026-11-23T06:59:00)", json!({}));
    assert_eq!(scheduler.next_due(), None);
    assert!(due(&mut scheduler, "2027-11-23T12:00:00Z").is_empty() && scheduler.schedule("g", "s").is_some());
}

#[test]
fn the_same_call_may_come_twice_but_not_another_one() {
    let mut scheduler = scheduler();
    let body = |token: &str| with("rate(1 hour)", json!({"ClientToken": token}));
    for (token, status) in [("a", 200), ("a", 200), ("b", 409)] {
        assert_eq!(call(&mut scheduler, "CreateSchedule", &body(token), NOW).0, status, "{token}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let start = |before: i64| json!({"StartDate": (time(NOW) - SignedDuration::from_secs(before)).as_second()});
    let ends_first = json!({"StartDate": seconds("2027-01-02T00:00:00Z"), "EndDate": seconds("2027-01-01T00:00:00Z")});
    for (body, status) in [
        (with("rate(1 hour)", start(300)), 200),
        (with("rate(1 hour)", start(301)), 400),
        (with("rate(1 hour)", ends_first), 400),
        (with("rate(0 hours)", json!({})), 400),
        (with("rate(1 week)", json!({})), 400),
        (with("at(2026-12-01)", json!({})), 400),
        (with("at(2026-12-01T09:00:00Z)", json!({})), 400),
        (with("cron(0 9 * * MON *)", json!({})), 400),
        (with("every monday", json!({})), 400),
        (with("rate(1 hour)", json!({"ScheduleExpressionTimezone": "Mars/Olympus"})), 400),
        (with("rate(1 hour)", json!({"Target": {"Arn": "arn:f"}})), 400),
        (with("rate(1 hour)", json!({"GroupName": "other"})), 404),
    ] {
        let answer = call(&mut scheduler(), "CreateSchedule", &body, NOW);
        assert_eq!(answer.0, status, "{body}");
        assert_eq!(answer.1 == "ValidationException", status == 400);
    }
    assert_eq!(call(&mut scheduler(), "UpdateSchedule", &with("rate(1 hour)", json!({})), NOW).0, 404);
    assert_eq!(call(&mut scheduler(), "DeleteSchedule", &Value::Null, NOW).0, 404);
}
