//! Events between two steps of `fan-out` and `deliver`: an acceptance, another invitation, a sweep, the deadline.

use std::sync::Arc;

use aws_sdk_sqs::types::Message;
use fail::FailScenario;
use jiff::SignedDuration;
use portal_aws::campaigns::claims::{ClaimItem, Claims};
use portal_aws::clock;
use portal_aws::queue::FanOutMessage;
use portal_domain::{Outcome, PortalStatus, RecipientId};
use serde_json::json;
use tests::World;
use tests::clock::with_clock;
use tests::http::Call;

use crate::{LATER, once_at};

/// The fan-out message of the shard that this recipient is in.
async fn fan_out_message(world: &World, recipient: RecipientId) -> Message {
    let is_its = |message: &Message| {
        let read: FanOutMessage = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
        read.shard == recipient.shard()
    };
    world.receive("FAN_OUT_QUEUE_URL").await.into_iter().find(is_its).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_between_read_and_claim_is_not_mailed() {
    let _scenario = FailScenario::setup();
    // The version detects it, and so does the status alone if the version was left as it was.
    for with_version in [true, false] {
        let world = Arc::new(World::with_people(1).await);
        let id = world.send("NORTH").await;
        world.write_ledger().await;
        once_at("deliver.read", &world, async move |world| {
            let email = world.email("p0");
            if with_version {
                world.accept("NORTH", &email).await;
            } else {
                world.set(&email, "status", "accepted").await;
            }
        });
        world.pump().await;
        assert!(world.mails().is_empty());
        assert_eq!(world.ledger(id).await[0].reason.as_deref(), Some("accepted"));
        let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        assert_eq!((recipient.status, recipient.digest), (PortalStatus::Accepted, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unlinked_between_read_and_claim_is_skipped() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    let id = world.send("NORTH").await;
    world.write_ledger().await;
    once_at("deliver.read", &world, async |world| {
        assert_eq!(world.call(Call::new("DELETE", "/v1/accounts/A0")).await.status, 204);
    });
    world.pump().await;
    assert!(world.mails().is_empty());
    assert_eq!(world.ledger(id).await[0].reason.as_deref(), Some("noLongerSelected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_while_ses_refuses_the_mail_keeps_their_access() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    let id = world.send_refused("NORTH").await;
    once_at("deliver.sent", &world, async |world| drop(world.accept("NORTH", &world.email("p0")).await));
    world.pump().await;
    assert_eq!(world.campaign(id).await["outcomes"]["failed"], 1);
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!(recipient.status, PortalStatus::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_password_than_that_of_a_refused_mail_stays() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    let id = world.send_refused("NORTH").await;
    once_at("deliver.sent", &world, async |world| world.set(&world.email("p0"), "digest", "newer").await);
    world.pump().await;
    assert_eq!(world.campaign(id).await["outcomes"]["failed"], 1);
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!(recipient.digest.unwrap().as_str(), "newer");
    assert_eq!(recipient.status, PortalStatus::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_claim_records_over_those_who_settled_it() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(3).await);
    let id = world.send("NORTH").await;
    once_at("deliver.sent", &world, async |world| {
        assert_eq!(world.sweep_after(LATER).await.claims_settled, 1);
    });
    world.pump().await;
    assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Sent && row.reason.is_none()));
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(3)));
    assert_eq!(campaign["outcomes"]["unconfirmed"], 0);
    let attention = world.get_json(&format!("/v1/campaigns/{id}/recipients?outcome=unconfirmed")).await;
    assert_eq!(attention["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_settled_only_under_its_own_id() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    fail::cfg("deliver.claimed", "1*panic->off").unwrap();
    let id = world.send("NORTH").await;
    world.pump().await;
    let row = world.ledger(id).await.remove(0);
    assert_eq!(row.outcome, Outcome::Claimed);
    let recipient_ids = vec![row.recipient_id];
    let other = ClaimItem::new(clock::new_claim_id(), clock::now(), recipient_ids);
    world.store(Claims::new).settle(id, row.recipient_id.shard(), &other).await.unwrap();
    assert_eq!(world.ledger(id).await, [row]);
    assert_eq!(world.campaign(id).await["outcomes"]["claimed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_released_at_the_deadline_restore_their_state_and_are_mailed_later() {
    with_clock(async |watch| {
        let _scenario = FailScenario::setup();
        let world = Arc::new(World::with_people(1).await);
        let email = world.email("p0");
        let before = world.recipient("NORTH", &email).await.unwrap();
        let id = world.send("NORTH").await;
        let message = fan_out_message(&world, before.recipient_id).await;
        assert!(world.invoke("FAN_OUT_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(60)).await);
        let message = world.receive("DELIVER_QUEUE_URL").await.remove(0);
        world.delete("DELIVER_QUEUE_URL", &message).await;
        once_at("deliver.claimed", &world, async move |_| watch.put_ahead(SignedDuration::from_secs(10)));
        assert!(world.invoke("DELIVER_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(24)).await);
        assert!(world.mails().is_empty());
        let after = world.recipient("NORTH", &email).await.unwrap();
        assert_eq!((after.status, after.digest, after.last_invited_at), (before.status, None, None));
        assert_eq!(after.index_sort, before.index_sort);
        assert_eq!(world.ledger(id).await[0].outcome, Outcome::Queued);
        world.pump().await;
        assert_eq!(world.campaign(id).await["outcomes"]["sent"], 1);
        assert_eq!(world.mails().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fan_out_goes_on_in_a_message_of_its_own_but_only_if_it_got_further() {
    with_clock(async |watch| {
        let _scenario = FailScenario::setup();
        let world = Arc::new(World::with_people(1).await);
        let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
        let id = world.send("NORTH").await;
        let message = fan_out_message(&world, recipient).await;
        world.delete("FAN_OUT_QUEUE_URL", &message).await;
        let others = world.receive("FAN_OUT_QUEUE_URL").await.len();
        assert!(!world.invoke("FAN_OUT_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(5)).await);
        assert!(world.ledger(id).await.is_empty());
        assert_eq!(world.receive("FAN_OUT_QUEUE_URL").await.len(), others, "no continuation that gets no further");
        once_at("fan-out.written", &world, async move |_| watch.put_ahead(SignedDuration::from_secs(6)));
        assert!(world.invoke("FAN_OUT_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(15)).await);
        assert_eq!(world.receive("FAN_OUT_QUEUE_URL").await.len(), others + 1);
        world.pump().await;
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(1)));
    })
    .await;
}
