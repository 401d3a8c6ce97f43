//! Schedules: edited by people, run once for each due time, and the results of their runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::start::{Once, Started};
use portal_aws::clock;
use portal_aws::schedules::scheduler::Scheduler;
use portal_aws::schedules::{ScheduleStore, Written};
use portal_domain::schedule::{Failure, Occurrence, Skip, Verdict};
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, CampaignId, InSeconds, Schedule, ScheduleId};
use scheduled_send::ScheduledSend;
use serde_json::{Value, json};
use sweep::{Sweep, SweepError};
use tests::clock::with_clock;
use tests::cloud::{GROUP, settings};
use tests::http::Call;
use tests::line::{Fate, line};
use tests::scheduling::{Scheduling, due, id, path, weekly};
use tests::world::SENDER;
use tests::{Account, Contact};

/// After this time the sweep handles a schedule that a person changed.
const STALE: Duration = Duration::from_secs(61);

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn campaign_of(verdict: &Verdict) -> CampaignId {
    match verdict {
        Verdict::Started { campaign_id, .. } => *campaign_id,
        other => panic!("{other:?}"),
    }
}

fn failed(reason: Failure) -> Verdict {
    Verdict::failed(reason)
}

async fn put(scheduling: &Scheduling, schedule: &Value, fields: Value) -> tests::http::Answer {
    let body = weekly(fields);
    scheduling.world.call(Call::new("PUT", &path(schedule)).json(&body)).await
}

#[tokio::test]
async fn a_schedule_is_made_listed_changed_and_deleted() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let made = scheduling.schedule(json!({"audience": "notSent", "quietHours": {"weekdays": ["monday"]}})).await;
    assert_eq!((&made["state"], &made["owner"]), (&json!("active"), &json!("operator@example.com")));
    assert_eq!((&made["timeZone"], &made["audience"]), (&json!("America/New_York"), &json!({"status": "notSent"})));
    let runs = made["nextRuns"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    // Nine o'clock in New York, in winter or summer.
    let at_nine = |run: &str| run.ends_with("T14:00:00Z") || run.ends_with("T13:00:00Z");
    assert!(runs.iter().all(|run| at_nine(run.as_str().unwrap())), "{runs:?}");
    for internal in ["armed", "version", "timingRevision", "anchor"] {
        assert!(made.get(internal).is_none(), "{internal}");
    }
    scheduling.schedule(json!({"name": "another"})).await;
    let page = |query: &str| world.call(Call::new("GET", &format!("/v1/schedules?division=NORTH&limit=1{query}")));
    let first = page("").await.json();
    assert_eq!(first["items"][0]["name"], "another");
    let second = page(&format!("&cursor={}", first["nextCursor"].as_str().unwrap())).await.json();
    let mut shown = scheduling.shown(&made).await;
    assert_eq!(shown.as_object_mut().unwrap().remove("audit"), made.get("audit").cloned(), "lists do without");
    assert_eq!((&second["items"][0], &second["nextCursor"]), (&shown, &Value::Null));
    world.put_division("SOUTH").await;
    let elsewhere = world.call(Call::new("GET", "/v1/schedules?division=SOUTH")).await.json();
    assert_eq!(elsewhere["items"], json!([]));

    let saved = put(&scheduling, &made, json!({"name": "Renamed", "revision": 1})).await;
    assert_eq!(
        (saved.status.as_u16(), &saved.json()["name"], &saved.json()["revision"]),
        (200, &json!("Renamed"), &json!(2))
    );
    let lost = put(&scheduling, &made, json!({"name": "Late", "revision": 1})).await;
    assert_eq!((lost.status.as_u16(), &lost.json()["type"]), (409, &json!("/problems/schedule-changed")));
    assert_eq!((&lost.json()["revision"], &lost.json()["updatedBy"]), (&json!(2), &json!("operator@example.com")));

    let mut shown = scheduling.shown(&made).await;
    shown["maxRecipients"] = json!(7);
    let back = world.call(Call::new("PUT", &path(&made)).json(&shown)).await;
    assert_eq!(
        (back.status.as_u16(), &back.json()["maxRecipients"]),
        (200, &json!(7)),
        "what was shown can be sent back: {}",
        back.text
    );
    let of = |schedule: &Value| -> Vec<_> {
        let entries = schedule["audit"].as_array().unwrap().iter();
        entries.map(|entry| (entry["action"].as_str().unwrap().to_owned(), entry["by"].clone())).collect()
    };
    let by = |action: &str| (action.to_owned(), json!("operator@example.com"));
    assert_eq!(of(&back.json()), [by("changed"), by("changed"), by("created")]);
    for command in ["pause", "resume"] {
        let obeyed = scheduling.command(&made, command).await;
        assert_eq!(of(&obeyed)[0], by(&format!("{command}d")));
        assert_eq!(obeyed["audit"], scheduling.shown(&made).await["audit"]);
    }

    let deleted = world.call(Call::new("DELETE", &path(&made))).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for call in [
        Call::new("GET", &path(&made)),
        Call::new("DELETE", &path(&made)),
        Call::new("POST", &format!("{}/resume", path(&made))),
    ] {
        assert_eq!(world.call(call).await.status, 404);
    }
    assert!(scheduling.known_to_scheduler(&made).await.is_none());
}

