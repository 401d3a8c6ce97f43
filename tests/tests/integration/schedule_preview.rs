//! A schedule's audience: the preview before it runs, and that a run agrees with it.

use jiff::SignedDuration;
use portal_aws::clock;
use portal_aws::schedules::{ScheduleStore, Written};
use portal_domain::campaign::audit::Action;
use portal_domain::schedule::Verdict;
use portal_domain::{Schedule, ScheduleId};
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::http::Call;
use tests::scheduling::{Scheduling, id, path};
use tests::{Account, Contact};

#[tokio::test(start_paused = true)]
async fn a_preview_says_when_and_whom_today() {
    with_clock(async |watch| {
        let scheduling = Scheduling::with_people(3).await;
        let world = &scheduling.world;
        let pending = Contact::new("1", &world.email("old")).with("portal", "pending");
        world.import([Account::new("NORTH", "OLD").contact(pending)]).await;
        let limits = |status: &str| json!({"status": status, "pendingDays": 0, "maxReminders": 1});
        for (audience, will_email) in
            [(limits("both"), 4), (json!("notSent"), 3), (Value::Null, 3), (limits("pending"), 1)]
        {
            let sketch =
                json!({"filter": {"division": "NORTH"}, "rule": {"cron": "0 9 L * ? *"}, "audience": audience});
            let preview = world.call(Call::new("POST", "/v1/schedules/preview").json(&sketch)).await;
            assert_eq!(preview.status, 200, "{}", preview.text);
            assert_eq!(preview.json()["counts"]["willEmail"], will_email, "{audience}");
            assert_eq!(preview.json()["nextRuns"].as_array().unwrap().len(), 5);
        }
        // The rate of a schedule that is there goes on as it began, unless its timing changes.
        let stored = scheduling.schedule(json!({"rule": {"rate": "7 days"}})).await;
        watch.put_ahead(SignedDuration::from_secs(1));
        let runs_of = async |sketch: Value| {
            let preview = world.call(Call::new("POST", "/v1/schedules/preview").json(&sketch)).await;
            assert_eq!(preview.status, 200, "{}", preview.text);
            preview.json()["nextRuns"].clone()
        };
        let (filter, week, soon) = (json!({"division": "NORTH"}), json!({"rate": "7 days"}), json!({"rate": "6 days"}));
        let of_it = |rule: &Value| json!({"scheduleId": id(&stored), "filter": filter, "rule": rule});
        assert_eq!(runs_of(of_it(&week)).await, stored["nextRuns"]);
        assert_ne!(runs_of(json!({"filter": filter, "rule": week})).await, stored["nextRuns"], "it begins now");
        assert_eq!(runs_of(of_it(&soon)).await, runs_of(json!({"filter": filter, "rule": soon})).await);

        let nowhere = json!({"filter": {"division": "NOWHERE"}, "rule": {"rate": "1 day"}});
        let answer = world.call(Call::new("POST", "/v1/schedules/preview").json(&nowhere)).await;
        assert_eq!(answer.faulty_fields(), ["filter.division"]);
        let endless = json!({"filter": filter, "rule": week, "audience": "both"});
        let answer = world.call(Call::new("POST", "/v1/schedules/preview").json(&endless)).await;
        assert_eq!(answer.faulty_fields(), ["audience.maxReminders", "audience.pendingDays"]);
    })
    .await;
}

