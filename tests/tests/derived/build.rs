//! What was written before an epoch began is counted too, while writes go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::table::s;
use rollup::Rollup;
use serde_json::{Value, json};
use tests::World;
use tests::cloud::DERIVED;
use tests::line::{Fate, Gate, line};
use tests::numbers::derived;

use super::{assert_counted, epoch};

/// Customers whom the stream doesn't show any more.
async fn forgotten(people: usize) -> World {
    let world = World::with_people(people).await;
    world.read_stream();
    world
}

async fn is_live(world: &World) -> bool {
    derived(&world.config).control().await.unwrap().is_some_and(|control| control.live)
}

/// The table has an epoch of an earlier release, or one that began at this time.
async fn begin(world: &World, began: Option<Timestamp>) {
    let put = world.dynamo.put_item().table_name(DERIVED).item("pk", s("CONTROL")).item("sk", s("-"));
    let put = put.item("building", s("1"));
    match began {
        Some(began) => put.item("began", s(began.to_string())).item("live", AttributeValue::Bool(true)),
        None => put,
    }
    .send()
    .await
    .unwrap();
}

#[tokio::test]
async fn the_first_batch_counts_what_the_stream_does_not_show() {
    let world = forgotten(20).await;
    world.import([world.account_of(20)]).await;
    world.roll_up().await;
    assert!(is_live(&world).await);
    assert_counted(&world).await;
}

#[tokio::test]
async fn an_epoch_of_an_earlier_release_becomes_live_by_a_tick() {
    let world = forgotten(20).await;
    begin(&world, None).await;
    world.import([world.account_of(20)]).await;
    world.roll_up().await;
    assert!(!is_live(&world).await);
    world.rollup().handle(json!({})).await.unwrap();
    assert!(is_live(&world).await);
    assert_eq!(epoch(&world).await, "1");
    assert_counted(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_build_that_dies_at_any_call_is_completed_by_the_next() {
    let world = forgotten(450).await;
    begin(&world, None).await;
    let mut parts = 0;
    for survived in (0..).step_by(7) {
        let (calls, scans) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let seen = scans.clone();
        let dying = line(&world.config, move |operation, _| {
            seen.fetch_add(usize::from(operation == "Scan"), Ordering::Relaxed);
            if calls.fetch_add(1, Ordering::Relaxed) < 66 + survived { Fate::Made } else { Fate::NoConnection }
        });
        _ = Rollup::new(&world.context(&dying)).unwrap().handle(json!({})).await;
        parts = parts.max(scans.load(Ordering::Relaxed));
        if is_live(&world).await {
            break;
        }
    }
    assert!(parts > 1, "{parts} parts in one call");
    assert_counted(&world).await;
}

#[tokio::test(start_paused = true)]
async fn who_changes_during_a_build_is_counted_once() {
    for held in ["Scan", "BatchGetItem", "TransactWriteItems", "PutItem", "UpdateItem"] {
        let world = forgotten(30).await;
        begin(&world, None).await;
        let gate = Arc::new(Gate::default());
        let at_gate = gate.clone();
        // The first 64 items are heartbeats.
        let config = line(&world.config, move |operation, earlier| match (operation, earlier) {
            ("PutItem", 64) | ("Scan" | "BatchGetItem" | "TransactWriteItems" | "UpdateItem", 0)
                if operation == held =>
            {
                Fate::Held(at_gate.clone())
            }
            _ => Fate::Made,
        });
        let slow = Rollup::new(&world.context(&config)).unwrap();
        let writes = async {
            gate.arrived().await;
            world.import([world.account_of(3).with("billGroup", "OTHER"), world.account_of(30)]).await;
            world.roll_up().await;
            world.import([world.account_of(4).with("billGroup", "OTHER")]).await;
            gate.open();
        };
        let (ticked, ()) = futures::join!(slow.handle(json!({})), writes);
        ticked.unwrap();
        world.roll_up().await;
        assert!(is_live(&world).await, "{held}");
        assert_counted(&world).await;
    }
}

/// The events with records that were written so long ago.
pub(super) fn aged(mut events: Vec<Value>, age: SignedDuration) -> Vec<Value> {
    let at = (clock::now() - age).as_second();
    let records = events.iter_mut().flat_map(|event| event["Records"].as_array_mut().unwrap());
    records.for_each(|record| record["dynamodb"]["ApproximateCreationDateTime"] = json!(at));
    events
}

#[tokio::test]
async fn records_that_may_come_after_expired_ones_begin_another_epoch_once() {
    let hours = SignedDuration::from_hours;
    let world = forgotten(10).await;
    begin(&world, Some(clock::now() - hours(40))).await;
    world.import([world.account_of(10)]).await;
    for event in aged(world.read_stream(), hours(19)) {
        world.rollup().handle(event).await.unwrap();
    }
    assert_eq!(epoch(&world).await, "1", "none has expired");
    world.import([world.account_of(11)]).await;
    let mut began = Vec::new();
    for event in aged(world.read_stream(), hours(23)) {
        world.rollup().handle(event).await.unwrap();
        began.push(epoch(&world).await);
    }
    began.dedup();
    began.retain(|epoch| epoch != "1");
    assert_eq!(began.len(), 1, "{began:?}");
    assert!(is_live(&world).await);
    assert_counted(&world).await;
}