#[tokio::test]
async fn a_request_that_comes_again_makes_no_second_schedule() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let post = |body: &Value| Call::new("POST", "/v1/schedules").header("Idempotency-Key", "k").json(body);
    let body = weekly(json!({}));
    let twice = futures::future::join(world.call(post(&body)), world.call(post(&body))).await;
    let again = world.call(post(&body)).await;
    for answer in [&twice.0, &twice.1, &again] {
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["scheduleId"], again.json()["scheduleId"]);
    }
    let other = world.call(post(&weekly(json!({"name": "another"})))).await;
    assert_eq!((other.status.as_u16(), &other.json()["type"]), (422, &json!("/problems/idempotency-key-reused")));
    let somebody_else = world.call(post(&body).claim("sub", "bob")).await;
    assert_eq!(somebody_else.status, 201, "{}", somebody_else.text);
    assert_ne!(somebody_else.json()["scheduleId"], again.json()["scheduleId"]);
    let listed = world.call(Call::new("GET", "/v1/schedules?division=NORTH")).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.call(Call::new("DELETE", &path(&again.json()))).await.status, 204);
    assert_eq!(world.call(post(&body)).await.status, 404, "what it made is gone, and is not made again");
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_by_field_and_nothing_is_kept() {
    let scheduling = Scheduling::with_people(0).await;
    let world = &scheduling.world;
    let table = [
        (json!({"filter": {"division": "NOWHERE"}, "templateId": "none"}), vec!["filter.division", "templateId"]),
        (json!({"rule": {"at": "2020-01-01T09:00:00"}}), vec!["rule.at"]),
        (json!({"rule": {"at": "2027-03-14T02:30:00"}}), vec!["rule.at"]),
        (json!({"until": "2020-01-01"}), vec!["rule"]),
        (
            json!({"name": "", "maxRecipients": 0, "rule": {"cron": "daily"}}),
            vec!["maxRecipients", "name", "rule.cron"],
        ),
        (
            json!({"maxRecipients": 0, "audience": "pending"}),
            vec!["audience.maxReminders", "audience.pendingDays", "maxRecipients"],
        ),
        (json!({"audience": {"pendingDays": 7}}), vec!["audience.maxReminders"]),
        (
            json!({"surprise": 1, "audience": {"status": "notSent", "maxReminders": 2}}),
            vec!["audience.maxReminders", "surprise"],
        ),
    ];
    for (fields, faulty) in table {
        let answer = world.call(Call::new("POST", "/v1/schedules").json(&weekly(fields.clone()))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.faulty_fields()),
            (400, faulty.iter().map(ToString::to_string).collect()),
            "{fields}"
        );
    }
    let sender = world
        .call(Call::new("POST", "/v1/schedules").json(&weekly(json!({"emailFrom": "a@unverified.example"}))))
        .await;
    assert_eq!((sender.status.as_u16(), &sender.json()["type"]), (422, &json!("/problems/sender-refused")));
    let without = world.call(Call::new("GET", "/v1/schedules").claim("cognito:groups", "directory")).await;
    assert_eq!(without.status, 403);
    assert_eq!(world.call(Call::new("GET", "/v1/schedules")).await.json()["items"], json!([]));
    for id in ["nothing", "a%20b", &"x".repeat(65)] {
        assert_eq!(world.call(Call::new("GET", &format!("/v1/schedules/{id}"))).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn an_occurrence_starts_one_campaign_however_often_and_at_once_it_comes() {
    let scheduling = Scheduling::with_people(3).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({"maxPerMinute": 600})).await;
    let at = clock::now();
    let fired = futures::future::join_all((0..5).map(|_| scheduling.fire(&schedule, at, at))).await;
    let campaigns: Vec<_> = fired.into_iter().map(|fired| campaign_of(&fired.unwrap().unwrap().verdict)).collect();
    assert!(campaigns.iter().all(|campaign| *campaign == campaigns[0]), "{campaigns:?}");
    world.pump().await;
    assert_eq!(campaign_of(&scheduling.verdict(&schedule, at).await), campaigns[0], "after its end too");
    world.pump().await;
    assert_eq!(world.mails().len(), 3);

    let campaign = world.campaign(campaigns[0]).await;
    assert_eq!((&campaign["state"], &campaign["createdBy"]), (&json!("completed"), &json!("operator@example.com")));
    let carried = json!({"scheduleId": id(&schedule), "name": "Mondays", "scheduledAt": at.in_seconds().to_string()});
    assert_eq!((&campaign["schedule"], &campaign["maxPerMinute"]), (&carried, &json!(600)));
    let listed = world.call(Call::new("GET", "/v1/campaigns")).await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["schedule"]), (1, &carried));
    let occurrences = scheduling.occurrences(&schedule).await;
    assert_eq!(occurrences.len(), 1);
    assert_eq!((&occurrences[0]["result"], &occurrences[0]["willEmail"]), (&json!("started"), &json!(3)));
    assert_eq!(occurrences[0]["campaignId"], campaigns[0].to_string());
    assert_eq!(scheduling.shown(&schedule).await["lastOccurrence"], occurrences[0]);

    let next = scheduling.verdict(&schedule, at + minutes(1)).await;
    assert_ne!(campaign_of(&next), campaigns[0], "another occurrence is another campaign");
    assert!(matches!(next, Verdict::Started { will_email: 0, .. }), "with nobody, who were all mailed today");
}

