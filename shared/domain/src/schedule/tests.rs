use serde_json::{Value, json};

use super::*;
use crate::CampaignId;
use crate::audience::AudienceRule;
use crate::input::Fields;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn input() -> Value {
    json!({
        "name": " Mondays ", "filter": {"division": "DAYTON"}, "templateId": "portal-invitation",
        "emailFrom": "A@Example.com", "maxRecipients": 500, "rule": {"cron": "0 9 ? * MON *"},
    })
}

fn plan(value: &Value) -> Result<Plan, Vec<String>> {
    let mut fields = Fields::of(value, "").expect("an object");
    let plan = Plan::read(&mut fields);
    let faults: Vec<_> = fields.finish().into_iter().map(|fault| fault.field).collect();
    plan.filter(|_| faults.is_empty()).ok_or(faults)
}

fn schedule() -> Schedule {
    let owner = Owner { user: "u-1".to_owned(), name: "ann@example.com".to_owned(), sub: None };
    let plan = plan(&input()).expect("nothing is wrong");
    Schedule::new(ScheduleId::from_parts(1, 1), plan, owner, at("2026-11-23T12:00:00Z"))
}

fn occurrence(scheduled_at: &str, verdict: Verdict) -> Occurrence {
    Occurrence { scheduled_at: at(scheduled_at), at: at(scheduled_at), verdict }
}

fn started() -> Verdict {
    Verdict::Started { campaign_id: CampaignId::from_parts(1, 1), will_email: 7 }
}

fn failed(reason: Failure) -> Verdict {
    Verdict::failed(reason)
}

#[test]
fn all_faults_of_a_plan_are_named_at_once() {
    let body = json!({
        "name": "", "filter": {"colour": "red"}, "templateId": 7, "emailFrom": "nobody", "audience": {"status": "all"},
        "maxRecipients": 0, "maxPerMinute": 0, "rule": {"cron": "daily"}, "from": "soon", "until": 7,
        "quietHours": {"sendFrom": "20:00", "sendUntil": "08:00", "weekdays": []}, "surprise": true,
    });
    let mut faults = plan(&body).expect_err("much is wrong");
    faults.sort_unstable();
    let expected = [
        "audience.status",
        "emailFrom",
        "filter.colour",
        "filter.division",
        "from",
        "maxPerMinute",
        "maxRecipients",
        "name",
        "quietHours.sendUntil",
        "quietHours.weekdays",
        "rule.cron",
        "surprise",
        "templateId",
        "until",
    ];
    assert_eq!(faults, expected);
    let faults = plan(&json!({"quietHours": "night", "audience": 7})).expect_err("much is missing");
    for field in ["name", "filter", "templateId", "emailFrom", "maxRecipients", "rule", "quietHours", "audience"] {
        assert!(faults.contains(&field.to_owned()), "{field}: {faults:?}");
    }
}

#[test]
fn a_plan_is_told_as_it_was_understood_and_read_as_it_was_written() {
    let plan = plan(&input()).expect("nothing is wrong");
    assert_eq!((plan.name.as_str(), plan.email_from.as_str()), ("Mondays", "a@example.com"));
    let json = json!(plan);
    assert_eq!(json["audience"], json!({"status": "notSent"}));
    assert_eq!(json["rule"], json!({"cron": "0 9 ? * MON *"}));
    assert_eq!(serde_json::from_value::<Plan>(json).expect("reads"), plan);
}

#[test]
fn a_plan_from_before_audiences_had_limits_is_read_as_it_was_meant() {
    let mut stored = json!(plan(&input()).expect("nothing is wrong"));
    stored.as_object_mut().expect("an object").remove("audience");
    let read: Plan = serde_json::from_value(stored.clone()).expect("reads");
    assert_eq!(read.audience, AudienceRule::default());
    stored["audience"] = json!({"status": "pending"});
    let read: Plan = serde_json::from_value(stored.clone()).expect("reads");
    assert_eq!(read.audience, AudienceRule::PENDING);
    let mut written = Fields::of(&stored, "").expect("an object");
    assert_eq!(Plan::read_written(&mut written).expect("a plan").audience, AudienceRule::PENDING);
    assert!(written.finish().is_empty());
}

