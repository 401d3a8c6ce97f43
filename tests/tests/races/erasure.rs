//! Erasing somebody: killed after each write, and while an import brings them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fail::FailScenario;
use futures::FutureExt;
use serde_json::json;
use tests::cloud::{AUDIT, CAMPAIGNS, DIRECTORY};
use tests::http::Call;
use tests::line::{Fate, Gate, line};
use tests::{Account, Contact, World};

use crate::LATER;

/// Items of all tables that hold this address.
fn holding(world: &World, email: &str) -> Vec<String> {
    let cloud = world.cloud();
    let items = [DIRECTORY, CAMPAIGNS, AUDIT].into_iter().flat_map(|table| cloud.tables.all(table));
    items
        .filter(|(_, item)| item.to_json().contains(email))
        .map(|(name, _)| format!("{} {}", name.pk, name.sk))
        .collect()
}

async fn world_with_ann() -> (World, String, Call) {
    let world = World::new().await;
    let email = world.email("ann");
    let large = (0..60).map(|person| Contact::new(&format!("C{person}"), &world.email(format!("p{person}"))));
    let large = large.fold(Account::new("NORTH", "LARGE"), Account::contact).contact(Contact::new("ANN", &email));
    world.import([Account::new("NORTH", "A1").contact(Contact::new("1", &email)), large]).await;
    world.send("NORTH").await;
    world.pump().await;
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let erase = Call::new("POST", &format!("/v1/recipients/{id}/erase")).json(&json!({"reason": "as they asked"}));
    (world, email, erase)
}

/// Kills the function at a place; whether it was.
async fn erase_and_kill(world: &World, erase: &Call, place: &str, action: &str) -> bool {
    fail::cfg(place, action).unwrap();
    let made = AssertUnwindSafe(world.call(erase.clone())).catch_unwind().await;
    fail::remove(place);
    made.is_ok_and(|answer| answer.status == 500)
}

#[tokio::test]
async fn an_erasure_that_is_killed_anywhere_is_finished_by_the_same_call_or_by_the_sweep() {
    let places = [("erasure.begun", "panic"), ("directory.written", "panic"), ("erasure.removed", "panic")];
    for (place, action) in places {
        for by_sweep in [false, true] {
            let _scenario = FailScenario::setup();
            let (world, email, erase) = world_with_ann().await;
            assert!(erase_and_kill(&world, &erase, place, action).await, "{place} {action}");
            let locked_out = world.recipient("NORTH", &email).await;
            assert!(locked_out.is_none_or(|person| person.undeliverable.is_some() && person.digest.is_none()));
            if by_sweep {
                assert_eq!(world.sweep_after(LATER).await.errors, 0);
            }
            let answer = world.call(erase.clone()).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (200, &json!("erased")), "{place} {action}");
            assert_eq!(holding(&world, &email), Vec::<String>::new(), "{place} {action}");
            assert_eq!(world.counts("division=NORTH").await["total"], 60);
            world.sweep_after(Duration::from_secs(30)).await;
            let told = world.told().into_iter().filter(|(kind, _)| kind == "portal.recipient.erased").count();
            assert_eq!(told, 1, "{place} {action}");
        }
    }
}

#[tokio::test]
async fn an_import_that_read_before_the_erasure_does_not_bring_them_back_after_it() {
    let _scenario = FailScenario::setup();
    let world = World::new().await;
    let email = world.email("ann");
    let account = |id: &str| Account::new("NORTH", id).contact(Contact::new("1", &email));
    // Makes the secret of the hashes, which an import reads once.
    world.import([Account::new("NORTH", "A0").contact(Contact::new("1", &world.email("bob")))]).await;
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    // It has read that nobody has the address, and waits before it writes: options first, then the account.
    let slow = line(&world.config, move |operation, earlier| match (operation, earlier) {
        ("TransactWriteItems", 1) => Fate::Held(held.clone()),
        _ => Fate::Made,
    });
    let slow = directory::router(directory::Directory::new(&world.context(&slow)).unwrap());
    let import = json!([account("A2").0]);
    let importing = async { Call::new("POST", "/v1/accounts").json(&import).on(slow).await };
    let meanwhile = async {
        gate.arrived().await;
        world.import([account("A1")]).await;
        let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
        let erase = Call::new("POST", &format!("/v1/recipients/{id}/erase")).json(&json!({"reason": "as they asked"}));
        assert_eq!(world.call(erase).await.status, 200);
        gate.open();
    };
    let (answer, ()) = futures::future::join(importing, meanwhile).await;
    assert_eq!(answer.json()["stored"], 1, "{}", answer.text);
    assert!(answer.json()["results"][0]["warnings"][0]["message"].as_str().unwrap().contains("erased"));
    assert_eq!(holding(&world, &email), Vec::<String>::new());
}