#[tokio::test]
async fn an_occurrence_that_must_not_start_says_why() {
    let scheduling = Scheduling::with_people(3).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({"maxRecipients": 2})).await;
    let now = clock::now();
    let late = scheduling.fire(&schedule, now - minutes(61), now).await.unwrap().unwrap();
    assert_eq!(late.verdict, Verdict::late());
    let many = scheduling.verdict(&schedule, now - minutes(59)).await;
    assert_eq!(
        many,
        Verdict::Skipped { reason: Skip::TooManyRecipients.into(), campaign_id: None, will_email: Some(3) }
    );
    let active = world.send("NORTH").await;
    let busy = scheduling.verdict(&schedule, now - minutes(58)).await;
    assert_eq!(
        busy,
        Verdict::Skipped { reason: Skip::DivisionBusy.into(), campaign_id: Some(active), will_email: None }
    );
    scheduling.command(&schedule, "pause").await;
    let paused = scheduling.verdict(&schedule, now - minutes(57)).await;
    assert_eq!(paused, Verdict::skipped(Skip::NotActive));
    let told: Vec<_> = scheduling
        .occurrences(&schedule)
        .await
        .iter()
        .map(|told| told["detail"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "The schedule was paused or turned off when the time came.".to_owned(),
            format!("Campaign {active} was active in the division."),
            "3 people would have been e-mailed, more than the schedule allows.".to_owned(),
            "It came more than an hour late.".to_owned(),
        ]
    );
    let campaigns = world.call(Call::new("GET", "/v1/campaigns")).await.json();
    assert_eq!(campaigns["items"].as_array().unwrap().len(), 1, "the one that a person started");
    let page = world.call(Call::new("GET", &format!("{}/occurrences?limit=3", path(&schedule)))).await.json();
    let next = format!("{}/occurrences?limit=3&cursor={}", path(&schedule), page["nextCursor"].as_str().unwrap());
    let rest = world.call(Call::new("GET", &next)).await.json();
    assert_eq!((&rest["items"][0]["result"], &rest["nextCursor"]), (&json!("missed"), &Value::Null));
}

