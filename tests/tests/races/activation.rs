//! Concurrent changes between two steps of `activate` and `resend`, and acceptances between steps of others.

use std::sync::Arc;

use fail::FailScenario;
use portal_aws::campaigns::self_service::SelfServiceStore;
use portal_domain::{CampaignId, Outcome, PortalStatus};
use serde_json::json;
use tests::World;
use tests::http::Call;

use crate::{LATER, once_at};

/// A world in which `p0` was invited, and the password that they were mailed.
async fn invited() -> (Arc<World>, String) {
    let world = World::with_people(1).await;
    world.send("NORTH").await;
    world.pump().await;
    let password = world.passwords(&world.email("p0")).remove(0);
    (Arc::new(world), password)
}

/// Invites `p0` once more.
async fn invite_again(world: &World) -> CampaignId {
    let mut request = world.send_request("NORTH").await;
    (request["includeRecentlyInvited"], request["expectedRecipients"]) = (json!(true), json!(1));
    let answer = world.post_campaign("again", &request).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["campaignId"].as_str().unwrap().parse().unwrap()
}

async fn status(world: &World) -> PortalStatus {
    world.recipient("NORTH", &world.email("p0")).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_replaced_by_an_operators_campaign_is_refused_and_the_new_one_works() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    invite_again(&world).await;
    once_at("activate.read", &world, async |world| world.pump().await);
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 403);
    assert_eq!(status(&world).await, PortalStatus::Pending);
    let newest = world.passwords(&world.email("p0")).remove(1);
    assert_eq!(world.activate(&world.email("p0"), &newest).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_asked_for_meanwhile_neither_refuses_nor_undoes_an_acceptance() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    world.ask_again("NORTH", &world.email("p0")).await;
    once_at("activate.read", &world, async |world| world.pump().await);
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 204);
    assert_eq!(world.passwords(&world.email("p0")).len(), 2, "it was sent meanwhile");
    assert_eq!(status(&world).await, PortalStatus::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_before_the_next_mail_is_claimed_gets_none() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    let id = invite_again(&world).await;
    once_at("deliver.read", &world, async move |world| {
        assert_eq!(world.activate(&world.email("p0"), &password).await.status, 204);
    });
    world.pump().await;
    assert_eq!(world.passwords(&world.email("p0")).len(), 1);
    assert_eq!(world.ledger(id).await[0].reason.as_deref(), Some("accepted"));
    assert_eq!(status(&world).await, PortalStatus::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_return_of_a_refused_mail_does_not_undo_an_acceptance() {
    // Between the claim and SES's answer, and after it.
    for point in ["deliver.claimed", "deliver.sent"] {
        let _scenario = FailScenario::setup();
        let (world, password) = invited().await;
        world.ask_again("NORTH", &world.email("p0")).await;
        once_at(point, &world, async move |world| {
            assert_eq!(world.activate(&world.email("p0"), &password).await.status, 204);
        });
        world.pump_with(&world.refused_deliver()).await;
        assert_eq!(status(&world).await, PortalStatus::Accepted, "{point}");
        let campaigns = world.call(Call::new("GET", "/v1/campaigns?division=NORTH")).await.json();
        assert_eq!(campaigns["items"][0]["outcomes"]["failed"], 1, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_and_refused_by_ses_leaves_all_passwords_as_they_were() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    let before = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump_with(&world.refused_deliver()).await;
    let after = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((after.digest, after.earlier, after.expires_at), (before.digest, before.earlier, before.expires_at));
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_withdrawn_meanwhile_is_refused() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    once_at("activate.read", &world, async |world| {
        let id = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
        let withdraw =
            Call::new("POST", &format!("/v1/recipients/{id}/withdraw")).json(&json!({"reason": "moved away"}));
        assert_eq!(world.call(withdraw).await.status, 204);
    });
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 403);
    assert_eq!(status(&world).await, PortalStatus::NotSent);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_withdrawn_while_ses_refuses_the_mail_stays_withdrawn() {
    let _scenario = FailScenario::setup();
    let (world, _) = invited().await;
    invite_again(&world).await;
    once_at("deliver.claimed", &world, async |world| {
        let id = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
        let withdraw =
            Call::new("POST", &format!("/v1/recipients/{id}/withdraw")).json(&json!({"reason": "moved away"}));
        assert_eq!(world.call(withdraw).await.status, 204);
    });
    world.pump_with(&world.refused_deliver()).await;
    let after = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((after.status, after.digest), (PortalStatus::NotSent, None));
}

/// Guarantee 5.
#[tokio::test(flavor = "multi_thread")]
async fn a_resend_during_an_operators_send_keeps_the_old_password_if_ses_refuses() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    invite_again(&world).await;
    world.write_ledger().await;
    let message = world.receive("DELIVER_QUEUE_URL").await.remove(0);
    once_at("deliver.claimed", &world, async |world| {
        world.ask_again("NORTH", &world.email("p0")).await;
        world.pump().await;
    });
    assert!(world.invoke_with(&world.refused_deliver(), &message).await);
    let email = world.email("p0");
    assert_eq!(world.passwords(&email).len(), 1, "theirs waits");
    assert_eq!(world.activate(&email, &password).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_posted_meanwhile_does_not_refuse_anybody() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    let before = world.recipient("NORTH", &world.email("p0")).await.unwrap().version;
    once_at("activate.read", &world, async |world| {
        world.import([world.account_of(0).with("accountClass", "OTHER")]).await;
    });
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 204);
    assert_eq!(world.counts("division=NORTH&accountClass=OTHER").await["accepted"], 1);
    // Each write has a version of its own; otherwise an import that read the one before would make them pending again.
    assert_eq!(world.recipient("NORTH", &world.email("p0")).await.unwrap().version, before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_posted_while_somebody_asks_is_not_lost() {
    let _scenario = FailScenario::setup();
    let (world, _) = invited().await;
    let email = world.email("p0");
    let before = world.recipient("NORTH", &email).await.unwrap().version;
    once_at("resend.read", &world, async |world| {
        world.import([world.account_of(0).with("accountClass", "OTHER")]).await;
    });
    world.resend_at("NORTH", &email, portal_aws::clock::now()).await;
    let after = world.recipient("NORTH", &email).await.unwrap();
    // Each has a version of its own, as above.
    assert_eq!((after.version, after.resends.len()), (before + 2, 1));
    world.pump().await;
    assert_eq!(world.passwords(&email).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_is_told_also_if_whoever_wrote_it_was_killed() {
    let _scenario = FailScenario::setup();
    let (world, password) = invited().await;
    fail::cfg("activate.accepted", "1*panic->off").unwrap();
    assert_eq!(world.activate(&world.email("p0"), &password).await.status, 500);
    assert_eq!(status(&world).await, PortalStatus::Accepted);
    assert!(world.told().is_empty());
    assert_eq!(world.sweep_after(LATER).await.events, 1);
    assert_eq!(world.told().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_function_was_killed_is_mailed_once() {
    let _scenario = FailScenario::setup();
    let (world, _) = invited().await;
    fail::cfg("resend.joined", "1*panic->off").unwrap();
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump().await;
    assert_eq!(
        world.passwords(&world.email("p0")).len(),
        1,
        "its message came again, and was told that the e-mail waits"
    );
    let now = portal_aws::clock::now();
    let north = portal_domain::DivisionId::new("NORTH");
    assert_eq!(world.store(SelfServiceStore::new).granted(&north, now).await.unwrap(), 1, "counted once");
    assert_eq!(world.sweep_after(LATER).await.shards_queued, 1);
    world.pump().await;
    assert_eq!(world.passwords(&world.email("p0")).len(), 2);
    world.sweep_after(LATER).await;
    world.pump().await;
    assert_eq!(world.passwords(&world.email("p0")).len(), 2);
    let campaigns = world.call(Call::new("GET", "/v1/campaigns?division=NORTH")).await.json();
    let id: CampaignId = campaigns["items"][0]["campaignId"].as_str().unwrap().parse().unwrap();
    assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Sent));
}
