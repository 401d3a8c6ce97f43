//! Send and schedules check their limits by the derived numbers, as Load shows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use portal_aws::clock;
use portal_domain::schedule::{Skip, Verdict};
use scheduled_send::ScheduledSend;
use serde_json::json;
use tests::World;
use tests::cloud::connector::named;
use tests::http::{Answer, Call};
use tests::line::{Fate, line};
use tests::scheduling::{Scheduling, due};

use super::load::{while_read, with_large_index};
use super::town;

/// Queries for counting by the index: recipients and accounts of each shard.
const OF_INDEX: usize = 16;

/// Posts a campaign for so many people, and answers how many queries were made.
async fn send(world: &World, key: &str, expected: u64) -> (Answer, usize) {
    let queries = Arc::new(AtomicUsize::new(0));
    let seen = queries.clone();
    let config = line(&named(&world.config, "send"), move |operation, _| {
        seen.fetch_add(usize::from(operation == "Query"), Ordering::Relaxed);
        Fate::Made
    });
    let router = send::router(send::Send::new(&world.context(&config)).unwrap());
    let answer = while_read(world, request(key, expected).on(router)).await;
    (answer, queries.load(Ordering::Relaxed))
}

fn request(key: &str, expected: u64) -> Call {
    let body = json!({"filter": {"division": "NORTH"}, "templateId": "portal-invitation",
        "emailFrom": tests::world::SENDER, "expectedRecipients": expected});
    Call::new("POST", "/v1/campaigns").header("Idempotency-Key", key).json(&body)
}

#[tokio::test]
async fn send_checks_what_was_imported_just_before_by_the_numbers() {
    let world = town().await;
    world.roll_up().await;
    let counts = while_read(&world, world.counts("division=NORTH")).await;
    let expected = counts["willEmail"].as_u64().unwrap();
    world.import((100..110).map(|person| world.account_of(person))).await;
    let (refused, queries) = send(&world, "one", expected).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(refused.json()["counts"]["willEmail"], expected + 10);
    assert!(queries < OF_INDEX, "{queries}");
    let (started, queries) = send(&world, "two", expected + 10).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    assert!(queries < OF_INDEX, "{queries}");
}

#[tokio::test]
async fn a_schedule_checks_its_limit_by_the_numbers() {
    let scheduling = Scheduling::of(town().await);
    let world = &scheduling.world;
    world.roll_up().await;
    let will_email = while_read(world, world.counts("division=NORTH")).await["willEmail"].as_u64().unwrap();
    let schedule = scheduling.schedule(json!({"maxRecipients": will_email})).await;
    world.import([world.account_of(100)]).await;
    let now = clock::now();
    let queries = Arc::new(AtomicUsize::new(0));
    let seen = queries.clone();
    let config = line(&named(&world.config, "scheduled-send"), move |operation, _| {
        seen.fetch_add(usize::from(operation == "Query"), Ordering::Relaxed);
        Fate::Made
    });
    let function = ScheduledSend::new(&world.context(&config)).unwrap();
    let event = due(&schedule, now);
    let occurrence = while_read(world, function.run(&event, now)).await.unwrap().unwrap();
    let Verdict::Skipped { reason, will_email: now_email, .. } = occurrence.verdict else { panic!("{occurrence:?}") };
    assert_eq!((reason, now_email), (Skip::TooManyRecipients.into(), Some(will_email + 1)));
    assert!(queries.load(Ordering::Relaxed) < OF_INDEX);
}

#[tokio::test(start_paused = true)]
async fn send_starts_nothing_in_a_division_that_can_not_be_counted() {
    let world = town().await;
    let answer = with_large_index(&world, "send", async |context| {
        let router = send::router(send::Send::new(context).unwrap());
        request("one", 30).on(router).await
    })
    .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(answer.json()["type"], "/problems/not-counted");
    assert_eq!(world.get_json("/v1/campaigns?division=NORTH").await["items"], json!([]));
}