#[tokio::test]
async fn an_occurrence_of_an_earlier_rule_or_of_no_schedule_is_nothing() {
    let scheduling = Scheduling::with_people(1).await;
    let schedule = scheduling.schedule(json!({})).await;
    let now = clock::now();
    let renamed = put(&scheduling, &schedule, json!({"name": "Renamed", "revision": 1})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    let moved = put(&scheduling, &schedule, json!({"revision": 2, "rule": {"cron": "0 10 ? * MON *"}})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(scheduling.fire(&schedule, now, now).await.unwrap(), None, "the first rule's");
    let newest = json!({"scheduleId": id(&schedule), "rule": 3, "scheduledTime": now.to_string()});
    let fired = scheduling.scheduled_send.run(&newest, now).await.unwrap().unwrap();
    assert!(matches!(fired.verdict, Verdict::Started { will_email: 1, .. }));
    scheduling.world.call(Call::new("DELETE", &path(&schedule))).await;
    let later = json!({"scheduleId": id(&schedule), "rule": 3, "scheduledTime": (now + minutes(5)).to_string()});
    assert_eq!(scheduling.scheduled_send.run(&later, now).await.unwrap(), None, "a deleted one's");
    assert!(scheduling.scheduled_send.run(&json!({"scheduleId": "x"}), now).await.is_err(), "nobody's");
}

#[tokio::test]
async fn what_was_decided_from_a_schedule_as_it_was_is_not_written() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let store = world.store(ScheduleStore::new);
    let stale = store.schedule(&ScheduleId::new(id(&schedule))).await.unwrap().unwrap();
    scheduling.command(&schedule, "pause").await;
    let now = clock::now();
    let occurrence = |verdict| Occurrence { scheduled_at: now, at: now, verdict };
    let recorded = store.record(&stale, &occurrence(Verdict::late())).await.unwrap();
    assert_eq!(recorded, Written::Changed);
    let campaign_id = Occurrence::campaign_id(&stale.schedule_id, now);
    let started = occurrence(Verdict::Started { campaign_id, will_email: 1 });
    let any = world.send("NORTH").await;
    let campaign = world.campaigns.campaign(any).await.unwrap().unwrap();
    world.pump().await;
    let campaign = Campaign { campaign_id, created_at: now, ..campaign };
    let once = Once::Occurrence(&stale, &started);
    assert_eq!(world.campaigns.start(&campaign, Excluded::default(), once).await.unwrap(), Started::Changed);
    assert_eq!(scheduling.shown(&schedule).await["state"], "paused");
    assert!(scheduling.occurrences(&schedule).await.is_empty());
}

#[tokio::test]
async fn an_owner_who_may_not_send_any_more_turns_it_off_and_operators_are_told() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    world.cloud().users.put("operator", true, &["directory"]);
    let now = clock::now();
    let refused = failed(Failure::OwnerWithoutPermission);
    assert_eq!(scheduling.verdict(&schedule, now).await, refused);
    let off = scheduling.shown(&schedule).await;
    assert_eq!((&off["state"], &off["stateReason"]), (&json!("off"), &json!("ownerWithoutPermission")));
    let entry = &off["audit"][0];
    assert_eq!(
        (&entry["action"], &entry["by"], &entry["note"]),
        (&json!("turnedOff"), &json!("system"), &json!(refused.detail()))
    );
    assert_eq!(off["nextRuns"], json!([]));
    world.sweep_after(STALE).await;
    let notices = world.notices();
    assert!(notices.len() == 1 && notices[0].contains("\"Mondays\" was turned off"), "{notices:?}");
    let known = scheduling.known_to_scheduler(&schedule).await.unwrap();
    assert_eq!(known.state.unwrap().as_str(), "DISABLED");
    assert_eq!(scheduling.verdict(&schedule, now + minutes(1)).await, Verdict::skipped(Skip::NotActive));

    world.cloud().users.put("operator", true, &["390"]);
    let resumed = scheduling.command(&schedule, "resume").await;
    assert_eq!((&resumed["state"], &resumed["stateReason"]), (&json!("active"), &Value::Null));
    world.cloud().users.put("operator", false, &["390"]);
    assert_eq!(scheduling.verdict(&schedule, now + minutes(2)).await, refused, "somebody who is switched off");
    scheduling.command(&schedule, "resume").await;
    world.cloud().users.remove("operator");
    assert_eq!(scheduling.verdict(&schedule, now + minutes(3)).await, refused, "somebody who is gone");
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn three_failures_in_a_row_turn_it_off() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let source = json!({"name": "Ours", "subject": "Hello", "html": "<p>{{temporaryPassword}} <a href=\"{{activationLink}}\">Open</a></p>",
        "text": "{{temporaryPassword}} {{activationLink}}"});
    let template = world.call(Call::new("POST", "/v1/templates").json(&source)).await;
    assert_eq!(template.status, 201, "{}", template.text);
    let template = template.json()["templateId"].as_str().unwrap().to_owned();
    let schedule = scheduling.schedule(json!({"templateId": template})).await;
    world.call(Call::new("POST", &format!("/v1/templates/{template}/deactivate"))).await;
    let now = clock::now();
    for (minute, failures) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(scheduling.shown(&schedule).await["state"], "active", "before failure {failures}");
        let verdict = scheduling.verdict(&schedule, now + minutes(minute)).await;
        assert_eq!(verdict, failed(Failure::TemplateUnusable));
        assert_eq!(scheduling.shown(&schedule).await["failures"], failures);
    }
    let off = scheduling.shown(&schedule).await;
    assert_eq!((&off["state"], &off["stateReason"]), (&json!("off"), &json!("failures")));
    world.sweep_after(Duration::ZERO).await;
    assert_eq!(world.notices().len(), 1);
    world.call(Call::new("POST", &format!("/v1/templates/{template}/activate"))).await;
    let resumed = scheduling.command(&schedule, "resume").await;
    assert_eq!((&resumed["state"], &resumed["failures"]), (&json!("active"), &json!(0)));
    assert!(matches!(scheduling.verdict(&schedule, now + minutes(4)).await, Verdict::Started { .. }));
}