#[test]
fn a_sketch_needs_a_filter_and_a_rule_only() {
    let sketch = Sketch::from_json(&json!({"filter": {"division": "D"}, "rule": {"rate": "1 day"}, "name": ""}));
    assert_eq!(sketch.map(|sketch| sketch.filter.division.to_string()), Ok("D".to_owned()));
    let faults = Sketch::from_json(&json!({"audience": {"pendingDays": -1}, "surprise": 1})).expect_err("faults");
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["filter", "audience.pendingDays", "rule", "surprise"]);
}

#[test]
fn three_failures_in_a_row_turn_it_off_and_only_a_campaign_ends_the_row() {
    let error = || failed(Failure::Error);
    let row = [
        (error(), 1),
        (error(), 2),
        (started(), 0),
        (error(), 1),
        (Verdict::late(), 1),
        (error(), 2),
        (Verdict::skipped(Skip::DivisionBusy), 2),
        (failed(Failure::SenderRefused), 3),
    ];
    let mut schedule = schedule();
    for (verdict, failures) in row {
        assert_eq!(schedule.state, ScheduleState::Active, "before {verdict:?}");
        schedule = schedule.after(occurrence("2026-11-30T14:00:00Z", verdict));
        assert_eq!(schedule.failures, failures);
    }
    assert_eq!(
        (&schedule.state, &schedule.off_reason),
        (&ScheduleState::Off.into(), &Some(OffReason::Failures.into()))
    );
    let bob = Owner { user: "u-2".to_owned(), name: "bob".to_owned(), sub: None };
    let resumed = schedule.resumed(bob, at("2026-12-01T12:00:00Z"));
    assert_eq!((resumed.state, resumed.off_reason, resumed.failures), (ScheduleState::Active.into(), None, 0));
    assert_eq!((resumed.owner.name.as_str(), resumed.revision), ("bob", schedule.revision + 1));
}

#[test]
fn an_owner_without_permission_turns_it_off_at_once() {
    let off = schedule().after(occurrence("2026-11-30T14:00:00Z", failed(Failure::OwnerWithoutPermission)));
    assert_eq!(
        (off.state, off.off_reason),
        (ScheduleState::Off.into(), Some(OffReason::OwnerWithoutPermission.into()))
    );
    let paused = schedule().paused(&"bob".into(), at("2026-11-29T12:00:00Z"));
    let still = paused.after(occurrence("2026-11-30T14:00:00Z", failed(Failure::OwnerWithoutPermission)));
    assert_eq!((still.state, still.off_reason), (ScheduleState::Paused.into(), None), "a person paused it");
}

#[test]
fn the_last_occurrence_is_the_newest_whatever_comes_late() {
    let newer = schedule().after(occurrence("2026-12-07T14:00:00Z", started()));
    let older = newer.after(occurrence("2026-11-30T14:00:00Z", Verdict::late()));
    assert_eq!(older.last_occurrence, newer.last_occurrence);
}

#[test]
fn only_another_timing_begins_anew() {
    let schedule = schedule();
    let later = at("2026-11-24T12:00:00Z");
    let renamed = Plan { name: "Tuesdays".to_owned(), ..schedule.plan.clone() };
    let renamed = schedule.replanned(renamed, schedule.owner.clone(), later);
    assert_eq!((renamed.revision, renamed.timing_revision, renamed.anchor), (2, 1, schedule.anchor));
    let mut moved = input();
    moved["rule"] = json!({"cron": "0 9 ? * TUE *"});
    let moved = renamed.replanned(plan(&moved).expect("nothing is wrong"), schedule.owner.clone(), later);
    assert_eq!((moved.revision, moved.timing_revision, moved.anchor), (3, 3, later));
}

