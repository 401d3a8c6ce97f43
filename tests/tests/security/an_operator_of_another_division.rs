//! Guarantee 9: an operator with permission in one division who asks for another, by its name or by the id of something
//! in it.

use std::collections::BTreeSet;

use portal_aws::clock;
use portal_domain::schedule::{Failure, Verdict};
use serde_json::{Value, json};
use tests::cloud::{AUDIT, CAMPAIGNS, DIRECTORY};
use tests::contract::routes_of_operators;
use tests::http::{Answer, Call};
use tests::scheduling::{Scheduling, weekly};
use tests::world::SENDER;
use tests::{Account, Contact, World};

/// The answer to an operator of SOUTH who asks for NORTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// It says which permission is missing.
    Forbidden,
    /// Not found.
    Unknown,
    /// Each account is refused by itself.
    EachRefused,
    /// It belongs to no division: permission in any one is enough.
    Shared,
    /// It belongs to all divisions: a change needs permission in every one.
    OfAll,
}

/// What there is in NORTH.
struct North {
    recipient: String,
    campaign: String,
    schedule: String,
    template: String,
}

/// NORTH with people, a paused campaign and a schedule; SOUTH; and a template.
async fn north() -> (Scheduling, North) {
    let scheduling = Scheduling::with_people(2).await;
    let world = &scheduling.world;
    world.put_division("SOUTH").await;
    let contact = Contact::new("1", &world.email("south"));
    world.import([Account::new("SOUTH", "S1").contact(contact)]).await;
    let schedule = scheduling.schedule(json!({})).await;
    let campaign = world.send("NORTH").await;
    let paused = world.call(Call::new("POST", &format!("/v1/campaigns/{campaign}/pause"))).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    let template = world.call(Call::new("POST", "/v1/templates").json(&template())).await.json();
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let north = North {
        recipient: recipient.to_string(),
        campaign: campaign.to_string(),
        schedule: text(&schedule["scheduleId"]),
        template: text(&template["templateId"]),
    };
    (scheduling, north)
}

fn template() -> Value {
    json!({
        "name": "Spring", "subject": "{{division.name}}",
        "html": "<p>{{temporaryPassword}}</p><a href=\"{{activationLink}}\">Activate</a>",
        "text": "{{temporaryPassword}}\n{{activationLink}}\n",
    })
}