#[tokio::test]
async fn who_is_new_is_invited_and_who_waited_is_reminded_so_often_and_no_more() {
    let scheduling = Scheduling::with_people(2).await;
    let world = &scheduling.world;
    let invite = scheduling.schedule(json!({"audience": "notSent"})).await;
    let remind = json!({"status": "pending", "pendingDays": 14, "maxReminders": 2});
    let remind = scheduling.schedule(json!({"name": "Reminders", "audience": remind})).await;
    let mut at = clock::now();
    scheduling.verdict(&invite, at).await;
    world.pump().await;
    assert_eq!(world.mails().len(), 2);
    let invited = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((invited.pending_since, invited.reminders), (invited.last_invited_at, 0));

    let waited = |days: i64| clock::now() - SignedDuration::from_hours(24 * days);
    let make_wait = async |person: &str, days: i64| {
        let since = waited(days).to_string();
        for attribute in ["pendingSince", "lastInvitedAt"] {
            world.set(&world.email(person), attribute, &since).await;
        }
    };
    // Days are the division's, so that one is enough of a difference at any time of the day.
    make_wait("p0", 15).await;
    make_wait("p1", 12).await;
    for (round, mailed) in [(1, 1), (2, 2), (3, 2)] {
        at += minutes(1);
        let verdict = scheduling.verdict(&remind, at).await;
        let expected = u64::from(round < 3);
        assert!(
            matches!(verdict, Verdict::Started { will_email, .. } if will_email == expected),
            "{round}: {verdict:?}"
        );
        world.pump().await;
        assert_eq!(world.mails().len(), 2 + mailed);
        world.set(&world.email("p0"), "lastInvitedAt", &waited(2).to_string()).await;
    }
    let reminded = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!(reminded.reminders, 2);
    assert!(reminded.pending_since.unwrap() < waited(14), "since the first e-mail");
    at += minutes(1);
    let nobody_new = scheduling.verdict(&invite, at).await;
    assert!(matches!(nobody_new, Verdict::Started { will_email: 0, .. }), "{nobody_new:?}");
}

