//! Properties of every route: its answers to a malformed path, query or body.

use serde_json::{Value, json};
use tests::contract::routes_of_operators;
use tests::http::Call;
use tests::scheduling::{Scheduling, weekly};
use tests::world::SENDER;
use tests::{Account, Contact, World};
use uuid::Uuid;

/// The path of a route with this in place of each of its parameters.
fn filled(path: &str, parameter: &str) -> String {
    let segments = path.split('/').map(|part| if part.starts_with('{') { parameter } else { part });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn empty_and_strange_path_parameters_are_found_nowhere() {
    let world = World::new().await;
    let long = "x".repeat(2_000);
    let routes = routes_of_operators().filter(|(_, path)| path.contains('{'));
    // A route that stores under a new id, which may be any valid one.
    let routes = routes.filter(|(method, _)| *method != "PUT");
    for (method, path) in routes {
        for strange in ["", "%00", "%20", "%FF", "..", "a%2Fb", "\u{1f600}", "%25", "'", &long] {
            let query = if path == "/v1/recipients/{recipientId}" { "?division=NORTH" } else { "" };
            let call = Call::new(method, &format!("{}{query}", filled(path, strange)));
            let call = if method == "GET" { call } else { call.json(&body_for(path)) };
            let answer = world.call(call).await;
            let may_be_one = ["a%2Fb", "\u{1f600}", "%25", "'"].contains(&strange);
            if method == "DELETE" && path.ends_with("{accountId}") && may_be_one {
                assert_eq!(answer.status, 204, "an account that is not there is deleted: {strange}");
                continue;
            }
            assert_eq!(answer.status, 404, "{method} {path} with {strange:?}: {}", answer.text);
        }
    }
}

/// A body that a route accepts.
fn body_for(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("withdraw" | "set-back" | "erase") => json!({"reason": "asked"}),
        Some("readmit") => json!({"email": "ann@example.com", "reason": "asked"}),
        Some("settle") => json!({"outcome": "sent", "all": true}),
        Some("preview") => json!({"division": "NORTH"}),
        Some("test") => json!({"division": "NORTH", "emailFrom": SENDER}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn an_unknown_query_parameter_is_refused_by_every_route() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let campaign = world.send("NORTH").await.to_string();
    let schedule = scheduling.schedule(json!({})).await["scheduleId"].as_str().unwrap().to_owned();
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id.to_string();
    for (method, path) in routes_of_operators() {
        let named = path
            .replace("{campaignId}", &campaign)
            .replace("{scheduleId}", &schedule)
            .replace("{recipientId}", &recipient)
            .replace("{templateId}", "portal-invitation")
            .replace("{division}", "NORTH")
            .replace("{accountId}", "A1");
        let answer = world.call(Call::new(method, &format!("{named}?division=NORTH&surprise=1"))).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
        assert!(answer.faulty_fields().contains(&"surprise".to_owned()), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_unknown_division_is_a_faulty_field() {
    let world = World::new().await;
    for path in ["counts", "recipients", "unreachable", &format!("recipients/{}", Uuid::nil())] {
        let answer = world.call(Call::new("GET", &format!("/v1/{path}?division=NOWHERE"))).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.faulty_fields(), ["division"], "{path}");
    }
    for path in ["filters", "campaigns", "schedules"] {
        let answer = world.call(Call::new("GET", &format!("/v1/{path}?division=NOWHERE"))).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.faulty_fields(), ["division"], "{path}");
    }
}

#[tokio::test]
async fn a_send_tells_all_that_is_wrong_with_it_at_once() {
    let world = World::new().await;
    let contact = Contact::new("1", &world.email("ann"));
    world.import([Account::new("NORTH", "A1").contact(contact)]).await;
    let faulty = json!({
        "filter": {"division": "NOWHERE", "colour": "red"}, "templateId": "no-template", "emailFrom": SENDER,
        "expectedRecipients": -1, "recipientId": Uuid::nil(),
    });
    let answer = world.call(Call::new("POST", "/v1/campaigns").json(&faulty)).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(
        answer.faulty_fields(),
        ["Idempotency-Key", "expectedRecipients", "filter.colour", "filter.division", "templateId"]
    );

    let mut in_north = faulty.clone();
    in_north["filter"] = json!({"division": "NORTH"});
    in_north["emailFrom"] = json!("ann@elsewhere.example");
    let answer = world.post_campaign("1", &in_north).await;
    assert_eq!(answer.faulty_fields(), ["emailFrom", "expectedRecipients", "recipientId", "templateId"]);

    in_north["expectedRecipients"] = json!(1.0);
    in_north["templateId"] = json!("portal-invitation");
    let answer = world.post_campaign("2", &in_north).await;
    assert_eq!(answer.faulty_fields(), ["emailFrom", "recipientId"]);

    in_north["recipientId"] = Value::Null;
    let answer = world.post_campaign("3", &in_north).await;
    assert_eq!((answer.status.as_u16(), answer.json()["type"].clone()), (422, json!("/problems/sender-refused")));

    in_north["emailFrom"] = json!(SENDER);
    assert_eq!(world.post_campaign("4", &in_north).await.status, 202, "1.0 is a whole number");
}

#[tokio::test]
async fn who_may_not_send_in_a_division_learns_nothing_about_it() {
    let world = World::new().await;
    let faulty = json!({"filter": {"division": "NORTH"}, "templateId": "", "emailFrom": "ann@elsewhere.example"});
    let call = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "1").json(&faulty);
    let answer = world.call(call.claim("cognito:groups", "390:SOUTH")).await;
    assert_eq!(answer.faulty_fields(), ["expectedRecipients", "templateId"], "{}", answer.text);
}

#[tokio::test]
async fn a_schedule_tells_all_that_is_wrong_with_it_at_once() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let faulty = |division: &str| {
        let mut plan = weekly(json!({}));
        plan["filter"] = json!({"division": division});
        plan["templateId"] = json!("no-template");
        plan["emailFrom"] = json!("ann@elsewhere.example");
        plan["rule"] = json!({"at": "2020-01-01T09:00:00"});
        plan["maxRecipients"] = json!(0);
        plan
    };
    let post = async |plan: &Value| world.call(Call::new("POST", "/v1/schedules").json(plan)).await;
    let answer = post(&faulty("NOWHERE")).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.faulty_fields(), ["filter.division", "maxRecipients", "rule.at", "templateId"]);
    let answer = post(&faulty("NORTH")).await;
    assert_eq!(answer.faulty_fields(), ["emailFrom", "maxRecipients", "rule.at", "templateId"]);

    let stored = scheduling.schedule(json!({})).await;
    let path = format!("/v1/schedules/{}", stored["scheduleId"].as_str().unwrap());
    let mut changed = faulty("NORTH");
    changed["revision"] = json!(0);
    let answer = world.call(Call::new("PUT", &path).json(&changed)).await;
    assert_eq!(answer.faulty_fields(), ["emailFrom", "maxRecipients", "revision", "rule.at", "templateId"]);
}

