//! What `deliver` does when the world changes under it, or hands it the same work twice.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

use std::time::Duration;

use fail::FailScenario;
use jiff::SignedDuration;
use portal_aws::clock;
use portal_domain::{Outcome, PortalStatus};
use serde_json::json;
use tests::http::Call;
use tests::{Account, Contact, World};

/// One account each for `p0`, `p1`, ...
async fn world_with(people: usize) -> World {
    let world = World::new().await;
    let accounts = (0..people).map(|i| {
        let contact = Contact::new("1", &world.email(format!("p{i}")));
        Account::new("NORTH", &format!("A{i}")).contact(contact)
    });
    world.import(accounts).await;
    world
}

async fn fan_out_only(world: &World) -> Vec<aws_sdk_sqs::types::Message> {
    loop {
        let messages = world.receive("FAN_OUT_QUEUE_URL").await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let deadline = clock::now() + SignedDuration::from_secs(60);
            assert!(world.invoke("FAN_OUT_QUEUE_URL", &message, deadline).await);
            world.delete("FAN_OUT_QUEUE_URL", &message).await;
        }
    }
    let mut deliveries = Vec::new();
    loop {
        let messages = world.receive("DELIVER_QUEUE_URL").await;
        if messages.is_empty() {
            return deliveries;
        }
        for message in messages {
            world.delete("DELIVER_QUEUE_URL", &message).await;
            deliveries.push(message);
        }
    }
}

#[tokio::test]
async fn the_same_message_delivered_again_never_sends_again_nor_replaces_a_password() {
    let world = world_with(30).await;
    let id = world.send("NORTH").await;
    let deliveries = fan_out_only(&world).await;
    for _ in 0..3 {
        for message in &deliveries {
            assert!(world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await);
        }
    }
    let mails = world.mails().await;
    assert_eq!(mails.len(), 30);
    for mail in &mails {
        let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
        assert!(recipient.digest.unwrap().verifies(mail.password()));
    }
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 30);
}

#[tokio::test]
async fn the_same_message_delivered_at_the_same_time_sends_once() {
    let world = world_with(30).await;
    let id = world.send("NORTH").await;
    let deliveries = fan_out_only(&world).await;
    let deadline = clock::now() + SignedDuration::from_secs(60);
    let twice = deliveries.iter().chain(&deliveries).chain(&deliveries);
    futures::future::join_all(twice.map(|message| world.invoke("DELIVER_QUEUE_URL", message, deadline))).await;
    assert_eq!(world.mails().await.len(), 30);
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["outcomes"]["sent"], 30);
    assert_eq!(campaign["state"], "completed");
}

#[tokio::test]
async fn the_same_fan_out_message_at_the_same_time_writes_each_row_once() {
    let world = world_with(200).await;
    let id = world.send("NORTH").await;
    let messages = world.receive("FAN_OUT_QUEUE_URL").await;
    let deadline = clock::now() + SignedDuration::from_secs(60);
    let twice = messages.iter().chain(&messages);
    futures::future::join_all(twice.map(|message| world.invoke("FAN_OUT_QUEUE_URL", message, deadline))).await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(200), &json!(200)));
    assert_eq!(world.mails().await.len(), 200);
}

