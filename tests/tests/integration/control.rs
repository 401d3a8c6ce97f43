//! Commands to a campaign: pause, resume, cancel, retry, settle; each takes effect once, however often it is given.

use std::time::Duration;

use axum::http::StatusCode;
use portal_aws::audit::trail::Trails;
use portal_domain::{CampaignId, Outcome};
use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::{Account, Contact, World};

/// Longer than any claim, and than a cursor may stand still.
const LATER: Duration = Duration::from_secs(600);

async fn command(world: &World, id: CampaignId, command: &str) -> Answer {
    world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{command}"))).await
}

/// Gives a command that must be accepted, twice, and returns the campaign's state after each.
async fn twice(world: &World, id: CampaignId, name: &str) -> [String; 2] {
    let mut states = [String::new(), String::new()];
    for state in &mut states {
        let answer = command(world, id, name).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
        *state = answer.json()["state"].as_str().unwrap().to_owned();
    }
    states
}

async fn settle(world: &World, id: CampaignId, body: &Value) -> Answer {
    world.call(Call::new("POST", &format!("/v1/campaigns/{id}/settle")).json(body)).await
}

/// Actions of the audit trail, oldest first, and who did them.
fn history(campaign: &Value) -> Vec<(String, String)> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let entries = campaign["audit"].as_array().unwrap().iter().rev();
    entries.map(|entry| (text(entry, "action"), text(entry, "by"))).collect()
}

/// Everybody in the audience got exactly one e-mail, with the password that works.
async fn assert_each_mailed_once(world: &World, people: usize) {
    let mut mailed: Vec<_> = world.mails();
    mailed.sort_by_key(|mail| mail.to[0].clone());
    mailed.dedup_by_key(|mail| mail.to[0].clone());
    assert_eq!((mailed.len(), world.mails().len()), (people, people));
    for mail in mailed {
        let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
        assert!(recipient.digest.unwrap().verifies(mail.password()));
    }
}

/// Writes the ledger, and lets one of its deliveries be sent; answers how many e-mails that was.
async fn first_delivery(world: &World) -> usize {
    world.write_ledger().await;
    let first = world.receive("DELIVER_QUEUE_URL").await.remove(0);
    world.work("DELIVER_QUEUE_URL", &first).await;
    world.mails().len()
}

/// Counters, ledger and lock agree that the campaign is over.
async fn assert_over(world: &World, id: CampaignId, state: &str) -> Value {
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["state"], state, "{campaign}");
    assert!(campaign["completedAt"].is_string());
    assert!(world.campaigns.active().await.unwrap().is_empty(), "the lock is free");
    let ledger = world.ledger(id).await;
    for (outcome, counted) in campaign["outcomes"].as_object().unwrap() {
        let rows = ledger.iter().filter(|row| <&str>::from(row.outcome) == outcome).count();
        assert_eq!(*counted, rows, "counter of {outcome}");
    }
    campaign
}

#[tokio::test]
async fn a_paused_campaign_drops_its_messages_keeps_its_lock_and_goes_on_where_it_was() {
    let world = World::with_people(60).await;
    let id = world.send("NORTH").await;
    let sent = first_delivery(&world).await;
    assert!((1..60).contains(&sent));

    assert_eq!(twice(&world, id, "pause").await, ["paused", "paused"]);
    world.pump().await;
    world.sweep_after(LATER).await;
    assert_eq!(world.mails().len(), sent, "nothing leaves while it is paused");
    let paused = world.campaign(id).await;
    assert_eq!((&paused["state"], &paused["stateReason"]), (&json!("paused"), &json!("operator")));
    assert_eq!(paused["outcomes"]["queued"], 60 - sent);
    assert_eq!(paused["actions"], json!(["resume", "cancel"]));
    let second = world.post_campaign("other", &world.send_request("NORTH").await).await;
    assert_eq!((second.status, &second.json()["campaignId"]), (StatusCode::CONFLICT, &json!(id)));
    assert_eq!(second.headers.get("retry-after"), None, "it goes on only when a person says so");

    assert_eq!(twice(&world, id, "resume").await, ["preparing", "preparing"]);
    world.pump().await;
    let campaign = assert_over(&world, id, "completed").await;
    assert_eq!(campaign["outcomes"]["sent"], 60);
    assert_each_mailed_once(&world, 60).await;
    let names = history(&campaign);
    let who =
        |action: &str| names.iter().filter(|(name, _)| name == action).map(|(_, by)| by.as_str()).collect::<Vec<_>>();
    assert_eq!((who("paused"), who("resumed")), (vec!["operator@example.com"], vec!["operator@example.com"]));
    assert_eq!((who("started"), who("ended")), (vec!["operator@example.com"], vec!["system"]));
    assert_eq!(who("prepared"), ["system"], "the list is complete once");
}