#[tokio::test(start_paused = true)]
async fn a_campaign_waits_for_its_hours_keeps_its_division_and_a_send_is_told() {
    with_clock(async |_| {
        let scheduling = Scheduling::with_people(3).await;
        let world = &scheduling.world;
        let now = clock::now();
        let schedule = scheduling.schedule(json!({"quietHours": only_today(now)})).await;
        let tomorrow = now + SignedDuration::from_hours(24);
        let id = campaign_of(&scheduling.verdict(&schedule, tomorrow).await);
        let waiting = world.campaign(id).await;
        assert_eq!((&waiting["state"], &waiting["stateReason"]), (&json!("paused"), &json!("quietHours")));
        world.pump().await;
        assert!(world.mails().is_empty());
        // The limit was checked for those it was started for; people imported meanwhile belong to the next run.
        let late = Contact::new("1", &world.email("late"));
        world.import([Account::new("NORTH", "LATE").contact(late)]).await;
        assert_eq!(world.campaign(id).await["audience"], 3);
        let stays = world.sweep.run(tomorrow).await.unwrap();
        assert_eq!(stays.resumed, 0, "it is still quiet then");
        let goes_on = world.sweep.run(now).await.unwrap();
        assert_eq!(goes_on.resumed, 1);
        world.pump().await;
        assert_eq!((world.mails().len(), &world.campaign(id).await["state"]), (3, &json!("completed")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_its_hours_a_campaign_pauses_and_what_people_do_then_holds() {
    with_clock(async |_| {
        let scheduling = Scheduling::with_people(60).await;
        let world = &scheduling.world;
        let now = clock::now();
        let tomorrow = now + SignedDuration::from_hours(24);
        // On the clock of the function that starts it, its hours are now; on the senders' clock they are over.
        let schedule = scheduling.schedule(json!({"quietHours": only_today(tomorrow)})).await;
        let id = campaign_of(&scheduling.verdict(&schedule, tomorrow).await);
        world.pump().await;
        let paused = world.campaign(id).await;
        assert_eq!((&paused["state"], &paused["stateReason"]), (&json!("paused"), &json!("quietHours")), "{paused}");
        assert!(world.mails().is_empty());
        let goes_on: Timestamp = paused["goesOnAt"].as_str().unwrap().parse().unwrap();
        assert!(goes_on > now && goes_on < now + SignedDuration::from_hours(48), "{goes_on}");
        assert_eq!(paused["actions"], json!(["pause", "cancel"]));

        let send = world.post_campaign("k", &world.send_request("NORTH").await).await.json();
        assert_eq!((&send["type"], &send["campaignId"]), (&json!("/problems/division-busy"), &json!(id)));
        assert_eq!((&send["stateReason"], &send["goesOnAt"]), (&json!("quietHours"), &paused["goesOnAt"]));
        assert!(send["detail"].as_str().unwrap().contains("quiet hours"), "{send}");
        let again = scheduling.verdict(&schedule, tomorrow + minutes(1)).await;
        assert_eq!(
            again,
            Verdict::Skipped { reason: Skip::DivisionBusy.into(), campaign_id: Some(id), will_email: None }
        );

        let command = async |name: &str| {
            let answer = world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{name}"))).await.json();
            (answer["state"].clone(), answer["stateReason"].clone())
        };
        assert_eq!(
            command("resume").await,
            (json!("paused"), json!("quietHours")),
            "a person does not end quiet hours"
        );
        assert_eq!(command("pause").await, (json!("paused"), json!("operator")));
        assert_eq!(world.sweep.run(tomorrow).await.unwrap().resumed, 0, "who paused it meant it");
        assert_eq!(command("resume").await, (json!("paused"), json!("quietHours")));
        assert_eq!(world.sweep.run(tomorrow).await.unwrap().resumed, 1);
        assert!(world.notices().is_empty(), "quiet hours are no news");
        assert_eq!(command("cancel").await.0, "cancelled");
        world.pump().await;
        world.sweep_after(Duration::from_secs(600)).await;
        assert_eq!(world.campaign(id).await["outcomes"]["skipped"], 60);
    })
    .await;
}

/// Hours that hold the whole local day of `now` but its last minute, and no other day.
fn only_today(now: Timestamp) -> Value {
    let local = now.to_zoned(jiff::tz::TimeZone::get("America/New_York").unwrap());
    json!({"sendFrom": "00:00", "sendUntil": "23:59", "weekdays": [local.strftime("%A").to_string().to_lowercase()]})
}

#[tokio::test]
async fn the_sweep_tells_scheduler_what_it_does_not_know() {
    let scheduling = Scheduling::with_people(0).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let known = async || scheduling.known_to_scheduler(&schedule).await.unwrap();
    let first = known().await;
    assert_eq!(first.schedule_expression.as_deref(), Some("cron(0 9 ? * MON *)"));
    assert_eq!(first.schedule_expression_timezone.as_deref(), Some("America/New_York"));
    let target = first.target.unwrap();
    let retries = target.retry_policy().unwrap();
    assert_eq!((retries.maximum_event_age_in_seconds, retries.maximum_retry_attempts), (Some(3_600), Some(10)));
    assert_eq!(target.dead_letter_config().unwrap().arn(), Some(settings()["SCHEDULE_FAILURES_QUEUE_ARN"].as_str()));
    assert_eq!(target.role_arn(), settings()["SCHEDULER_ROLE_ARN"]);
    let input: Value = serde_json::from_str(target.input().unwrap()).unwrap();
    assert_eq!(
        input,
        json!({"scheduleId": id(&schedule), "rule": 1, "scheduledTime": "<aws.scheduler.scheduled-time>"})
    );

    assert_eq!(world.sweep_after(STALE).await.schedules_armed, 0, "it knows");
    let moved =
        json!({"name": "North", "email": SENDER, "timeZone": "Europe/Berlin", "portalUrl": "https://p.example.com"});
    world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&moved)).await;
    assert_eq!(world.sweep_after(Duration::ZERO).await.schedules_armed, 0, "what a person just made is theirs to tell");
    assert_eq!(world.sweep_after(STALE).await.schedules_armed, 1);
    assert_eq!(known().await.schedule_expression_timezone.as_deref(), Some("Europe/Berlin"));
    scheduling.command(&schedule, "pause").await;
    assert_eq!(known().await.state.unwrap().as_str(), "DISABLED");
    // The schedule was deleted in Scheduler from outside: the next change creates it again.
    let client = aws_sdk_scheduler::Client::new(&world.config);
    let request = client.delete_schedule().group_name(GROUP).name(id(&schedule));
    request.clone().send().await.unwrap();
    scheduling.command(&schedule, "resume").await;
    assert_eq!(known().await.state.unwrap().as_str(), "ENABLED");
    request.send().await.unwrap();
    let moved =
        json!({"name": "North", "email": SENDER, "timeZone": "Asia/Seoul", "portalUrl": "https://p.example.com"});
    world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&moved)).await;
    assert_eq!(world.sweep_after(STALE).await.schedules_armed, 1);
    assert_eq!(known().await.schedule_expression_timezone.as_deref(), Some("Asia/Seoul"));
}

#[tokio::test]
async fn what_is_due_once_was_due_also_where_the_division_moves_to_a_later_clock() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let due = (clock::now() + minutes(10)).round(jiff::Unit::Second).unwrap();
    let local = due.to_zoned(jiff::tz::TimeZone::get("America/New_York").unwrap()).datetime();
    let schedule = scheduling.schedule(json!({"rule": {"at": local.to_string()}})).await;
    assert!(matches!(scheduling.verdict(&schedule, due).await, Verdict::Started { .. }));
    let moved =
        json!({"name": "North", "email": SENDER, "timeZone": "America/Chicago", "portalUrl": "https://p.example.com"});
    world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&moved)).await;
    assert_eq!(world.sweep_after(STALE).await.schedules_armed, 1);
    assert!(scheduling.known_to_scheduler(&schedule).await.is_none());
    let shown = scheduling.shown(&schedule).await;
    assert_eq!((&shown["state"], &shown["nextRuns"]), (&json!("ended"), &json!([])));
}