#[test]
fn scheduler_is_told_whatever_it_does_not_know() {
    let schedule = schedule();
    let first = schedule.to_arm("UTC").expect("it knows nothing");
    assert_eq!(first, Armed { revision: 1, enabled: true, time_zone: "UTC".to_owned() });
    let armed = Schedule { armed: Some(first), ..schedule };
    assert_eq!(armed.to_arm("UTC"), None);
    assert!(armed.to_arm("Europe/Berlin").is_some(), "the division moved");
    let off = armed.after(occurrence("2026-11-30T14:00:00Z", failed(Failure::OwnerWithoutPermission)));
    assert_eq!(off.to_arm("UTC").map(|armed| armed.enabled), Some(false));
    assert!(armed.paused(&"bob".into(), at("2026-11-24T12:00:00Z")).to_arm("UTC").is_some_and(|armed| !armed.enabled));
    let in_template = Schedule { in_template: true, armed: None, ..armed };
    assert_eq!(in_template.to_arm("UTC"), None, "CloudFormation told it");
}

#[test]
fn five_runs_are_shown_at_their_local_time() {
    let zone = TimeZone::get("America/New_York").expect("known");
    let runs = schedule().next_runs(at("2027-03-01T15:00:00Z"), &zone);
    assert_eq!(
        runs,
        [
            "2027-03-08T09:00:00-05:00",
            "2027-03-15T09:00:00-04:00",
            "2027-03-22T09:00:00-04:00",
            "2027-03-29T09:00:00-04:00",
            "2027-04-05T09:00:00-04:00",
        ]
        .map(at)
    );
}

#[test]
fn an_occurrence_has_one_campaign_id_and_shares_it_with_no_other() {
    let (a, b) = (ScheduleId::from_parts(1, 1), ScheduleId::from_parts(1, 2));
    let (early, late) = (at("2026-11-30T14:00:00Z"), at("2026-12-07T14:00:00Z"));
    let id = Occurrence::campaign_id(&a, early);
    assert_eq!(id, Occurrence::campaign_id(&a, early));
    assert_ne!(id, Occurrence::campaign_id(&b, early));
    assert_ne!(id, Occurrence::campaign_id(&a, late));
    assert!(id < Occurrence::campaign_id(&b, late), "campaigns sort by time");
}

#[test]
fn an_hour_is_not_late_and_a_second_more_is() {
    let due = at("2026-11-30T14:00:00Z");
    assert!(!Occurrence::is_late(due, at("2026-11-30T15:00:00Z")));
    assert!(Occurrence::is_late(due, at("2026-11-30T15:00:01Z")));
}

#[test]
fn what_came_of_an_occurrence_is_told_in_the_words_of_the_api() {
    let campaign_id = CampaignId::from_parts(1, 1);
    let table = [
        (started(), json!({"result": "started", "campaignId": campaign_id, "willEmail": 7})),
        (Verdict::late(), json!({"result": "missed", "reason": "late"})),
        (Verdict::saved(), json!({"result": "missed", "reason": "saved"})),
        (Verdict::skipped(Skip::NotActive), json!({"result": "skipped", "reason": "notActive"})),
        (
            Verdict::Skipped { reason: Skip::TooManyRecipients.into(), campaign_id: None, will_email: Some(812) },
            json!({"result": "skipped", "reason": "tooManyRecipients", "willEmail": 812}),
        ),
        (failed(Failure::TemplateUnusable), json!({"result": "failed", "reason": "templateUnusable"})),
        (failed(Failure::TemplateRefused), json!({"result": "failed", "reason": "templateRefused"})),
    ];
    for (verdict, told) in table {
        assert_eq!(json!(verdict), told);
        assert_eq!(serde_json::from_value::<Verdict>(told).expect("reads"), verdict);
        assert!(verdict.detail().ends_with('.'), "a sentence");
    }
}
