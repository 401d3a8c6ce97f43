//! Calls that are not made, and answers that get lost, on the line between a function and the cloud.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use deliver::Deliver;
use jiff::SignedDuration;
use portal_aws::campaigns::CampaignStore;
use portal_aws::clock;
use portal_aws::table::{key, s};
use portal_domain::{Outcome, PortalStatus};
use serde_json::json;
use tests::World;
use tests::clock::with_clock;
use tests::cloud::CAMPAIGNS;
use tests::line::{Fate, Gate, line};

/// How many times the SDK tries a call to DynamoDB without a connection.
const SDK_TRIES: usize = 3;

/// Puts a line between `deliver` and the cloud.
fn deliver_over(world: &mut World, fate: impl Fn(&str, usize) -> Fate + Send + Sync + 'static) {
    world.deliver = Deliver::new(&world.context(&line(&world.config, fate))).unwrap();
}

async fn invoke(world: &World, message: &Message) -> bool {
    world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await
}

#[tokio::test]
async fn a_claim_that_was_written_is_sent_though_its_answer_was_lost() {
    let mut world = World::with_people(3).await;
    deliver_over(&mut world, |operation, earlier| match (operation, earlier) {
        ("TransactWriteItems", 0) => Fate::AnswerLost,
        ("TransactWriteItems", ..SDK_TRIES) => Fate::NoConnection,
        _ => Fate::Made,
    });
    let id = world.send("NORTH").await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(3)));
    assert_eq!(world.mails().len(), 3);
}

#[tokio::test]
async fn without_a_claim_nobody_is_mailed() {
    let mut world = World::with_people(1).await;
    deliver_over(&mut world, |operation, earlier| match (operation, earlier) {
        ("TransactWriteItems", ..SDK_TRIES) => Fate::NoConnection,
        _ => Fate::Made,
    });
    let id = world.send("NORTH").await;
    let message = world.fan_out().await.remove(0);
    assert!(invoke(&world, &message).await, "to wait uses up no receives");
    assert!(world.mails().is_empty());
    assert!(invoke(&world, &message).await);
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 1);
    assert_eq!(world.mails().len(), 1);
}

/// Guarantees 2 and 5: nobody knows whether these e-mails left, so nobody is mailed again, and their passwords stay
/// valid.
#[tokio::test(start_paused = true)]
async fn an_answer_of_ses_that_is_lost_late_or_a_fault_is_unconfirmed() {
    with_clock(async |_| {
        let mut world = World::with_people(6).await;
        deliver_over(&mut world, |operation, earlier| match (operation, earlier) {
            ("SendEmail", 0) => Fate::AnswerLost,
            ("SendEmail", 1) => Fate::NoAnswer,
            ("SendEmail", 2) => Fate::Answered(500, "{}"),
            _ => Fate::Made,
        });
        let id = world.send("NORTH").await;
        world.pump().await;
        world.sweep_after(Duration::from_secs(600)).await;
        world.pump().await;
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(3)));
        let mut reasons: Vec<_> = world.ledger(id).await.into_iter().filter_map(|row| row.reason).collect();
        reasons.sort();
        assert_eq!(reasons, ["connectionLost", "serverError", "timeout"]);
        let mails = world.mails();
        assert_eq!(mails.len(), 5, "of the three, two had left");
        for mail in mails {
            let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
            assert!(recipient.digest.unwrap().verifies(mail.password()));
        }
        for i in 0..6 {
            let recipient = world.recipient("NORTH", &world.email(format!("p{i}"))).await.unwrap();
            assert_eq!((recipient.status, recipient.digest.is_some()), (PortalStatus::Pending, true));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_ses_throttles_gets_back_what_they_had_and_is_mailed_later() {
    with_clock(async |_| {
        let mut world = World::with_people(1).await;
        deliver_over(&mut world, |operation, earlier| match (operation, earlier) {
            ("SendEmail", 0) => Fate::Answered(429, r#"{"__type":"TooManyRequestsException"}"#),
            _ => Fate::Made,
        });
        let before = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        let id = world.send("NORTH").await;
        world.pump().await;
        assert!(world.mails().is_empty());
        let after = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        assert_eq!((after.status, after.digest, after.last_invited_at), (before.status, None, None));
        assert_eq!((after.last_campaign_id, after.index_sort), (None, before.index_sort));
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["outcomes"]["queued"]), (&json!("sending"), &json!(1)));
        tokio::time::sleep(Duration::from_secs(8)).await;
        world.pump().await;
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(1)));
        assert_eq!(world.mails().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn while_ses_is_out_of_reach_everyone_waits() {
    let mut world = World::with_people(3).await;
    let out_of_reach = Arc::new(AtomicBool::new(true));
    let is_out_of_reach = out_of_reach.clone();
    deliver_over(&mut world, move |operation, _| match operation {
        "SendEmail" if is_out_of_reach.load(Ordering::Relaxed) => Fate::NoConnection,
        _ => Fate::Made,
    });
    let id = world.send("NORTH").await;
    let messages = world.fan_out().await;
    for message in &messages {
        assert!(invoke(&world, message).await, "to wait uses up no receives");
    }
    assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Queued));
    out_of_reach.store(false, Ordering::Relaxed);
    for message in &messages {
        assert!(invoke(&world, message).await);
    }
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 3);
}

/// A function saw that the ledger was complete, and was slow to record it; meanwhile everything was sent.
#[tokio::test]
async fn a_campaign_that_has_ended_is_not_moved_on_by_someone_slow() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    let messages = world.fan_out().await;
    let preparing = world.dynamo.update_item().table_name(CAMPAIGNS);
    let preparing = preparing.set_key(Some(key("CAMPAIGNS", id.to_string()))).update_expression("SET #state = :state");
    let preparing = preparing.expression_attribute_names("#state", "state");
    preparing.expression_attribute_values(":state", s("preparing")).send().await.unwrap();

    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let slow = line(&world.config, move |operation, earlier| match (operation, earlier) {
        ("TransactWriteItems", 0) => Fate::Held(held.clone()),
        _ => Fate::Made,
    });
    let slow = CampaignStore::new(&world.context(&slow)).unwrap();
    let meanwhile = async {
        gate.arrived().await;
        for message in &messages {
            assert!(invoke(&world, message).await);
        }
        assert_eq!(world.campaign(id).await["state"], "completed");
        gate.open();
    };
    let (moved, ()) = futures::future::join(slow.advance(id, clock::now()), meanwhile).await;
    assert_eq!(moved.unwrap(), None);
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(1)));
    assert!(world.campaigns.active().await.unwrap().is_empty());
}

#[tokio::test]
async fn while_ses_has_paused_the_account_nothing_starts() {
    let world = World::with_people(1).await;
    let body = world.send_request("NORTH").await;
    world.cloud().ses.account.sending_enabled = false;
    let paused = world.post_campaign("k", &body).await;
    assert_eq!((paused.status.as_u16(), paused.json()["type"].clone()), (409, json!("/problems/sending-paused")));
    assert!(world.campaigns.active().await.unwrap().is_empty());
}