/// A call of every route for operators that is about NORTH.
fn calls(north: &North) -> Vec<(&'static str, Call, Kept)> {
    let North { recipient, campaign, schedule, template: id } = north;
    let get = |path: String| Call::new("GET", &path);
    let post = |path: String, body: Value| Call::new("POST", &path).json(&body);
    let of_campaign = |what: &str, body: Value| post(format!("/v1/campaigns/{campaign}/{what}"), body);
    let send = json!({"filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": SENDER, "expectedRecipients": 2});
    let preview =
        json!({"filter": {"division": "NORTH"}, "rule": {"rate": "7 days"}, "audience": {"status": "notSent"}});
    let division = json!({"name": "North", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com"});
    let mut shown = template();
    shown.as_object_mut().unwrap().remove("name");
    shown["division"] = json!("NORTH");
    let mut saved = template();
    saved["version"] = json!(1);
    let mut changed = weekly(json!({"name": "Changed"}));
    changed["revision"] = json!(1);
    let account = Account::new("NORTH", "A9");
    let why = json!({"reason": "a mistake"});
    vec![
        ("GET /v1/filters", get("/v1/filters?division=NORTH".to_owned()), Kept::Forbidden),
        ("GET /v1/counts", get("/v1/counts?division=NORTH".to_owned()), Kept::Forbidden),
        ("GET /v1/recipients", get("/v1/recipients?division=NORTH".to_owned()), Kept::Forbidden),
        (
            "GET /v1/recipients/{recipientId}",
            get(format!("/v1/recipients/{recipient}?division=NORTH")),
            Kept::Forbidden,
        ),
        ("GET /v1/recipients/{recipientId}/data", get(format!("/v1/recipients/{recipient}/data")), Kept::Unknown),
        ("GET /v1/unreachable", get("/v1/unreachable?division=NORTH".to_owned()), Kept::Forbidden),
        ("GET /v1/divisions", get("/v1/divisions".to_owned()), Kept::Shared),
        ("GET /v1/divisions/{division}", get("/v1/divisions/NORTH".to_owned()), Kept::Unknown),
        ("GET /v1/accounts/{accountId}", get("/v1/accounts/A0".to_owned()), Kept::Unknown),
        ("POST /v1/campaigns", post("/v1/campaigns".to_owned(), send).header("Idempotency-Key", "k"), Kept::Forbidden),
        ("GET /v1/campaigns", get("/v1/campaigns?division=NORTH".to_owned()), Kept::Forbidden),
        ("GET /v1/campaigns/{campaignId}", get(format!("/v1/campaigns/{campaign}")), Kept::Unknown),
        (
            "GET /v1/campaigns/{campaignId}/recipients",
            get(format!("/v1/campaigns/{campaign}/recipients")),
            Kept::Unknown,
        ),
        ("POST /v1/campaigns/{campaignId}/pause", of_campaign("pause", json!({})), Kept::Unknown),
        ("POST /v1/campaigns/{campaignId}/resume", of_campaign("resume", json!({})), Kept::Unknown),
        ("POST /v1/campaigns/{campaignId}/cancel", of_campaign("cancel", json!({})), Kept::Unknown),
        ("POST /v1/campaigns/{campaignId}/retry", of_campaign("retry", json!({})), Kept::Unknown),
        (
            "POST /v1/campaigns/{campaignId}/settle",
            of_campaign("settle", json!({"outcome": "sent", "all": true})),
            Kept::Unknown,
        ),
        (
            "DELETE /v1/recipients/{recipientId}/undeliverable",
            Call::new("DELETE", &format!("/v1/recipients/{recipient}/undeliverable")),
            Kept::Unknown,
        ),
        (
            "POST /v1/recipients/{recipientId}/withdraw",
            post(format!("/v1/recipients/{recipient}/withdraw"), why.clone()),
            Kept::Unknown,
        ),
        (
            "POST /v1/recipients/{recipientId}/set-back",
            post(format!("/v1/recipients/{recipient}/set-back"), why),
            Kept::Unknown,
        ),
        ("GET /v1/schedules", get("/v1/schedules?division=NORTH".to_owned()), Kept::Forbidden),
        ("POST /v1/schedules", post("/v1/schedules".to_owned(), weekly(json!({"name": "Another"}))), Kept::Forbidden),
        ("POST /v1/schedules/preview", post("/v1/schedules/preview".to_owned(), preview), Kept::Forbidden),
        ("GET /v1/schedules/{scheduleId}", get(format!("/v1/schedules/{schedule}")), Kept::Unknown),
        (
            "PUT /v1/schedules/{scheduleId}",
            Call::new("PUT", &format!("/v1/schedules/{schedule}")).json(&changed),
            Kept::Unknown,
        ),
        (
            "POST /v1/schedules/{scheduleId}/pause",
            post(format!("/v1/schedules/{schedule}/pause"), json!({})),
            Kept::Unknown,
        ),
        (
            "POST /v1/schedules/{scheduleId}/resume",
            post(format!("/v1/schedules/{schedule}/resume"), json!({})),
            Kept::Unknown,
        ),
        (
            "GET /v1/schedules/{scheduleId}/occurrences",
            get(format!("/v1/schedules/{schedule}/occurrences")),
            Kept::Unknown,
        ),
        ("DELETE /v1/schedules/{scheduleId}", Call::new("DELETE", &format!("/v1/schedules/{schedule}")), Kept::Unknown),
        ("GET /v1/templates", get("/v1/templates".to_owned()), Kept::Shared),
        ("POST /v1/templates", post("/v1/templates".to_owned(), template()), Kept::OfAll),
        ("POST /v1/templates/preview", post("/v1/templates/preview".to_owned(), shown), Kept::Forbidden),
        ("GET /v1/templates/{templateId}", get(format!("/v1/templates/{id}")), Kept::Shared),
        ("PUT /v1/templates/{templateId}", Call::new("PUT", &format!("/v1/templates/{id}")).json(&saved), Kept::OfAll),
        ("GET /v1/templates/{templateId}/versions", get(format!("/v1/templates/{id}/versions")), Kept::Shared),
        (
            "POST /v1/templates/{templateId}/activate",
            post(format!("/v1/templates/{id}/activate"), json!({})),
            Kept::OfAll,
        ),
        (
            "POST /v1/templates/{templateId}/deactivate",
            post(format!("/v1/templates/{id}/deactivate"), json!({})),
            Kept::OfAll,
        ),
        (
            "POST /v1/templates/{templateId}/preview",
            post(format!("/v1/templates/{id}/preview"), json!({"division": "NORTH"})),
            Kept::Forbidden,
        ),
        (
            "POST /v1/templates/{templateId}/test",
            post(format!("/v1/templates/{id}/test"), json!({"division": "NORTH", "emailFrom": SENDER})),
            Kept::Forbidden,
        ),
        ("GET /v1/audit", get("/v1/audit?division=NORTH".to_owned()), Kept::Forbidden),
        ("PUT /v1/divisions/{division}", Call::new("PUT", "/v1/divisions/NORTH").json(&division), Kept::Forbidden),
        ("POST /v1/accounts", post("/v1/accounts".to_owned(), json!([account.0])), Kept::EachRefused),
        ("DELETE /v1/accounts/{accountId}", Call::new("DELETE", "/v1/accounts/A0"), Kept::Forbidden),
        (
            "POST /v1/divisions/{division}/readmit",
            post("/v1/divisions/NORTH/readmit".to_owned(), json!({"email": "ann@example.com", "reason": "they asked"})),
            Kept::Forbidden,
        ),
        (
            "POST /v1/recipients/{recipientId}/erase",
            post(format!("/v1/recipients/{recipient}/erase"), json!({"reason": "they asked"})),
            Kept::Unknown,
        ),
    ]
}

/// As an operator with all permissions in this division only.
fn of(division: &str, call: Call) -> Call {
    let groups = format!("390:{division},directory:{division},audit:{division}");
    call.claim("cognito:groups", groups).claim("cognito:username", "someone").claim("sub", "0f3b")
}

/// Every item that there is.
async fn everything(world: &World) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    for table in [AUDIT, CAMPAIGNS, DIRECTORY] {
        let mut pages = world.dynamo.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item: Value = serde_dynamo::from_item(item.unwrap()).unwrap();
            items.insert(item.to_string());
        }
    }
    items
}

