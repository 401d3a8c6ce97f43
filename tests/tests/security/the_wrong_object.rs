//! A path that would name another object if it were decoded or parsed as part of a URL.

use serde_json::json;
use tests::http::Call;
use tests::world::SENDER;
use tests::{Account, Contact, World};

const IDS: [&str; 7] = ["FZ1", "FZ1#x", "FZ1?x", "a/b", "a\\b", "100%25", "..."];

/// Those of the accounts that are there: each has a contact of its own.
async fn there(world: &World) -> Vec<&'static str> {
    let mut there = Vec::new();
    for (number, id) in IDS.into_iter().enumerate() {
        if world.recipient("NORTH", &world.email(number)).await.unwrap().account_count > 0 {
            there.push(id);
        }
    }
    there
}

#[tokio::test]
async fn who_deletes_one_account_deletes_no_other() {
    let world = World::new().await;
    let account = |(number, id)| Account::new("NORTH", id).contact(Contact::new("1", &world.email(number)));
    world.import(IDS.into_iter().enumerate().map(account)).await;
    let table =
        [("FZ1%23x", "FZ1#x"), ("FZ1%3Fx", "FZ1?x"), ("a%2Fb", "a/b"), ("a%5Cb", "a\\b"), ("100%2525", "100%25")];
    for (path, gone) in table {
        let mut expected = there(&world).await;
        let answer = world.call(Call::new("DELETE", &format!("/v1/accounts/{path}"))).await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.text);
        expected.retain(|id| *id != gone);
        assert_eq!(there(&world).await, expected, "{path}");
    }
    for path in ["x/../FZ1", ".", "..", "FZ1/"] {
        let answer = world.call(Call::new("DELETE", &format!("/v1/accounts/{path}"))).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    assert_eq!(there(&world).await, ["FZ1", "..."]);
}

#[tokio::test]
async fn a_division_is_stored_under_the_name_that_the_path_has() {
    let world = World::empty();
    let body = json!({"name": "FZ", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com"});
    let put = async |path: &str| {
        world.call(Call::new("PUT", &format!("/v1/divisions/{path}")).json(&body)).await.status.as_u16()
    };
    assert_eq!((put("FZ%3FX").await, put("FZ%23X").await, put("..").await), (201, 400, 400));
    let stored = world.call(Call::new("GET", "/v1/filters")).await.json();
    let names: Vec<_> = stored["divisions"].as_array().unwrap().iter().map(|one| &one["division"]).collect();
    assert_eq!(names, ["FZ?X"]);
}

#[tokio::test]
async fn an_id_that_no_path_can_name_is_not_stored() {
    let world = World::new().await;
    for id in [".", ".."] {
        let answer = world.call(Call::new("POST", "/v1/accounts").json(&json!([Account::new("NORTH", id).0]))).await;
        assert_eq!(answer.json()["results"][0]["errors"][0]["field"], "accountId", "{}", answer.text);
    }
}
