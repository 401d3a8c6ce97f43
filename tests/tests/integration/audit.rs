//! `GET /v1/audit`: who exported, imported, deleted or changed what.

use jiff::{SignedDuration, Timestamp};
use portal_aws::audit::Audit;
use portal_aws::clock;
use portal_domain::audit::Deed;
use portal_domain::campaign::audit::{Actor, Person};
use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::line::{Fate, line};
use tests::scheduling::weekly;
use tests::world::SENDER;
use tests::{Account, Contact, World};

/// The audit as seen with permission in every division, newest first.
async fn audit(world: &World, query: &str) -> Vec<Value> {
    let answer = world.call(Call::new("GET", &format!("/v1/audit?{query}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().clone()
}

/// What was done, the oldest first.
async fn deeds(world: &World, query: &str) -> Vec<String> {
    let entries = audit(world, query).await;
    entries.iter().rev().map(|entry| entry["deed"].as_str().unwrap().to_owned()).collect()
}

/// Does something in a millisecond of its own, because entries of the same millisecond have no order.
async fn call(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let before = clock::now();
    while clock::now() == before {
        tokio::task::yield_now().await;
    }
    let answer = world.call(Call::new(method, path).json(body)).await;
    assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
    answer
}

fn template(word: &str) -> Value {
    json!({
        "name": word, "subject": word, "html": "<p>{{temporaryPassword}}</p><a href=\"{{activationLink}}\">Activate</a>",
        "text": "{{temporaryPassword}}\n{{activationLink}}\n",
    })
}

#[tokio::test]
async fn who_did_what_to_what_stands_in_it_with_before_and_after() {
    let world = World::empty();
    let mut division = json!({"name": "North", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com/"});
    call(&world, "PUT", "/v1/divisions/NORTH", &division).await;
    division["portalUrl"] = json!("https://elsewhere.example.com/");
    call(&world, "PUT", "/v1/divisions/NORTH", &division).await;
    let contact = Contact::new("1", &world.email("ann"));
    let accounts = json!([Account::new("NORTH", "A1").contact(contact).0, Account::new("EAST", "A2").0]);
    assert_eq!(call(&world, "POST", "/v1/accounts", &accounts).await.json()["stored"], 1);
    for path in ["/v1/recipients?division=NORTH&search=ann@&billGroup=MONTHLY", "/v1/unreachable?division=NORTH"] {
        assert_eq!(world.call(Call::new("GET", path).header("Accept", "text/csv")).await.status, 200);
        assert_eq!(world.call(Call::new("GET", path)).await.status, 200, "what is shown is no export");
    }
    let id = call(&world, "POST", "/v1/templates", &template("One")).await.json()["templateId"].clone();
    let path = format!("/v1/templates/{}", id.as_str().unwrap());
    let mut second = template("Two");
    second["version"] = json!(1);
    call(&world, "PUT", &path, &second).await;
    assert_eq!(world.call(Call::new("PUT", &path).json(&second)).await.status, 409);
    call(&world, "POST", &format!("{path}/deactivate"), &json!({})).await;
    call(&world, "POST", &format!("{path}/activate"), &json!({})).await;
    let schedule = call(&world, "POST", "/v1/schedules", &weekly(json!({}))).await.json();
    let path = format!("/v1/schedules/{}", schedule["scheduleId"].as_str().unwrap());
    call(&world, "PUT", &path, &weekly(json!({"name": "Changed", "revision": 1}))).await;
    call(&world, "POST", &format!("{path}/pause"), &json!({})).await;
    call(&world, "POST", &format!("{path}/resume"), &json!({})).await;
    call(&world, "DELETE", &path, &json!({})).await;
    let campaign = world.send("NORTH").await;
    let ledger = format!("/v1/campaigns/{campaign}/recipients");
    assert_eq!(world.call(Call::new("GET", &ledger).header("Accept", "text/csv")).await.status, 200);
    call(&world, "DELETE", "/v1/accounts/A1", &json!({})).await;
    call(&world, "DELETE", "/v1/accounts/A1", &json!({})).await;

    let entries = audit(&world, "").await;
    let mut entries: Vec<&Value> = entries.iter().rev().collect();
    let person = json!({"sub": "5468b4e8-7021-70a5-9d5c-3f1d2a5b6c7d", "user": "operator"});
    for entry in &entries {
        assert_eq!((&entry["by"], &entry["person"]), (&json!("operator@example.com"), &person), "{entry}");
        assert!(entry["at"].as_str().unwrap().parse::<Timestamp>().is_ok() && entry["entryId"].is_string());
    }
    let mut next = |deed: &str, division: &Value, subject: &Value| {
        let entry = entries.remove(0).clone();
        assert_eq!(
            (&entry["deed"], &entry["division"], &entry["subject"]),
            (&json!(deed), division, subject),
            "{entry}"
        );
        let ending = entry["ending"].as_str().unwrap().to_owned();
        (ending, entry["rows"].clone(), entry["before"].clone(), entry["after"].clone())
    };
    let (none, north) = (Value::Null, json!("NORTH"));
    let done = || "done".to_owned();
    let (_, _, before, after) = next("divisionStored", &north, &none);
    assert_eq!((&before, &after["portalUrl"]), (&none, &json!("https://portal.example.com/")));
    let (_, _, before, after) = next("divisionStored", &north, &none);
    assert_eq!(before["portalUrl"], "https://portal.example.com/");
    assert_eq!(after["portalUrl"], "https://elsewhere.example.com/");
    let imported = next("accountsImported", &north, &none);
    assert_eq!(imported, (done(), json!(1), none.clone(), json!({"stored": ["A1"], "failed": []})));
    let (_, rows, _, after) = next("recipientsExported", &north, &none);
    assert_eq!((rows, &after["filter"]["billGroup"], &after["search"]), (json!(1), &json!("MONTHLY"), &json!(true)));
    assert_eq!(next("unreachableExported", &north, &none).1, json!(0));
    assert_eq!(next("templateCreated", &none, &id).3, json!({"name": "One", "version": 1, "active": true}));
    let (ending, _, before, after) = next("templateSaved", &none, &id);
    assert_eq!((ending, &before["version"], &after["name"]), (done(), &json!(1), &json!("Two")));
    assert_eq!(next("templateSaved", &none, &id).0, "refused");
    assert_eq!(next("templateDeactivated", &none, &id).3["active"], false);
    assert_eq!(next("templateActivated", &none, &id).3["active"], true);
    let id = &schedule["scheduleId"];
    assert_eq!(next("scheduleCreated", &north, id).3["plan"]["name"], "Mondays");
    let (_, _, before, after) = next("scheduleChanged", &north, id);
    assert_eq!((&before["plan"]["name"], &after["plan"]["name"]), (&json!("Mondays"), &json!("Changed")));
    assert_eq!(next("schedulePaused", &north, id).3["state"], "paused");
    assert_eq!(next("scheduleResumed", &north, id).3["state"], "active");
    assert_eq!(next("scheduleDeleted", &north, id).0, "done");
    assert_eq!(next("ledgerExported", &north, &json!(campaign.to_string())).1, json!(0));
    let (ending, _, before, _) = next("accountDeleted", &north, &json!("A1"));
    assert_eq!((ending, &before["contacts"]), (done(), &json!(1)));
    assert!(entries.is_empty(), "{entries:?}");
    let text = world.call(Call::new("GET", "/v1/audit")).await.text;
    assert!(!text.contains("ann@") && !text.contains("Contact 1"), "no customer is named: {text}");
}

#[tokio::test]
async fn it_is_narrowed_by_division_actor_and_time_and_read_page_by_page() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    let kept = Audit::new(&world.context(&world.config)).unwrap();
    let now = clock::now();
    // Of three months, one entry a day.
    for day in 1..=60 {
        let person = Person { sub: format!("sub-{}", day % 2), user: format!("user-{}", day % 2) };
        let actor = Actor { name: format!("name-{}", day % 2), person: Some(person) };
        let mut entry = Audit::entry(actor, Deed::AccountDeleted);
        entry.at = now - SignedDuration::from_hours(24 * day);
        entry.entry_id = clock::new_event_id(entry.at);
        entry.subject = Some(day.to_string());
        kept.record(entry).await.unwrap();
    }
    let all = audit(&world, "limit=500").await;
    assert_eq!(all.len(), 62);
    let (mut paged, mut query) = (Vec::new(), "limit=7".to_owned());
    loop {
        let page = world.call(Call::new("GET", &format!("/v1/audit?{query}"))).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 7);
        paged.extend(items.clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("limit=7&cursor={cursor}");
    }
    assert_eq!(paged, all);
    let subjects = |entries: Vec<Value>| -> Vec<String> {
        entries.iter().map(|entry| entry["subject"].as_str().unwrap_or("-").to_owned()).collect()
    };
    for actor in ["sub-1", "user-1", "name-1"] {
        let odd: Vec<_> = (1..=60).filter(|day| day % 2 == 1).map(|day| day.to_string()).collect();
        assert_eq!(subjects(audit(&world, &format!("limit=500&actor={actor}")).await), odd);
    }
    assert_eq!(audit(&world, "actor=sub").await.len(), 0, "a part of a name is nobody's");
    assert_eq!(deeds(&world, "division=SOUTH").await, ["divisionStored"]);
    let day = |days: i64| (now - SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
    let between = audit(&world, &format!("from={}&to={}", day(40), day(39))).await;
    assert_eq!(subjects(between), ["39", "40"]);
    let other =
        world.call(Call::new("GET", "/v1/audit?limit=7")).await.json()["nextCursor"].as_str().unwrap().to_owned();
    let faulty = world.call(Call::new("GET", &format!("/v1/audit?division=SOUTH&cursor={other}"))).await;
    assert_eq!(faulty.faulty_fields(), ["cursor"]);
    let faulty = world.call(Call::new("GET", "/v1/audit?from=yesterday&to=2026-13-01&limit=501&nonsense=1")).await;
    assert_eq!(faulty.faulty_fields(), ["from", "limit", "nonsense", "to"]);
}

#[tokio::test]
async fn who_may_see_one_division_sees_what_was_done_there_and_to_what_all_share() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    call(&world, "POST", "/v1/templates", &template("One")).await;
    let as_auditor = |path: &str, groups: &str| world.call(Call::new("GET", path).claim("cognito:groups", groups));
    let seen = as_auditor("/v1/audit", "audit:SOUTH").await.json();
    let seen: Vec<_> = seen["items"].as_array().unwrap().iter().map(|entry| &entry["division"]).collect();
    assert_eq!(seen, [&Value::Null, &json!("SOUTH")]);
    assert_eq!(as_auditor("/v1/audit", "390,directory").await.status, 403);
    assert_eq!(as_auditor("/v1/counts?division=SOUTH", "audit").await.status, 403);
}

#[tokio::test]
async fn nothing_is_done_that_can_not_be_noted() {
    let mut world = World::with_people(1).await;
    let made = call(&world, "POST", "/v1/templates", &template("One")).await.json();
    let schedule = call(&world, "POST", "/v1/schedules", &weekly(json!({}))).await.json();
    let campaign = world.send("NORTH").await;
    let whole = world.config.clone();
    // Every entry of the audit is put, and nothing else is before it.
    world.config = line(&whole, |operation, _| match operation {
        "PutItem" => Fate::Answered(400, r#"{"__type":"ResourceNotFoundException","message":"no"}"#),
        _ => Fate::Made,
    });
    let (template_id, schedule_id) = (made["templateId"].as_str().unwrap(), schedule["scheduleId"].as_str().unwrap());
    let before = world.call(Call::new("GET", "/v1/filters")).await.text;
    let csv = |path: &str| Call::new("GET", path).header("Accept", "text/csv");
    let mut edit = template("Two");
    edit["version"] = json!(1);
    let division = json!({"name": "New", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com"});
    let calls = [
        csv("/v1/recipients?division=NORTH"),
        csv("/v1/unreachable?division=NORTH"),
        csv(&format!("/v1/campaigns/{campaign}/recipients")),
        Call::new("PUT", "/v1/divisions/NORTH").json(&division),
        Call::new("POST", "/v1/accounts").json(&json!([Account::new("NORTH", "A9").0])),
        Call::new("DELETE", "/v1/accounts/A0"),
        Call::new("POST", "/v1/templates").json(&template("New")),
        Call::new("PUT", &format!("/v1/templates/{template_id}")).json(&edit),
        Call::new("POST", &format!("/v1/templates/{template_id}/deactivate")),
        Call::new("POST", "/v1/schedules").json(&weekly(json!({"name": "New"}))),
        Call::new("PUT", &format!("/v1/schedules/{schedule_id}")).json(&weekly(json!({"name": "New", "revision": 1}))),
        Call::new("POST", &format!("/v1/schedules/{schedule_id}/pause")),
        Call::new("DELETE", &format!("/v1/schedules/{schedule_id}")),
    ];
    for call in calls {
        let route = format!("{:?}", call.route());
        let answer = world.call(call).await;
        assert!(answer.status.is_server_error(), "{route}: {} {}", answer.status, answer.text);
        assert!(!answer.text.contains("p0@"), "{route}: {}", answer.text);
    }
    world.config = whole;
    assert_eq!(world.call(Call::new("GET", "/v1/filters")).await.text, before);
    assert_eq!(world.recipient("NORTH", &world.email("p0")).await.unwrap().account_count, 1);
    let schedules = world.call(Call::new("GET", "/v1/schedules")).await.json();
    assert_eq!(schedules["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&schedules["items"][0]["name"], &schedules["items"][0]["state"]),
        (&json!("Mondays"), &json!("active"))
    );
    let templates = world.call(Call::new("GET", "/v1/templates")).await.json();
    assert_eq!(templates["items"].as_array().unwrap().len(), 2);
    assert_eq!(templates["items"][1]["version"], 1);
}

#[tokio::test]
async fn what_was_begun_and_never_completed_says_so() {
    let world = World::new().await;
    let kept = Audit::new(&world.context(&world.config)).unwrap();
    drop(kept.begin(Audit::entry(Actor::from("ann"), Deed::AccountsImported)).await.unwrap());
    let entry = &audit(&world, "").await[0];
    assert_eq!((&entry["deed"], &entry["ending"]), (&json!("accountsImported"), &Value::Null));
}