fn kept(answer: &Answer) -> Option<Kept> {
    Some(match answer.status.as_u16() {
        403 if answer.text.contains("for every division") => Kept::OfAll,
        403 => Kept::Forbidden,
        404 => Kept::Unknown,
        422 if answer.text.contains("you need the permission directory") => Kept::EachRefused,
        200 => Kept::Shared,
        _ => return None,
    })
}

#[tokio::test]
async fn neither_sees_nor_changes_anything_by_any_route() {
    let (scheduling, north) = north().await;
    let world = &scheduling.world;
    let calls = calls(&north);
    let named: BTreeSet<_> = calls.iter().map(|(route, ..)| (*route).to_owned()).collect();
    let routes = routes_of_operators();
    assert_eq!(named, routes.map(|(method, path)| format!("{method} {path}")).collect(), "every route is tried");

    let before = everything(world).await;
    for (route, call, expected) in calls {
        let answer = world.call(of("SOUTH", call)).await;
        assert_eq!(kept(&answer), Some(expected), "{route}: {} {}", answer.status, answer.text);
    }
    assert_eq!(everything(world).await, before);
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn who_may_work_in_a_division_is_kept_from_nothing_there() {
    let (scheduling, north) = north().await;
    for (route, call, expected) in calls(&north) {
        let answer = scheduling.world.call(of("NORTH", call)).await;
        if expected == Kept::OfAll {
            assert_eq!(kept(&answer), Some(Kept::OfAll), "{route}: {}", answer.text);
        } else {
            let odd = [401, 403, 404].contains(&answer.status.as_u16()) || answer.status.is_server_error();
            assert!(!odd, "{route}: {} {}", answer.status, answer.text);
        }
    }
}

#[tokio::test]
async fn lists_of_all_divisions_show_what_one_may_see() {
    let (scheduling, _) = north().await;
    let world = &scheduling.world;
    let south = world.send("SOUTH").await;
    scheduling.schedule(json!({"name": "South", "filter": {"division": "SOUTH"}})).await;
    let shown = async |path: &str, list: &str, call: fn(Call) -> Call| {
        let answer = world.call(call(Call::new("GET", path))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()[list].as_array().unwrap().clone()
    };
    let one: fn(Call) -> Call = |call| of("SOUTH", call);
    let both: fn(Call) -> Call = |call| call.claim("cognito:groups", "390:SOUTH,390:NORTH");
    let none: fn(Call) -> Call = |call| of("EAST", call);
    for (path, list) in [("/v1/filters", "divisions"), ("/v1/campaigns", "items"), ("/v1/schedules", "items")] {
        let counts = [
            shown(path, list, one).await.len(),
            shown(path, list, both).await.len(),
            shown(path, list, none).await.len(),
        ];
        assert_eq!(counts, [1, 2, 0], "{path}");
    }
    assert_eq!(shown("/v1/campaigns", "items", one).await[0]["campaignId"], south.to_string());
    assert_eq!(shown("/v1/filters", "divisions", one).await[0]["division"], "SOUTH");
    assert_eq!(shown("/v1/schedules", "items", one).await[0]["name"], "South");
}

#[tokio::test]
async fn a_list_of_nothing_is_empty() {
    let world = World::empty();
    for (path, list) in [("/v1/filters", "divisions"), ("/v1/campaigns", "items"), ("/v1/schedules", "items")] {
        let answer = world.call(of("SOUTH", Call::new("GET", path))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()[list]), (200, &json!([])), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_named_together_with_a_division_of_ones_own_is_found_nowhere() {
    let (scheduling, north) = north().await;
    let world = &scheduling.world;
    let person =
        world.call(of("SOUTH", Call::new("GET", &format!("/v1/recipients/{}?division=SOUTH", north.recipient)))).await;
    assert_eq!(person.status, 404, "{}", person.text);
    let body = json!({"division": "SOUTH", "recipientId": north.recipient});
    let preview =
        world.call(of("SOUTH", Call::new("POST", "/v1/templates/portal-invitation/preview").json(&body))).await;
    assert_eq!(preview.faulty_fields(), ["recipientId"]);
    let send = json!({"filter": {"division": "SOUTH"}, "recipientId": north.recipient, "templateId": "portal-invitation", "emailFrom": SENDER});
    let send = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").json(&send);
    assert_eq!(world.call(of("SOUTH", send)).await.faulty_fields(), ["recipientId"]);
}

#[tokio::test]
async fn an_account_is_not_drawn_into_a_division_of_ones_own() {
    let (scheduling, _) = north().await;
    let world = &scheduling.world;
    let drawn = Account::new("SOUTH", "A0").contact(Contact::new("1", &world.email("p0")));
    let own = Account::new("SOUTH", "S2").contact(Contact::new("1", &world.email("s2")));
    let post = Call::new("POST", "/v1/accounts").json(&json!([drawn.0, own.0]));
    let answer = world.call(of("SOUTH", post.clone())).await.json();
    assert_eq!((&answer["stored"], &answer["failed"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!(answer["results"][0]["accountId"], "A0");
    assert_eq!(answer["results"][0]["errors"][0]["field"], "accountId");
    assert_eq!(world.recipient("NORTH", &world.email("p0")).await.unwrap().account_count, 1);
    assert!(world.recipient("SOUTH", &world.email("p0")).await.is_none());
    // An operator of both divisions can move it.
    let both = post.claim("cognito:groups", "directory:SOUTH,directory:NORTH");
    assert_eq!(world.call(both).await.json()["stored"], 2);
    assert_eq!(world.recipient("NORTH", &world.email("p0")).await.unwrap().account_count, 0);
}

async fn end_campaign(world: &World, north: &North) {
    let cancelled = world.call(Call::new("POST", &format!("/v1/campaigns/{}/cancel", north.campaign))).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    world.pump().await;
}

#[tokio::test]
async fn a_schedule_ends_with_its_owners_permission_in_its_division() {
    let (scheduling, north) = north().await;
    let world = &scheduling.world;
    end_campaign(world, &north).await;
    let schedule = scheduling.schedule(json!({"name": "Mine"})).await;
    world.cloud().users.put("operator", true, &["390:NORTH"]);
    let verdict = scheduling.verdict(&schedule, clock::now()).await;
    assert!(matches!(verdict, Verdict::Started { .. }), "{verdict:?}");
    world.cloud().users.put("operator", true, &["390:SOUTH", "directory:NORTH"]);
    let later = clock::now() + jiff::SignedDuration::from_mins(1);
    let refused = Verdict::failed(Failure::OwnerWithoutPermission);
    assert_eq!(scheduling.verdict(&schedule, later).await, refused);
}

#[tokio::test]
async fn a_repeat_of_a_request_shows_nothing_once_the_permission_is_gone() {
    let (scheduling, north) = north().await;
    let world = &scheduling.world;
    end_campaign(world, &north).await;
    let body = world.send_request("NORTH").await;
    let send = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").json(&body);
    assert_eq!(world.call(of("NORTH", send.clone())).await.status, 202);
    assert_eq!(world.call(of("SOUTH", send)).await.status, 403);
    let make = Call::new("POST", "/v1/schedules").header("Idempotency-Key", "s").json(&weekly(json!({})));
    assert_eq!(world.call(of("NORTH", make.clone())).await.status, 201);
    assert_eq!(world.call(of("SOUTH", make)).await.status, 403);
}
