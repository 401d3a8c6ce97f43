//! Load: one person, what was sent to them, and why they would or would not be mailed now.

use serde_json::{Value, json};
use tests::http::Call;
use tests::{Account, Contact, World};

async fn person(world: &World, email: &str, query: &str) -> Value {
    let id = world.recipient("NORTH", email).await.unwrap().recipient_id;
    world.get_json(&format!("/v1/recipients/{id}?division=NORTH{query}")).await
}

#[tokio::test]
async fn a_person_shows_what_was_sent_newest_first_and_what_became_of_it() {
    let world = World::new().await;
    let contact = |name: &str| Contact::new("1", &world.email(name));
    world.import(["p0", "p1"].map(|name| Account::new("NORTH", name).contact(contact(name)))).await;
    let email = world.email("p0");
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let before = person(&world, &email, "").await;
    assert_eq!((&before["history"], &before["moreHistory"]), (&json!([]), &json!(false)));
    assert_eq!(before["decision"], json!({"willEmail": true, "reason": null}));

    let first = world.send("NORTH").await;
    world.pump().await;
    // Then the person alone, whose campaign carries the id of the recipient too and is no entry by itself.
    let mut body = world.send_request("NORTH").await;
    body["recipientId"] = json!(id);
    body["expectedRecipients"] = json!(1);
    body["includeRecentlyInvited"] = json!(true);
    let named = world.post_campaign("named", &body).await;
    assert_eq!(named.status, 202, "{}", named.text);
    world.pump().await;

    let shown = person(&world, &email, "").await;
    assert_eq!(
        (&shown["email"], &shown["division"], &shown["status"]),
        (&json!(email), &json!("NORTH"), &json!("pending"))
    );
    assert_eq!((&shown["accountCount"], &shown["accountIds"]), (&json!(1), &json!(["p0"])));
    assert_eq!(shown["accounts"], shown["accountCount"], "the former name");
    let history = shown["history"].as_array().unwrap();
    let campaigns: Vec<_> = history.iter().map(|entry| entry["campaignId"].clone()).collect();
    assert_eq!(campaigns, [named.json()["campaignId"].clone(), json!(first)]);
    for entry in history {
        assert_eq!(
            (&entry["outcome"], &entry["attempts"], &entry["reason"]),
            (&json!("sent"), &json!(1), &json!(null))
        );
        assert_eq!(
            (&entry["createdBy"], &entry["templateId"]),
            (&json!("operator@example.com"), &json!("portal-invitation"))
        );
        assert_eq!(entry["emailFrom"], tests::world::SENDER);
        assert!(entry["createdAt"].is_string() && entry["updatedAt"].is_string(), "{entry}");
        let former = (&entry["attempt"], &entry["startedAt"]);
        assert_eq!(former, (&entry["attempts"], &entry["createdAt"]), "the former names");
    }
    assert_eq!(person(&world, &world.email("p1"), "").await["history"].as_array().unwrap().len(), 1);
    assert!(!shown.to_string().contains("digest"));
}

#[tokio::test]
async fn a_person_is_told_apart_by_why_they_would_or_would_not_be_mailed_now() {
    let world = World::new().await;
    let names = ["mailed", "accepted", "bounced", "recent", "unlinked"];
    world.import(names.map(|name| Account::new("NORTH", name).contact(Contact::new("1", &world.email(name))))).await;
    world.accept("NORTH", &world.email("accepted")).await;
    world.bounce(&world.email("bounced")).await;
    for name in ["bounced", "recent"] {
        world.invited_now(&world.email(name)).await;
    }
    let deleted = world.call(Call::new("DELETE", "/v1/accounts/unlinked")).await;
    assert_eq!(deleted.status, 204);
    let table = [
        ("mailed", "", Value::Null),
        ("mailed", "&billGroup=MONTHLY", Value::Null),
        ("mailed", "&billGroup=YEARLY", json!("noLongerSelected")),
        ("accepted", "", json!("accepted")),
        ("bounced", "", json!("undeliverable")),
        ("bounced", "&includeRecentlyInvited=true", json!("undeliverable")),
        ("recent", "", json!("recentlyInvited")),
        ("recent", "&includeRecentlyInvited=true", Value::Null),
        ("unlinked", "", json!("noLongerSelected")),
    ];
    for (name, query, reason) in table {
        let shown = person(&world, &world.email(name), query).await;
        assert_eq!(shown["decision"], json!({"willEmail": reason.is_null(), "reason": reason}), "{name} {query}");
        assert_eq!(shown["undeliverable"], if name == "bounced" { json!("bounced") } else { Value::Null });
    }
}

#[tokio::test]
async fn nobody_is_shown_outside_of_their_division_and_wrong_queries_are_refused() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    world.import([Account::new("NORTH", "A").contact(Contact::new("1", &world.email("a")))]).await;
    let id = world.recipient("NORTH", &world.email("a")).await.unwrap().recipient_id;
    let unknown = "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11";
    for path in [format!("{id}?division=SOUTH"), format!("{unknown}?division=NORTH"), "x?division=NORTH".to_owned()] {
        let answer = world.call(Call::new("GET", &format!("/v1/recipients/{path}"))).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let list = world.list("/v1/recipients?division=NORTH&limit=1&search=a@").await;
    assert_eq!(list.len(), 1);
    let long = "x".repeat(101);
    let table = [
        ("recipients?division=NORTH&search=x".to_owned(), vec!["search"]),
        (format!("recipients?division=NORTH&search={long}"), vec!["search"]),
        (
            "recipients?division=NORTH&excluded=accepted&onActiveServices=yes".to_owned(),
            vec!["excluded", "onActiveServices"],
        ),
        ("recipients?includeRecentlyInvited=true".to_owned(), vec!["division", "includeRecentlyInvited"]),
        ("unreachable?status=pending&limit=0".to_owned(), vec!["division", "limit", "status"]),
        ("unreachable?division=NOWHERE".to_owned(), vec!["division"]),
        ("unreachable?division=NORTH&cursor=x".to_owned(), vec!["cursor"]),
        (format!("recipients/{id}"), vec!["division"]),
        (format!("recipients/{id}?division=NOWHERE"), vec!["division"]),
        (
            format!("recipients/{id}?division=NORTH&search=xx&includeRecentlyInvited=1"),
            vec!["includeRecentlyInvited", "search"],
        ),
    ];
    for (path, fields) in table {
        let answer = world.call(Call::new("GET", &format!("/v1/{path}"))).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.faulty_fields(), fields, "{path}");
    }
    for path in [format!("/v1/recipients/{id}?division=NORTH"), "/v1/unreachable?division=NORTH".to_owned()] {
        assert_eq!(
            world.call(Call::new("GET", &path).claim("cognito:groups", "directory")).await.status,
            403,
            "{path}"
        );
    }
}