#[tokio::test]
async fn the_sweep_fails_when_scheduler_cannot_be_told_for_minutes() {
    let scheduling = Scheduling::with_people(0).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let context = world.context_with(&[("SCHEDULE_GROUP", "none")]);
    let lost = Sweep::new(&context).unwrap();
    let after = async |minutes: i64| lost.run(clock::now() + self::minutes(minutes)).await;
    assert!(after(6).await.is_ok(), "it knows");
    // The division changes its time zone, and Scheduler refuses the update.
    let moved =
        json!({"name": "North", "email": SENDER, "timeZone": "Europe/Berlin", "portalUrl": "https://p.example.com"});
    world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&moved)).await;
    let swept = after(4).await.unwrap();
    assert_eq!((swept.schedules_armed, swept.errors), (0, 1), "it may pass");
    assert!(matches!(after(6).await, Err(SweepError::SchedulesLate)));
    assert!(world.sweep.run(clock::now() + minutes(6)).await.is_ok());
    assert_eq!(scheduling.shown(&schedule).await["timeZone"], "Europe/Berlin");
}

#[tokio::test]
async fn what_scheduler_is_told_too_late_does_not_stand() {
    let scheduling = Scheduling::with_people(0).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let scheduler = Scheduler::new(&world.context(&world.config)).unwrap();
    let told = world.store(ScheduleStore::new).schedule(&ScheduleId::new(id(&schedule))).await.unwrap().unwrap();
    let untold = Schedule { armed: None, version: told.version - 1, ..told };
    let tell_late = || scheduler.arm(&untold, "America/New_York", clock::now());

    let later = json!({"rule": {"cron": "0 10 ? * MON *"}, "revision": 1});
    assert_eq!(put(&scheduling, &schedule, later).await.status, 200);
    assert!(tell_late().await.unwrap());
    let known = scheduling.known_to_scheduler(&schedule).await.unwrap();
    assert_eq!(known.schedule_expression.as_deref(), Some("cron(0 10 ? * MON *)"));
    let input: Value = serde_json::from_str(known.target.unwrap().input().unwrap()).unwrap();
    assert_eq!(input["rule"], 2, "whatever is called is told of the rule that holds");

    world.call(Call::new("DELETE", &path(&schedule))).await;
    assert!(tell_late().await.unwrap());
    assert!(scheduling.known_to_scheduler(&schedule).await.is_none(), "nothing is left of what is deleted");
}

#[tokio::test]
async fn what_nobody_could_deal_with_is_recorded_as_failed() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let now = clock::now();
    scheduling.verdict(&schedule, now).await;
    let events = [due(&schedule, now), due(&schedule, now + minutes(1)), due(&schedule, now + minutes(2))];
    let failed =
        json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": events[1]});
    for body in [events[0].to_string(), failed.to_string(), events[2].to_string(), "nonsense".to_owned()] {
        world.enqueue("SCHEDULE_FAILURES_QUEUE_URL", &body).await;
    }
    let swept = world.sweep_after(Duration::ZERO).await;
    assert_eq!((swept.dead_letters, swept.parked, swept.errors), (3, 1, 0));
    assert_eq!(world.cloud().sqs.len("ScheduleFailuresQueue"), 0);
    assert_eq!(world.cloud().sqs.len("ParkingQueue"), 1);
    let told: Vec<_> = scheduling
        .occurrences(&schedule)
        .await
        .iter()
        .map(|told| (told["result"].clone(), told["reason"].clone()))
        .collect();
    assert_eq!(
        told,
        [(json!("failed"), json!("notDelivered")), (json!("failed"), json!("error")), (json!("started"), Value::Null)]
    );
    assert_eq!(scheduling.shown(&schedule).await["failures"], 2);
}

#[tokio::test]
async fn a_schedule_in_the_template_is_kept_as_it_comes_and_can_be_paused_here() {
    let scheduling = Scheduling::with_people(2).await;
    let world = &scheduling.world;
    let now = clock::now();
    let event = |name: &str, at: Timestamp| {
        let written = weekly(json!({"name": name, "owner": "operator", "audience": {"status": "notSent"}}));
        json!({"scheduleId": "weekly-invitations", "scheduledTime": at.to_string(), "schedule": written})
    };
    let run = async |event: Value| scheduling.scheduled_send.run(&event, now).await.unwrap().unwrap().verdict;
    assert!(matches!(run(event("Weekly", now)).await, Verdict::Started { will_email: 2, .. }));
    world.pump().await;
    let schedule = json!({"scheduleId": "weekly-invitations"});
    let shown = scheduling.shown(&schedule).await;
    assert_eq!(
        (&shown["name"], &shown["inTemplate"], &shown["owner"]),
        (&json!("Weekly"), &json!(true), &json!("operator"))
    );
    let refused = put(&scheduling, &schedule, json!({"revision": 1})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (409, &json!("/problems/schedule-in-template")));
    assert!(scheduling.known_to_scheduler(&schedule).await.is_none(), "CloudFormation keeps it");
    scheduling.command(&schedule, "pause").await;
    assert_eq!(run(event("Weekly", now + minutes(1))).await, Verdict::skipped(Skip::NotActive));
    let resumed = scheduling.command(&schedule, "resume").await;
    assert_eq!(resumed["owner"], "operator", "as the template has it");
    assert!(matches!(run(event("Renamed", now + minutes(2))).await, Verdict::Started { will_email: 0, .. }));
    assert_eq!(scheduling.shown(&schedule).await["name"], "Renamed");

    let mut elsewhere = event("Renamed", now + minutes(3));
    elsewhere["schedule"]["timeZone"] = json!("UTC");
    assert_eq!(run(elsewhere.clone()).await, Verdict::failed(Failure::OtherTimeZone));
    elsewhere["schedule"]["timeZone"] = json!("America/New_York");
    elsewhere["scheduledTime"] = json!((now + minutes(4)).to_string());
    assert!(matches!(run(elsewhere).await, Verdict::Started { .. }));

    // It may have been taken out of the template. If it was not, it is back with its next run.
    assert_eq!(world.call(Call::new("DELETE", &path(&schedule))).await.status, 204);
    assert_eq!(world.call(Call::new("GET", &path(&schedule))).await.status, 404);
    assert!(matches!(run(event("Weekly", now + minutes(5))).await, Verdict::Started { .. }));
    assert_eq!(scheduling.shown(&schedule).await["state"], "active");
}

