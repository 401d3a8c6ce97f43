//! Load: counts, lists and filter options.

use serde_json::json;
use tests::http::Call;
use tests::{Account, Contact, World};

const STATUSES: [&str; 3] = ["accepted", "pending", "notSent"];

/// 130 people in all statuses, with names that a spreadsheet would run.
async fn world_with_people() -> World {
    let world = World::new().await;
    let accounts = (0..130).map(|i| {
        let contact = Contact::new("1", &world.email(format!("p{i}")))
            .with("name", format!("=HYPERLINK(\"x\",\"{i}\")"))
            .with("portal", STATUSES[i % 3]);
        Account::new("NORTH", &format!("A{i}")).with("billGroup", ["ODD", "EVEN"][i % 2]).contact(contact)
    });
    world.import(accounts).await;
    world
}

#[tokio::test]
async fn every_list_is_as_long_as_its_count_whatever_the_page_size() {
    let world = world_with_people().await;
    for filter in ["division=NORTH", "division=NORTH&billGroup=ODD"] {
        let counts = world.counts(filter).await;
        for limit in [7, 100] {
            for status in STATUSES {
                let list = world.list(&format!("/v1/recipients?{filter}&status={status}&limit={limit}")).await;
                assert_eq!(list.len() as u64, counts[status].as_u64().unwrap(), "{filter} {status} {limit}");
                assert!(list.iter().all(|item| item["status"] == status));
            }
        }
        let mut ids: Vec<_> = world
            .list(&format!("/v1/recipients?{filter}"))
            .await
            .iter()
            .map(|item| item["recipientId"].to_string())
            .collect();
        assert_eq!(ids.len() as u64, counts["total"].as_u64().unwrap());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, counts["total"].as_u64().unwrap(), "nobody twice");
    }
}

#[tokio::test]
async fn csv_is_harmless_in_a_spreadsheet_and_links_to_its_next_page() {
    let world = world_with_people().await;
    let mut path = "/v1/recipients?division=NORTH&limit=50".to_owned();
    let mut rows = 0;
    loop {
        let answer = world.call(Call::new("GET", &path).header("Accept", "text/csv")).await;
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
        rows += answer.text.lines().count() - 1;
        assert!(answer.text.contains("'=HYPERLINK") && !answer.text.contains(",=") && !answer.text.contains(",\"="));
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        let query = link.strip_prefix("<?").and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
        path = format!("/v1/recipients?{query}");
    }
    assert_eq!(rows, 130);
}

#[tokio::test]
async fn filters_offer_what_the_division_has() {
    let world = world_with_people().await;
    let filters = world.call(Call::new("GET", "/v1/filters")).await.json();
    let division = &filters["divisions"][0];
    assert_eq!(division["division"], "NORTH");
    assert_eq!(division["billGroups"], json!(["EVEN", "ODD"]));
    assert_eq!(division["siteSources"], json!(["CITY"]));
    assert_eq!(division["emailFrom"], tests::world::SENDER);
    assert_eq!(filters["templates"][0]["templateId"], "portal-invitation");
}

#[tokio::test]
async fn wrong_queries_are_refused_field_by_field() {
    let world = World::new().await;
    let table = [
        ("/v1/counts", vec!["division"]),
        ("/v1/counts?division=NOWHERE", vec!["division"]),
        ("/v1/counts?division=NORTH&colour=red&withBalanceDue=maybe", vec!["colour", "withBalanceDue"]),
        ("/v1/recipients?division=NORTH&limit=0", vec!["limit"]),
        ("/v1/recipients?division=NORTH&limit=1001", vec!["limit"]),
        ("/v1/recipients?division=NORTH&status=Accepted", vec!["status"]),
        ("/v1/recipients?division=NORTH&cursor=garbage", vec!["cursor"]),
    ];
    for (path, fields) in table {
        let answer = world.call(Call::new("GET", path)).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.faulty_fields(), fields, "{path}");
    }
}

#[tokio::test]
async fn what_is_stored_is_shown_to_who_sends_and_to_who_imports() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    let ann = Contact::new("1", " ANN@customers.example.com");
    let nobody = Contact::new("2", "nobody");
    world.import([Account::new("NORTH", "A1").contact(ann).contact(nobody)]).await;
    let get = async |path: &str, groups: &str| {
        world.call(Call::new("GET", &format!("/v1/{path}")).claim("cognito:groups", groups)).await
    };
    for groups in ["390", "directory", "390:SOUTH,directory:NORTH"] {
        let divisions = get("divisions", groups).await.json();
        let ids: Vec<_> = divisions["items"].as_array().unwrap().iter().map(|one| one["division"].clone()).collect();
        assert_eq!(ids, ["NORTH", "SOUTH"], "{groups}");
        assert_eq!(get("divisions/NORTH", groups).await.json(), divisions["items"][0], "{groups}");
        let account = get("accounts/A1", groups).await.json();
        assert_eq!((&account["division"], &account["balanceDue"]), (&json!("NORTH"), &json!("10.00")), "{groups}");
        let contacts = [&account["contacts"][0], &account["contacts"][1]];
        assert_eq!(contacts.map(|one| &one["email"]), [&json!("ann@customers.example.com"), &json!(null)]);
        assert_eq!(contacts.map(|one| &one["unreachable"]), [&json!(null), &json!("malformed")]);
    }
    for (path, groups) in [
        ("divisions/EAST", "390"),
        ("divisions/SOUTH", "390:NORTH"),
        ("accounts/A2", "390"),
        ("accounts/A1", "directory:SOUTH"),
    ] {
        assert_eq!(get(path, groups).await.status, 404, "{path}");
    }
    let refused = get("divisions", "audit").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Send Account Portal Invitations or directory"), "{}", refused.text);
}
