//! SES's reports while `deliver` works, and `feedback` killed or overtaken.

use std::sync::Arc;

use fail::FailScenario;
use futures::FutureExt;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_domain::feedback::Standing;
use portal_domain::{CampaignId, Outcome, PortalStatus, Recipient};
use serde_json::{Value, json};
use tests::World;
use tests::ses::event_of;

use crate::{LATER, once_at};

fn outcomes(campaign: &Value) -> [u64; 4] {
    ["claimed", "sent", "failed", "unconfirmed"].map(|name| campaign["outcomes"][name].as_u64().unwrap())
}

/// A campaign to `people` people in which this is reported of everyone before `deliver` records that it sent.
async fn reported_before_the_record(people: usize, kind: &'static str) -> (Arc<World>, CampaignId, Vec<LedgerItem>) {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(people).await);
    let id = world.send("NORTH").await;
    once_at("deliver.sent", &world, async move |world| {
        for row in world.ledger(id).await.into_iter().filter(|row| row.outcome == Outcome::Claimed) {
            world.reports([event_of(kind, id, &row)]).await;
        }
    });
    world.pump().await;
    let rows = world.ledger(id).await;
    (world, id, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_before_the_record_counts_once_and_stays() {
    for (kind, standing) in [("send", None), ("bounce", Some(Standing::Bounced))] {
        let (world, id, rows) = reported_before_the_record(1, kind).await;
        assert_eq!((rows[0].outcome, rows[0].standing), (Outcome::Sent, standing), "{kind}");
        assert_eq!((rows[0].message_id.as_deref(), &rows[0].reason), (Some("not-recorded"), &None));
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], outcomes(&campaign)), (&json!("completed"), [0, 1, 0, 0]), "{kind}");
        let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        assert_eq!(Recipient::from(recipient).undeliverable.as_deref(), standing.map(<&str>::from));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_is_rejected_before_the_record_stays_failed() {
    let (world, id, rows) = reported_before_the_record(1, "reject").await;
    assert_eq!((rows[0].outcome, rows[0].reason.as_deref()), (Outcome::Failed, Some("rejected")));
    assert_eq!(outcomes(&world.campaign(id).await), [0, 0, 1, 0]);
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((recipient.status, recipient.digest), (PortalStatus::NotSent, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_send_event_settles_who_was_claimed_or_unconfirmed_and_ends_the_campaign() {
    for swept_before in [false, true] {
        let _scenario = FailScenario::setup();
        let world = World::with_people(3).await;
        let id = world.send("NORTH").await;
        fail::cfg("deliver.sent", "panic").unwrap();
        world.pump().await;
        fail::remove("deliver.sent");
        if swept_before {
            world.sweep_after(LATER).await;
            assert_eq!(outcomes(&world.campaign(id).await), [0, 0, 0, 3]);
        } else {
            assert_eq!(outcomes(&world.campaign(id).await), [3, 0, 0, 0]);
        }
        for row in world.ledger(id).await {
            world.reports([event_of("send", id, &row)]).await;
        }
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], outcomes(&campaign)), (&json!("completed"), [0, 3, 0, 0]));
        assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Sent && row.reason.is_none()));
        let attention = world.get_json(&format!("/v1/campaigns/{id}/recipients?outcome=unconfirmed")).await;
        assert_eq!(attention["items"], json!([]));
        assert!(world.campaigns.active().await.unwrap().is_empty(), "the lock is free");
        world.sweep_after(LATER).await;
        assert_eq!(outcomes(&world.campaign(id).await), [0, 3, 0, 0], "the sweep finds nothing to settle");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_another_overtakes_is_decided_anew() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    let id = world.send("NORTH").await;
    world.pump().await;
    let row = world.ledger(id).await.remove(0);
    let complaint = event_of("complaint", id, &row);
    once_at("feedback.read", &world, async move |world| world.reports([complaint.clone()]).await);
    world.reports([event_of("delivery", id, &row)]).await;
    assert_eq!(world.ledger(id).await[0].standing, Some(Standing::Complained));
    let expected = json!({"delayed": 0, "softBounced": 0, "delivered": 0, "bounced": 0, "complained": 1});
    assert_eq!(world.campaign(id).await["feedback"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_at_the_same_time_counts_once() {
    for (kind, bounced) in [("bounce", 1), ("send", 0)] {
        let _scenario = FailScenario::setup();
        let world = World::with_people(1).await;
        let id = world.send("NORTH").await;
        fail::cfg("deliver.sent", "panic").unwrap();
        world.pump().await;
        let row = world.ledger(id).await.remove(0);
        futures::future::join_all((0..8).map(|_| world.reports([event_of(kind, id, &row)]))).await;
        fail::remove("deliver.sent");
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["feedback"]["bounced"], outcomes(&campaign)), (&json!(bounced), [0, 1, 0, 0]), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_bounces_between_read_and_claim_of_another_delivery_is_not_mailed() {
    let _scenario = FailScenario::setup();
    let world = Arc::new(World::with_people(1).await);
    let first = world.send("NORTH").await;
    world.pump().await;
    let bounce = event_of("bounce", first, &world.ledger(first).await[0]);
    let mut body = world.send_request("NORTH").await;
    body["includeRecentlyInvited"] = json!(true);
    body["expectedRecipients"] = json!(1);
    let second = world.post_campaign("key", &body).await.json()["campaignId"].as_str().unwrap().parse().unwrap();
    once_at("deliver.read", &world, async move |world| world.reports([bounce.clone()]).await);
    world.pump().await;
    assert_eq!(world.ledger(second).await[0].reason.as_deref(), Some("undeliverable"));
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_whose_halt_was_lost_in_a_crash_halts_when_the_report_comes_again() {
    let _scenario = FailScenario::setup();
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    // Nothing is recorded, so the campaign has not ended: only the reports show who was e-mailed.
    fail::cfg("deliver.sent", "panic").unwrap();
    world.pump().await;
    fail::remove("deliver.sent");
    let rows = world.ledger(id).await;
    let events: Vec<_> = rows.iter().take(11).map(|row| event_of("bounce", id, row)).collect();
    world.reports(events[..10].iter().cloned()).await;
    fail::cfg("feedback.written", "1*panic->off").unwrap();
    let body = [events[10].to_string()];
    assert!(std::panic::AssertUnwindSafe(world.feed(&body)).catch_unwind().await.is_err(), "it was killed");
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["feedback"]["bounced"], &campaign["state"]), (&json!(11), &json!("sending")));
    world.reports([events[10].clone()]).await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["feedback"]["bounced"], &campaign["state"]), (&json!(11), &json!("halted")));
}