/// Scheduler may drop a call when the schedule is updated. A run lost that way is recorded.
#[tokio::test(start_paused = true)]
async fn a_save_between_the_due_time_and_the_call_loses_no_run_silently() {
    with_clock(async |watch| {
        let scheduling = Scheduling::with_people(1).await;
        for (rule, changed) in [
            (json!({"rate": "1 day"}), json!({"rate": "1 day"})),
            (json!({"rate": "2 hours"}), json!({"rate": "3 hours"})),
            (json!({"cron": "0 9 * * ? *"}), json!({"cron": "0 9 * * ? *"})),
        ] {
            let made = scheduling.schedule(json!({"rule": rule})).await;
            let due: Timestamp = made["nextRuns"][0].as_str().unwrap().parse().unwrap();
            watch.put_ahead(due.duration_since(clock::now()) + SignedDuration::from_secs(20));
            let saved = put(&scheduling, &made, json!({"name": "Saved", "rule": changed, "revision": 1})).await;
            assert_eq!(saved.status, 200, "{}", saved.text);
            assert_eq!(saved.json()["lastOccurrence"]["reason"], "saved", "{}", saved.text);
            let told = scheduling.occurrences(&made).await;
            assert_eq!((told.len(), &told[0]["result"], &told[0]["reason"]), (1, &json!("missed"), &json!("saved")));
            // If Scheduler calls nevertheless, nothing starts.
            let came = scheduling.fire(&made, due, clock::now()).await.unwrap();
            assert_eq!(came.map(|occurrence| occurrence.verdict), Some(Verdict::saved()));
            assert_eq!(scheduling.occurrences(&made).await.len(), 1);
        }
        assert!(scheduling.world.mails().is_empty());
        // A run that came before the save is not recorded again, nor is one that is not due.
        let rule = json!({"rate": "1 day"});
        let made = scheduling.schedule(json!({"rule": rule})).await;
        let due: Timestamp = made["nextRuns"][0].as_str().unwrap().parse().unwrap();
        put(&scheduling, &made, json!({"name": "Early", "rule": rule, "revision": 1})).await;
        assert!(scheduling.occurrences(&made).await.is_empty());
        watch.put_ahead(due.duration_since(clock::now()) + SignedDuration::from_secs(20));
        scheduling.fire(&made, due, clock::now()).await.unwrap();
        put(&scheduling, &made, json!({"name": "Late", "rule": rule, "revision": 2})).await;
        let told = scheduling.occurrences(&made).await;
        assert_eq!((told.len(), &told[0]["result"]), (1, &json!("started")));
    })
    .await;
}

#[tokio::test]
async fn fifty_schedules_due_in_one_minute_start_though_ses_throttles() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let mut made = Vec::new();
    for number in 0..50 {
        let division = format!("D{number}");
        world.put_division(&division).await;
        made.push(scheduling.schedule(json!({"filter": {"division": division}})).await);
    }
    let config = line(&world.config, |operation, _| match operation {
        "GetAccount" | "GetEmailIdentity" => Fate::Answered(429, r#"{"__type":"TooManyRequestsException"}"#),
        _ => Fate::Made,
    });
    let asked_too_often = ScheduledSend::new(&world.context(&config)).unwrap();
    let at: Timestamp = "2026-11-30T14:00:00Z".parse().unwrap();
    let events: Vec<_> = made.iter().map(|schedule| due(schedule, at)).collect();
    let runs = futures::future::join_all(events.iter().map(|event| asked_too_often.run(event, at))).await;
    for run in runs {
        let verdict = run.unwrap().unwrap().verdict;
        assert!(matches!(verdict, Verdict::Started { .. }), "{verdict:?}");
    }
}