#[tokio::test]
async fn a_member_that_is_named_twice_is_refused_in_every_body() {
    let world = World::new().await;
    let twice = r#"{"filter": {"division": "SOUTH", "division": "NORTH"}}"#;
    let post = async |path: &str, content_type: &str, body: &str| {
        world.call(Call::new("POST", path).header("Idempotency-Key", "1").body(content_type, body)).await
    };
    for path in ["/v1/campaigns", "/v1/schedules", "/v1/templates", "/v1/schedules/preview"] {
        let answer = post(path, "application/json", twice).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert!(answer.text.contains("named twice"), "{path}: {}", answer.text);
    }
    let good = Account::new("NORTH", "A1").0;
    let bad = r#"{"accountId": "A2", "accountId": "A3"}"#;
    for (content_type, body) in
        [("application/json", format!("[{good},{bad}]")), ("application/x-ndjson", format!("{good}\n{bad}"))]
    {
        let answer = post("/v1/accounts", content_type, &body).await;
        assert_eq!((answer.json()["stored"].clone(), answer.text.contains("named twice")), (json!(1), true));
    }
}

#[tokio::test]
async fn an_id_is_found_by_one_spelling_alone() {
    let world = World::new().await;
    let contact = Contact::new("1", &world.email("ann"));
    world.import([Account::new("NORTH", "A1").contact(contact)]).await;
    let campaign = world.send("NORTH").await.to_string();
    let recipient = world.recipient("NORTH", &world.email("ann")).await.unwrap().recipient_id.to_string();
    for path in [
        format!("campaigns/{}", campaign.to_lowercase()),
        format!("recipients/{}?division=NORTH", recipient.to_uppercase()),
        format!("recipients/{}?division=NORTH", recipient.replace('-', "")),
        format!("recipients/{{{recipient}}}?division=NORTH"),
        "templates/PORTAL-INVITATION".to_owned(),
    ] {
        let answer = world.call(Call::new("GET", &format!("/v1/{path}"))).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
    for path in [format!("campaigns/{campaign}"), format!("recipients/{recipient}?division=NORTH")] {
        assert_eq!(world.call(Call::new("GET", &format!("/v1/{path}"))).await.status, 200, "{path}");
    }
}