#[tokio::test]
async fn a_preview_has_a_reason_for_everybody_and_counts_as_a_run_does() {
    let scheduling = Scheduling::with_people(7).await;
    let world = &scheduling.world;
    let email = |person: &str| world.email(person);
    for (name, portal) in [("accepted", "accepted"), ("imported", "pending")] {
        let contact = Contact::new("1", &email(name)).with("portal", portal);
        world.import([Account::new("NORTH", name).contact(contact)]).await;
    }
    world.bounce(&email("p0")).await;
    world.set(&email("p1"), "lastInvitedAt", &clock::now().to_string()).await;
    let invite = scheduling.schedule(json!({"audience": "notSent"})).await;
    let preview = async |audience: &Value| {
        let sketch = json!({"filter": {"division": "NORTH"}, "rule": {"rate": "1 day"}, "audience": audience});
        let preview = world.call(Call::new("POST", "/v1/schedules/preview").json(&sketch)).await;
        assert_eq!(preview.status, 200, "{}", preview.text);
        preview.json()["counts"].clone()
    };

    let counts = preview(&json!("notSent")).await;
    assert_eq!((&counts["total"], &counts["willEmail"]), (&json!(9), &json!(5)));
    let expected = json!({"neverInvited": 0, "invitedBefore": 1, "pendingTooShort": 0, "remindedEnough": 0});
    assert_eq!(counts["notAddressed"], expected);
    let verdict = scheduling.verdict(&invite, clock::now()).await;
    assert!(matches!(verdict, Verdict::Started { will_email: 5, .. }), "{verdict:?}");
    world.pump().await;
    assert_eq!(world.mails().len(), 5);

    let counts = preview(&json!("notSent")).await;
    assert_eq!((&counts["total"], &counts["willEmail"]), (&json!(9), &json!(0)));
    assert_eq!((&counts["accepted"], &counts["notAddressed"]["invitedBefore"]), (&json!(1), &json!(6)));
    assert_eq!(counts["excluded"], json!({"recentlyInvited": 1, "undeliverable": 1}));
    let remind = json!({"status": "pending", "pendingDays": 3, "maxReminders": 1});
    let counts = preview(&remind).await;
    assert_eq!((&counts["total"], &counts["willEmail"]), (&json!(9), &json!(1)));
    let expected = json!({"neverInvited": 2, "invitedBefore": 0, "pendingTooShort": 5, "remindedEnough": 0});
    assert_eq!(counts["notAddressed"], expected);
}

#[tokio::test]
async fn a_schedule_stored_without_limits_warns_and_runs_and_its_next_save_needs_them() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let pending = Contact::new("1", &world.email("old")).with("portal", "pending");
    world.import([Account::new("NORTH", "OLD").contact(pending)]).await;
    let made = scheduling.schedule(json!({})).await;
    assert_eq!((&made["audience"], made.get("warnings")), (&json!({"status": "notSent"}), None));
    let store = world.store(ScheduleStore::new);
    let before = store.schedule(&ScheduleId::new(id(&made))).await.unwrap().unwrap();
    let mut stored = serde_json::to_value(&before).unwrap();
    stored.as_object_mut().unwrap().remove("audience");
    let after: Schedule = serde_json::from_value(stored).unwrap();
    assert_eq!(store.change(&before, &after, Action::Changed).await.unwrap(), Written::Done);

    let shown = scheduling.shown(&made).await;
    assert_eq!(shown["audience"], json!({"status": "both"}), "as it was meant");
    assert!(shown["warnings"][0].as_str().unwrap().contains("maxReminders"), "{shown}");
    let sketch =
        json!({"scheduleId": id(&made), "filter": {"division": "NORTH"}, "rule": shown["rule"], "audience": "both"});
    let preview = world.call(Call::new("POST", "/v1/schedules/preview").json(&sketch)).await;
    assert_eq!((preview.status.as_u16(), &preview.json()["counts"]["willEmail"]), (200, &json!(2)), "{}", preview.text);
    let verdict = scheduling.verdict(&made, clock::now()).await;
    assert!(matches!(verdict, Verdict::Started { will_email: 2, .. }), "{verdict:?}");

    let back = world.call(Call::new("PUT", &path(&made)).json(&scheduling.shown(&made).await)).await;
    assert_eq!(
        (back.status.as_u16(), back.faulty_fields()),
        (400, vec!["audience.maxReminders".to_owned(), "audience.pendingDays".to_owned()])
    );
    let mut mended = scheduling.shown(&made).await;
    mended["audience"] = json!({"status": "both", "pendingDays": 7, "maxReminders": 3});
    let saved = world.call(Call::new("PUT", &path(&made)).json(&mended)).await;
    assert_eq!((saved.status.as_u16(), saved.json().get("warnings")), (200, None), "{}", saved.text);
}
