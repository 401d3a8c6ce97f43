//! `GET /v1/recipients/{recipientId}/data`: everything that is stored of one person, and nothing of anybody else.

use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::{Account, Contact, World};

async fn export(world: &World, email: &str) -> Answer {
    let id = world.recipient("NORTH", email).await.unwrap().recipient_id;
    world.call(Call::new("GET", &format!("/v1/recipients/{id}/data"))).await
}

fn list(data: &Value, name: &str, field: &str) -> Vec<String> {
    data[name].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_is_exported_with_accounts_campaigns_and_trail_and_without_anybody_else() {
    let world = World::new().await;
    let (ann, bob) = (world.email("ann"), world.email("bob"));
    let shared =
        Account::new("NORTH", "A2").with("sites", json!([{"siteId": "S1", "siteSource": "CITY", "activeServices": 1}]));
    world
        .import([
            Account::new("NORTH", "A1").contact(Contact::new("1", &ann).with("name", "Ann One")),
            shared
                .contact(Contact::new("7", &ann.to_uppercase()).with("name", "Ann Two").with("siteId", "S1"))
                .contact(Contact::new("8", &bob).with("name", "Bob")),
        ])
        .await;
    let id = world.send("NORTH").await;
    world.pump().await;
    let password = world.mails().iter().find(|mail| mail.to[0] == ann).unwrap().password().to_owned();
    let body = json!({"email": ann, "division": "NORTH", "temporaryPassword": password, "newPassword": tests::activation::CHOSEN});
    assert_eq!(world.call(Call::new("POST", "/v1/activations").public().json(&body)).await.status, 204);

    let answer = export(&world, &ann).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let person = world.recipient("NORTH", &ann).await.unwrap();
    let file = format!("attachment; filename=\"person-{}.json\"", person.recipient_id);
    assert_eq!(answer.headers["content-disposition"], file.as_str());
    let data = answer.json();
    assert_eq!((&data["recipient"]["email"], &data["recipient"]["status"]), (&json!(ann), &json!("accepted")));
    assert_eq!(data["recipient"]["acceptance"]["campaignId"], json!(id));
    assert_eq!(list(&data, "accounts", "accountId"), ["A1", "A2"]);
    let own = json!([{"contactId": "7", "name": "Ann Two", "billing": true, "siteId": "S1", "portal": "notSent"}]);
    assert_eq!(data["accounts"][1]["contacts"], own);
    assert_eq!(
        (list(&data, "campaigns", "campaignId"), list(&data, "campaigns", "outcome")),
        (vec![id.to_string()], vec!["sent".to_owned()])
    );
    assert_eq!(list(&data, "audit", "action"), ["accepted"]);
    assert_eq!(data["nextCursor"], Value::Null);
    for other in [bob.as_str(), "Bob", "digest", "argon2", password.as_str()] {
        assert!(!answer.text.replace("digests", "").contains(other), "{other}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_person_on_many_accounts_is_exported_page_by_page_until_all_are_there() {
    let world = World::new().await;
    let email = world.email("ann");
    // So long a name that a page holds some hundred accounts.
    let account = |n: usize| {
        let contacts = (0..20).map(|c| Contact::new(&format!("{c:03}"), &email).with("name", "x".repeat(200)));
        contacts.fold(Account::new("NORTH", &format!("A{n:05}")), Account::contact)
    };
    world.import((0..700).map(account)).await;
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let (mut seen, mut path, mut pages) = (Vec::new(), format!("/v1/recipients/{id}/data"), 0);
    loop {
        let answer = world.call(Call::new("GET", &path)).await;
        assert!(answer.status == 200 && answer.text.len() < 5_500_000, "{} {}", answer.status, answer.text.len());
        let data = answer.json();
        seen.extend(list(&data, "accounts", "accountId"));
        assert_eq!(data["campaigns"].is_array(), pages == 0);
        pages += 1;
        let Some(cursor) = data["nextCursor"].as_str() else { break };
        path = format!("/v1/recipients/{id}/data?cursor={cursor}");
    }
    let expected: Vec<_> = (0..700).map(|n| format!("A{n:05}")).collect();
    assert_eq!(seen, expected);
    // A busy machine takes more: no page takes longer than the gateway waits.
    assert!(pages >= 2, "{pages}");
}

#[tokio::test]
async fn an_export_is_refused_to_others_and_written_into_the_audit() {
    let world = World::with_people(1).await;
    let email = world.email("p0");
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let path = format!("/v1/recipients/{id}/data");
    for (groups, status) in [("390:SOUTH", 404), ("directory", 403), ("390:NORTH", 200)] {
        let answer = world.call(Call::new("GET", &path).claim("cognito:groups", groups)).await;
        assert_eq!(answer.status, status, "{groups}: {}", answer.text);
    }
    for unknown in ["0", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let answer = world.call(Call::new("GET", &format!("/v1/recipients/{unknown}/data"))).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    let audit = world.get_json("/v1/audit?division=NORTH").await;
    let entries: Vec<_> =
        audit["items"].as_array().unwrap().iter().filter(|entry| entry["deed"] == "personExported").collect();
    assert_eq!(entries.len(), 1, "{audit}");
    assert_eq!(
        (&entries[0]["subject"], &entries[0]["rows"], &entries[0]["ending"]),
        (&json!(id), &json!(1), &json!("done"))
    );
    assert!(!audit.to_string().contains(&email));
}