#[tokio::test]
async fn resume_finishes_a_fan_out_that_was_not_finished() {
    let world = World::with_people(200).await;
    let id = world.send("NORTH").await;
    // One shard only is written before the pause.
    let messages = world.receive("FAN_OUT_QUEUE_URL").await;
    world.work("FAN_OUT_QUEUE_URL", &messages[0]).await;
    assert_eq!(twice(&world, id, "pause").await, ["paused", "paused"]);
    world.pump().await;
    let written = world.ledger(id).await.len();
    assert!((1..200).contains(&written), "{written}");
    assert_eq!(twice(&world, id, "resume").await, ["preparing", "preparing"]);
    world.pump().await;
    let campaign = assert_over(&world, id, "completed").await;
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(200), &json!(200)));
    assert_each_mailed_once(&world, 200).await;
}

#[tokio::test]
async fn what_is_resumed_is_queued_by_the_sweep_if_nobody_else_does() {
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    world.write_ledger().await;
    command(&world, id, "pause").await;
    world.pump().await;
    command(&world, id, "resume").await;
    for message in world.receive("FAN_OUT_QUEUE_URL").await {
        world.delete("FAN_OUT_QUEUE_URL", &message).await;
    }
    assert_eq!(world.sweep_after(Duration::ZERO).await.shards_queued, 0);
    assert_eq!(world.sweep_after(LATER).await.shards_queued, 8);
    world.pump().await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["sent"], 30);
}

#[tokio::test]
async fn a_cancelled_campaign_skips_who_is_queued_and_then_frees_the_division() {
    let world = World::with_people(60).await;
    let id = world.send("NORTH").await;
    let sent = first_delivery(&world).await;

    assert_eq!(twice(&world, id, "cancel").await, ["cancelled", "cancelled"]);
    assert!(!world.campaigns.active().await.unwrap().is_empty(), "not free before everybody has an end");
    world.pump().await;
    let campaign = assert_over(&world, id, "cancelled").await;
    assert_eq!(campaign["outcomes"]["skipped"], 60 - sent);
    assert_eq!(world.mails().len(), sent);
    let reasons = world.ledger(id).await.into_iter().filter(|row| row.outcome == Outcome::Skipped);
    assert!(reasons.into_iter().all(|row| row.reason.as_deref() == Some("cancelled")));
    assert_eq!(campaign["actions"], json!([]));
    for refused in ["pause", "resume", "retry"] {
        let answer = command(&world, id, refused).await;
        assert_eq!((answer.status, &answer.json()["type"]), (StatusCode::CONFLICT, &json!("/problems/campaign-state")));
        assert_eq!(answer.json()["state"], "cancelled");
    }
    assert_eq!(command(&world, id, "cancel").await.status, StatusCode::OK);
    world.send("NORTH").await;
}

#[tokio::test]
async fn who_comes_back_from_a_throttled_claim_after_the_cancel_is_skipped_too() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    world.write_ledger().await;
    command(&world, id, "cancel").await;
    world.write_ledger().await;
    assert_over(&world, id, "cancelled").await;
    // As if the claim's owner had put the row back behind the walk.
    world.reopen(id).await;
    world.sweep_after(Duration::ZERO).await;
    world.pump().await;
    assert_eq!(assert_over(&world, id, "cancelled").await["outcomes"]["skipped"], 1);
}