#[tokio::test]
async fn who_accepts_between_load_and_delivery_is_not_mailed() {
    let world = world_with(3).await;
    let id = world.send("NORTH").await;
    let deliveries = fan_out_only(&world).await;
    world.accept("NORTH", &world.email("p1")).await;
    for message in &deliveries {
        world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await;
    }
    let mailed: Vec<_> = world.mails().await.into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(mailed.len(), 2);
    assert!(!mailed.contains(&world.email("p1")));
    let skipped: Vec<_> = world.ledger(id).await.into_iter().filter(|row| row.outcome == Outcome::Skipped).collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].reason.as_deref(), Some("accepted"));
    assert_eq!(world.recipient("NORTH", &world.email("p1")).await.unwrap().status, PortalStatus::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_between_read_and_claim_is_not_mailed() {
    let scenario = FailScenario::setup();
    let world = std::sync::Arc::new(world_with(3).await);
    let id = world.send("NORTH").await;
    let accepting = world.clone();
    let runtime = tokio::runtime::Handle::current();
    let once = std::sync::Once::new();
    fail::cfg_callback("deliver.read", move || {
        once.call_once(|| {
            tokio::task::block_in_place(|| {
                runtime.block_on(async {
                    for i in 0..3 {
                        accepting.accept("NORTH", &accepting.email(format!("p{i}"))).await;
                    }
                });
            });
        });
    })
    .unwrap();
    world.pump().await;
    scenario.teardown();
    assert!(world.mails().await.is_empty());
    assert_eq!(world.campaign(id).await["outcomes"]["skipped"], 3);
    for i in 0..3 {
        let recipient = world.recipient("NORTH", &world.email(format!("p{i}"))).await.unwrap();
        assert_eq!((recipient.status, recipient.digest), (PortalStatus::Accepted, None));
    }
}

#[tokio::test]
async fn who_is_unlinked_in_flight_is_skipped() {
    let world = world_with(3).await;
    let id = world.send("NORTH").await;
    let deliveries = fan_out_only(&world).await;
    let answer = world.call(Call::new("DELETE", "/v1/accounts/A0")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    for message in &deliveries {
        world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await;
    }
    assert_eq!(world.mails().await.len(), 2);
    let reasons: Vec<_> = world.ledger(id).await.into_iter().filter_map(|row| row.reason).collect();
    assert_eq!(reasons, ["noLongerSelected"]);
}

#[tokio::test]
async fn an_address_that_ses_refuses_fails_and_gets_back_what_it_had() {
    let world = world_with(3).await;
    let ses = aws_sdk_sesv2::Client::new(&world.config);
    let sender = world.email("sender");
    ses.create_email_identity().email_identity(&sender).send().await.unwrap();
    let before = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    let mut body = world.send_request("NORTH").await;
    body["emailFrom"] = json!(sender);
    let answer = world.post_campaign("key", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    ses.delete_email_identity().email_identity(&sender).send().await.unwrap();
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["failed"]), (&json!("completed"), &json!(3)));
    let after = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((after.status, after.digest, after.last_invited_at), (before.status, before.digest, None));
    assert_eq!(after.index_sort, before.index_sort);
    let failed = world.call(Call::new("GET", &format!("/v1/campaigns/{id}/recipients?outcome=failed"))).await.json();
    assert_eq!(failed["items"].as_array().unwrap().len(), 3);
    assert!(failed["items"][0]["reason"].is_string());
}

#[tokio::test]
async fn a_dead_delivery_fails_its_recipients_and_the_campaign_ends() {
    let world = world_with(5).await;
    let id = world.send("NORTH").await;
    for message in fan_out_only(&world).await {
        world.enqueue("DELIVER_DEAD_LETTER_QUEUE_URL", message.body.as_deref().unwrap()).await;
    }
    assert_eq!(world.campaign(id).await["state"], "sending");
    let swept = world.sweep_after(Duration::ZERO).await;
    assert!(swept.dead_letters > 0);
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["failed"]), (&json!("completed"), &json!(5)));
    assert!(world.receive("DELIVER_DEAD_LETTER_QUEUE_URL").await.is_empty());
    assert!(world.campaigns.active().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unreadable_message_fails_alone_and_is_parked_when_it_is_dead() {
    let world = world_with(1).await;
    let poison = r#"{"campaignId":"nonsense"}"#;
    for queue in ["FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
        world.enqueue(queue, poison).await;
        let messages = world.receive(queue).await;
        assert!(!world.invoke(queue, &messages[0], clock::now() + SignedDuration::from_secs(60)).await);
        world.delete(queue, &messages[0]).await;
    }
    world.enqueue("DELIVER_DEAD_LETTER_QUEUE_URL", poison).await;
    world.enqueue("FAN_OUT_DEAD_LETTER_QUEUE_URL", poison).await;
    assert_eq!(world.sweep_after(Duration::ZERO).await.parked, 2);
    let parked = world.receive("PARKING_QUEUE_URL").await;
    assert_eq!(parked[0].body.as_deref(), Some(poison));
    assert!(world.receive("DELIVER_DEAD_LETTER_QUEUE_URL").await.is_empty());
}

#[tokio::test]
async fn a_message_that_comes_too_late_in_an_invocation_waits_and_uses_up_nothing() {
    let world = world_with(3).await;
    let id = world.send("NORTH").await;
    for message in fan_out_only(&world).await {
        assert!(world.invoke("DELIVER_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(5)).await);
    }
    assert!(world.mails().await.is_empty());
    world.pump().await;
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 3);
}
