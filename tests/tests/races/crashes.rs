//! `send`, `fan-out` and `deliver`, killed at each step of the protocol and started again.

use std::collections::HashMap;
use std::time::Duration;

use fail::FailScenario;
use futures::FutureExt;
use portal_aws::clock;
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::schedule::Verdict;
use portal_domain::{CampaignId, Outcome};
use serde_json::json;
use tests::World;
use tests::scheduling::Scheduling;

use crate::LATER;

/// Enough for several messages, in all shards.
const PEOPLE: usize = 100;

/// What must hold however often and wherever functions were killed.
async fn assert_nobody_lost_and_nobody_twice(world: &World, id: CampaignId) {
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["state"], "completed", "{campaign}");
    assert_eq!(campaign["audience"], PEOPLE);
    let ledger = world.ledger(id).await;
    assert_eq!(ledger.len(), PEOPLE);

    let mut passwords: HashMap<String, Vec<String>> = HashMap::new();
    for mail in world.mails() {
        passwords.entry(mail.to[0].clone()).or_default().push(mail.password().to_owned());
    }
    let mut counted = HashMap::new();
    for row in &ledger {
        *counted.entry(<&str>::from(row.outcome)).or_insert(0) += 1;
    }
    for (outcome, number) in campaign["outcomes"].as_object().unwrap() {
        let rows = counted.get(outcome.as_str()).copied().unwrap_or(0);
        assert_eq!(*number, rows, "counter of {outcome}");
    }
    let by_id: HashMap<_, _> = ledger.iter().map(|row| (row.recipient_id, row.outcome)).collect();
    for i in 0..PEOPLE {
        let email = world.email(format!("p{i}"));
        let recipient = world.recipient("NORTH", &email).await.unwrap();
        let mailed = passwords.get(&email).map_or(&[][..], Vec::as_slice);
        match by_id[&recipient.recipient_id] {
            Outcome::Sent => assert_eq!(mailed.len(), 1, "{email}"),
            Outcome::Unconfirmed => assert!(mailed.len() <= 1, "{email}"),
            other => panic!("{email} ended as {other:?}"),
        }
        for password in mailed {
            assert!(recipient.digest.as_ref().unwrap().verifies(password), "the password mailed to {email} must work");
        }
    }
    assert!(world.campaigns.active().await.unwrap().is_empty(), "the lock is free");
}

/// Kills the function that reaches `point` the `nth` time, lets everything else run, and sweeps.
async fn kill_at(point: &str, nth: usize) -> (World, CampaignId) {
    let _scenario = FailScenario::setup();
    let world = World::with_people(PEOPLE).await;
    let body = world.send_request("NORTH").await;
    fail::cfg(point, &format!("{nth}*off->1*panic->off")).unwrap();

    let first = std::panic::AssertUnwindSafe(world.post_campaign("key-1", &body)).catch_unwind().await;
    if point.starts_with("send") {
        assert_ne!(first.map(|answer| answer.status.as_u16()).unwrap_or(500), 202, "send was killed");
    }
    let again = world.post_campaign("key-1", &body).await;
    assert_eq!(again.status, 202, "{}", again.text);
    let id = again.json()["campaignId"].as_str().unwrap().parse().unwrap();
    world.pump().await;
    world.sweep_after(LATER).await;
    world.pump().await;
    world.sweep_after(LATER).await;
    assert_nobody_lost_and_nobody_twice(&world, id).await;
    (world, id)
}

#[tokio::test]
async fn send_killed_after_its_transaction_starts_the_same_campaign_when_repeated() {
    kill_at("send.started", 0).await;
}

#[tokio::test]
async fn send_killed_after_its_transaction_is_taken_up_by_the_sweep_alone() {
    let _scenario = FailScenario::setup();
    let world = World::with_people(PEOPLE).await;
    let body = world.send_request("NORTH").await;
    fail::cfg("send.started", "1*panic->off").unwrap();
    world.post_campaign("key-1", &body).await;
    assert!(world.receive("FAN_OUT_QUEUE_URL").await.is_empty(), "nothing was queued");
    assert_eq!(world.sweep_after(Duration::from_secs(1)).await.shards_queued, 0, "a living send is left alone");
    assert_eq!(world.sweep_after(LATER).await.shards_queued, 8);
    world.pump().await;
    let id = world.post_campaign("key-1", &body).await.json()["campaignId"].as_str().unwrap().parse().unwrap();
    assert_nobody_lost_and_nobody_twice(&world, id).await;
}