#[tokio::test]
async fn who_failed_is_tried_again_under_the_same_lock_and_within_the_day() {
    let world = World::with_people(12).await;
    let id = world.send_refused("NORTH").await;
    world.pump().await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["failed"], 12);
    world.take_sender();

    assert_eq!(twice(&world, id, "retry").await, ["preparing", "preparing"]);
    assert_eq!(world.campaigns.active().await.unwrap(), [id], "it has the lock again");
    world.pump().await;
    let campaign = assert_over(&world, id, "completed").await;
    assert_eq!(campaign["outcomes"]["sent"], 12);
    assert_each_mailed_once(&world, 12).await;
    assert!(world.ledger(id).await.iter().all(|row| row.attempt == 2 && row.reason.is_none()));
    let attention = world.get_json(&format!("/v1/campaigns/{id}/recipients?outcome=failed")).await;
    assert_eq!(attention["items"], json!([]));
    // There is nobody left: a repeat does nothing.
    assert_eq!(twice(&world, id, "retry").await, ["completed", "completed"]);
    assert_over(&world, id, "completed").await;
}

#[tokio::test]
async fn a_retry_is_told_who_has_the_division() {
    let world = World::with_people(2).await;
    let id = world.send_refused("NORTH").await;
    world.pump().await;
    let other = world.send("NORTH").await;
    let answer = command(&world, id, "retry").await;
    assert_eq!((answer.status, &answer.json()["type"]), (StatusCode::CONFLICT, &json!("/problems/division-busy")));
    assert_eq!(answer.json()["campaignId"], json!(other));
    assert!(answer.json()["detail"].as_str().unwrap().contains("0 of 2 people"), "{}", answer.text);
    assert_eq!(world.campaign(id).await["state"], "completed");
}

#[tokio::test]
async fn a_paused_retry_goes_on_with_those_who_were_not_queued_yet() {
    let world = World::with_people(60).await;
    let id = world.send_refused("NORTH").await;
    world.pump().await;
    world.take_sender();
    command(&world, id, "retry").await;
    let messages = world.receive("FAN_OUT_QUEUE_URL").await;
    world.work("FAN_OUT_QUEUE_URL", &messages[0]).await;
    command(&world, id, "pause").await;
    world.pump().await;
    let outcomes = world.campaign(id).await["outcomes"].clone();
    assert!(outcomes["queued"].as_u64() > Some(0) && outcomes["failed"].as_u64() > Some(0), "{outcomes}");
    command(&world, id, "resume").await;
    world.pump().await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["sent"], 60);
    assert_each_mailed_once(&world, 60).await;
}

#[tokio::test]
async fn the_unconfirmed_are_mailed_again_only_when_a_person_names_them() {
    let world = World::with_people(4).await;
    let id = world.send_unconfirmed("NORTH").await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["unconfirmed"], 4);
    assert_eq!(twice(&world, id, "retry").await, ["completed", "completed"], "nobody failed");
    assert_eq!(world.mails().len(), 0);
    let retry = Call::new("POST", &format!("/v1/campaigns/{id}/retry")).json(&json!({"outcome": "unconfirmed"}));
    for _ in 0..2 {
        assert_eq!(world.call(retry.clone()).await.status, StatusCode::OK);
    }
    world.pump().await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["sent"], 4);
    assert_each_mailed_once(&world, 4).await;
}

#[tokio::test]
async fn a_person_settles_the_unconfirmed_one_by_one_or_all() {
    let world = World::with_people(6).await;
    let id = world.send_unconfirmed("NORTH").await;
    let listed = world.list(&format!("/v1/campaigns/{id}/recipients?outcome=unconfirmed")).await;
    let first = &listed[0]["recipientId"];
    for settled in [1, 0] {
        let answer = settle(&world, id, &json!({"outcome": "sent", "recipientIds": [first]})).await;
        assert_eq!(answer.json(), json!({"settled": settled, "remaining": 5}), "{}", answer.text);
    }
    let answer = settle(&world, id, &json!({"outcome": "failed", "all": true})).await;
    assert_eq!(answer.json(), json!({"settled": 5, "remaining": 0}), "{}", answer.text);
    let campaign = assert_over(&world, id, "completed").await;
    assert_eq!((&campaign["outcomes"]["sent"], &campaign["outcomes"]["failed"]), (&json!(1), &json!(5)));
    let settled: u64 = campaign["audit"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "settled")
        .map(|entry| entry["recipients"].as_u64().unwrap())
        .sum();
    assert_eq!(settled, 6);
    let failed = world.list(&format!("/v1/campaigns/{id}/recipients?outcome=failed")).await;
    assert!(failed.len() == 5 && failed.iter().all(|row| row["reason"] == "settled"));
    // Rows that a person settled as failed can be retried.
    command(&world, id, "retry").await;
    world.pump().await;
    assert_eq!(assert_over(&world, id, "completed").await["outcomes"]["sent"], 6);
}