#[tokio::test]
async fn a_scheduled_send_killed_after_its_transaction_is_finished_by_retry_or_sweep() {
    for called_again in [true, false] {
        let _scenario = FailScenario::setup();
        let scheduling = Scheduling::with_people(PEOPLE).await;
        let world = &scheduling.world;
        let schedule = scheduling.schedule(json!({})).await;
        let at = clock::now();
        fail::cfg("scheduled-send.started", "1*panic->off").unwrap();
        let killed = std::panic::AssertUnwindSafe(scheduling.fire(&schedule, at, at)).catch_unwind().await;
        assert!(killed.is_err());
        assert!(world.receive("FAN_OUT_QUEUE_URL").await.is_empty(), "nothing was queued");
        if called_again {
            scheduling.verdict(&schedule, at).await;
        } else {
            assert_eq!(world.sweep_after(LATER).await.shards_queued, 8);
        }
        world.pump().await;
        let Verdict::Started { campaign_id, .. } = scheduling.verdict(&schedule, at).await else {
            panic!("no campaign")
        };
        assert_nobody_lost_and_nobody_twice(world, campaign_id).await;
    }
}

#[tokio::test]
async fn fan_out_killed_after_writing_a_page_queues_that_page() {
    for nth in [0, 3] {
        let (world, id) = kill_at("fan-out.written", nth).await;
        assert_eq!(world.campaign(id).await["outcomes"]["sent"], PEOPLE);
    }
}

#[tokio::test]
async fn fan_out_killed_after_queueing_a_page_mails_nobody_twice() {
    for nth in [0, 5] {
        let (world, id) = kill_at("fan-out.queued", nth).await;
        assert_eq!(world.campaign(id).await["outcomes"]["sent"], PEOPLE);
    }
}

#[tokio::test]
async fn deliver_killed_before_its_claim_sends_when_the_message_comes_again() {
    let (world, id) = kill_at("deliver.read", 2).await;
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], PEOPLE);
}

#[tokio::test]
async fn deliver_killed_between_claim_and_sending_leaves_its_batch_unconfirmed() {
    let (world, id) = kill_at("deliver.claimed", 1).await;
    let unconfirmed = world.campaign(id).await["outcomes"]["unconfirmed"].as_u64().unwrap() as usize;
    assert!((1..=DELIVERY_SIZE).contains(&unconfirmed), "{unconfirmed}");
    assert_eq!(world.mails().len(), PEOPLE - unconfirmed);
}

#[tokio::test]
async fn deliver_killed_before_recording_leaves_its_batch_unconfirmed() {
    let (world, id) = kill_at("deliver.sent", 1).await;
    let unconfirmed = world.campaign(id).await["outcomes"]["unconfirmed"].as_u64().unwrap() as usize;
    assert!((1..=DELIVERY_SIZE).contains(&unconfirmed), "{unconfirmed}");
    assert_eq!(world.mails().len(), PEOPLE, "all e-mails had left");
}

#[tokio::test]
async fn deliver_killed_after_recording_changes_nothing() {
    let (world, id) = kill_at("deliver.recorded", 1).await;
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], PEOPLE);
}

#[tokio::test]
async fn nobody_settles_a_claim_before_its_time() {
    let _scenario = FailScenario::setup();
    let world = World::with_people(PEOPLE).await;
    fail::cfg("deliver.claimed", "1*panic->off").unwrap();
    let id = world.send("NORTH").await;
    world.pump().await;
    assert_eq!(world.sweep_after(Duration::from_secs(90)).await.claims_settled, 0);
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["state"], "sending", "not ended while a claim is open");
    assert_ne!(campaign["outcomes"]["claimed"], json!(0));
    assert_eq!(world.sweep_after(LATER).await.claims_settled, 1);
    assert_nobody_lost_and_nobody_twice(&world, id).await;
}