#[tokio::test]
async fn commands_that_make_no_sense_are_refused_and_change_nothing() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    let before = world.campaign(id).await;
    assert_eq!(command(&world, id, "retry").await.status, StatusCode::CONFLICT);
    assert_eq!(command(&world, id, "resume").await.status, StatusCode::OK, "it goes on already");
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    for name in ["pause", "resume", "cancel", "retry"] {
        assert_eq!(command(&world, unknown, name).await.status, StatusCode::NOT_FOUND);
        let outsider = Call::new("POST", &format!("/v1/campaigns/{id}/{name}")).claim("cognito:groups", "436");
        assert_eq!(world.call(outsider).await.status, StatusCode::FORBIDDEN);
    }
    let path = format!("/v1/campaigns/{id}/retry");
    let wrong = world.call(Call::new("POST", &path).json(&json!({"outcome": "sent", "x": 1}))).await;
    assert_eq!(
        (wrong.status, wrong.faulty_fields()),
        (StatusCode::BAD_REQUEST, vec!["outcome".to_owned(), "x".to_owned()])
    );
    let nobody = settle(&world, id, &json!({"outcome": "sent"})).await;
    assert_eq!((nobody.status, nobody.faulty_fields()), (StatusCode::BAD_REQUEST, vec!["recipientIds".to_owned()]));
    assert_eq!(world.campaign(id).await["audit"], before["audit"]);
    world.pump().await;
    assert_over(&world, id, "completed").await;
}

#[tokio::test]
async fn of_many_commands_at_once_each_is_done_once_and_the_end_is_the_end() {
    let world = World::with_people(80).await;
    let id = world.send("NORTH").await;
    let commands = ["pause", "resume", "pause", "resume", "pause", "resume", "pause", "resume", "resume"];
    let presses = commands.iter().map(|name| command(&world, id, name));
    let (answers, ()) = futures::future::join(futures::future::join_all(presses), world.pump()).await;
    assert!(answers.iter().all(|answer| answer.status.is_success()), "{answers:?}");
    command(&world, id, "resume").await;
    world.pump().await;
    let campaign = assert_over(&world, id, "completed").await;
    assert_eq!(campaign["outcomes"]["sent"], 80);
    assert_each_mailed_once(&world, 80).await;
    assert_eq!(history(&campaign).iter().filter(|(action, _)| action == "ended").count(), 1);
}

#[tokio::test]
async fn mail_that_did_not_reach_somebody_may_be_sent_again_when_a_person_says_so() {
    let world = World::with_people(1).await;
    let email = world.email("p0");
    world.bounce(&email).await;
    assert_eq!(world.counts("division=NORTH").await["excluded"]["undeliverable"], 1);
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let path = format!("/v1/recipients/{id}/undeliverable");
    for _ in 0..2 {
        assert_eq!(world.call(Call::new("DELETE", &path)).await.status, StatusCode::NO_CONTENT);
    }
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["excluded"]["undeliverable"], &counts["willEmail"]), (&json!(0), &json!(1)));
    let trail = world.store(Trails::new).newest(id, 10).await.unwrap();
    assert_eq!(trail.iter().map(|entry| entry.by.as_str()).collect::<Vec<_>>(), ["operator@example.com"]);
    let unknown =
        world.call(Call::new("DELETE", "/v1/recipients/8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11/undeliverable")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_that_changes_is_another_recipient_who_can_be_mailed() {
    let world = World::with_people(1).await;
    world.bounce(&world.email("p0")).await;
    world.import([Account::new("NORTH", "A0").contact(Contact::new("1", &world.email("new")))]).await;
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["total"], &counts["willEmail"]), (&json!(1), &json!(1)));
}
