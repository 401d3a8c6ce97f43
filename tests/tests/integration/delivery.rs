//! `deliver` when data changes during its work, or when it gets the same work twice.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use jiff::SignedDuration;
use portal_aws::campaigns::claims::claim::{Action, Claimed, Decision};
use portal_aws::campaigns::claims::{Claim, Claims};
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_aws::campaigns::walks::cursor::{CursorItem, Cursors};
use portal_aws::campaigns::walks::{PageWrite, Walks};
use portal_aws::clock;
use portal_aws::queue::DeliverMessage;
use portal_aws::recipients::Occasion;
use portal_aws::table::{key, s};
use portal_domain::campaign::DELIVERY_SIZE;
use portal_domain::outcome::LedgerEvent;
use portal_domain::{DivisionId, Outcome, PortalStatus, Reason, Shard};
use portal_runtime::Consumer;
use serde_json::json;
use tests::cloud::CAMPAIGNS;
use tests::http::Call;
use tests::{Account, Contact, World};

#[tokio::test]
async fn the_same_message_delivered_again_never_sends_again_nor_replaces_a_password() {
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    let deliveries = world.fan_out().await;
    let (last, others) = deliveries.split_last().unwrap();
    // The campaign is still active while the last message is held back: only its rows show which have ended.
    for message in others.iter().chain(others).chain([last]).chain(&deliveries) {
        assert!(world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await);
    }
    let mails = world.mails();
    assert_eq!(mails.len(), 30);
    for mail in &mails {
        let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
        assert!(recipient.digest.unwrap().verifies(mail.password()));
    }
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 30);
}

#[tokio::test]
async fn the_same_message_delivered_at_the_same_time_sends_once() {
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    let deliveries = world.fan_out().await;
    let deadline = clock::now() + SignedDuration::from_secs(60);
    let twice = deliveries.iter().chain(&deliveries).chain(&deliveries);
    futures::future::join_all(twice.map(|message| world.invoke("DELIVER_QUEUE_URL", message, deadline))).await;
    assert_eq!(world.mails().len(), 30);
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["outcomes"]["sent"], 30);
    assert_eq!(campaign["state"], "completed");
}

#[tokio::test]
async fn the_same_fan_out_message_at_the_same_time_writes_each_row_once() {
    let world = World::with_people(200).await;
    let id = world.send("NORTH").await;
    let messages = world.receive("FAN_OUT_QUEUE_URL").await;
    let deadline = clock::now() + SignedDuration::from_secs(60);
    let twice = messages.iter().chain(&messages);
    futures::future::join_all(twice.map(|message| world.invoke("FAN_OUT_QUEUE_URL", message, deadline))).await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(200), &json!(200)));
    assert_eq!(world.mails().len(), 200);
}

#[tokio::test]
async fn who_accepts_between_load_and_delivery_is_not_mailed() {
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    let deliveries = world.fan_out().await;
    world.accept("NORTH", &world.email("p1")).await;
    for message in &deliveries {
        world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await;
    }
    let mailed: Vec<_> = world.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(mailed.len(), 2);
    assert!(!mailed.contains(&world.email("p1")));
    let skipped: Vec<_> = world.ledger(id).await.into_iter().filter(|row| row.outcome == Outcome::Skipped).collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].reason.as_deref(), Some("accepted"));
    assert_eq!(world.recipient("NORTH", &world.email("p1")).await.unwrap().status, PortalStatus::Accepted);
}

#[tokio::test]
async fn who_is_unlinked_in_flight_is_skipped() {
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    let deliveries = world.fan_out().await;
    let answer = world.call(Call::new("DELETE", "/v1/accounts/A0")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    for message in &deliveries {
        world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await;
    }
    assert_eq!(world.mails().len(), 2);
    let reasons: Vec<_> = world.ledger(id).await.into_iter().filter_map(|row| row.reason).collect();
    assert_eq!(reasons, ["noLongerSelected"]);
}

#[tokio::test]
async fn an_address_that_ses_refuses_fails_and_gets_back_what_it_had() {
    let world = World::with_people(3).await;
    let before = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    let id = world.send_refused("NORTH").await;
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
    let world = World::with_people(5).await;
    let id = world.send("NORTH").await;
    for message in world.fan_out().await {
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
    let world = World::with_people(1).await;
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
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    for message in world.fan_out().await {
        assert!(world.invoke("DELIVER_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(5)).await);
    }
    assert!(world.mails().is_empty());
    world.pump().await;
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 3);
}

#[tokio::test]
async fn who_bounced_or_was_invited_in_flight_is_skipped() {
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    let deliveries = world.fan_out().await;
    world.bounce(&world.email("p0")).await;
    world.invited_now(&world.email("p1")).await;
    for message in &deliveries {
        world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await;
    }
    let mailed: Vec<_> = world.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(mailed, [world.email("p2")]);
    let mut reasons: Vec<_> = world.ledger(id).await.into_iter().filter_map(|row| row.reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["recentlyInvited", "undeliverable"]);
}

/// A decision may be based on old data: a dead letter is drained while its delivery continues, or the other way round.
#[tokio::test]
async fn a_decision_about_a_row_that_has_moved_on_writes_nothing() {
    let world = World::with_people(2).await;
    let id = world.send("NORTH").await;
    world.fan_out().await;
    let rows = world.ledger(id).await;
    let (given_up, sent) = (&rows[0], &rows[1]);
    // One message for each, because they may be in the same shard.
    for (row, queue) in [(sent, "DELIVER_QUEUE_URL"), (given_up, "DELIVER_DEAD_LETTER_QUEUE_URL")] {
        let recipient_ids = vec![row.recipient_id];
        let (division, shard) = (DivisionId::new("NORTH"), row.recipient_id.shard());
        let message = DeliverMessage { campaign_id: id, division, shard, recipient_ids };
        world.enqueue(queue, &json!(message).to_string()).await;
    }
    world.pump().await;
    world.sweep_after(Duration::ZERO).await;
    let before = world.campaign(id).await;
    assert_eq!((&before["outcomes"]["failed"], &before["outcomes"]["sent"]), (&json!(1), &json!(1)));

    let now = clock::now();
    let claim = |row: &LedgerItem| Claim {
        campaign: id,
        shard: row.recipient_id.shard(),
        claim_id: clock::new_claim_id(),
        now,
        claim_until: now,
    };
    let division = DivisionId::new("NORTH");
    let ids = [given_up.recipient_id];
    let claims = world.store(Claims::new);
    let read = claims.delivery(id, &division, given_up.recipient_id.shard(), &ids).await.unwrap();
    let digest = serde_json::from_value(json!("a digest")).unwrap();
    let recipient = Box::new(read.recipients[&given_up.recipient_id].clone());
    let action = Action::Claim { recipient, digest, expires_at: now, occasion: Occasion::Invitation };
    let decisions = [Decision { row: given_up.clone(), action }];
    let claimed = claims.claim(&claim(given_up), &decisions).await.unwrap();
    assert_eq!(claimed, Claimed::Changed(vec![given_up.recipient_id]));
    let decisions = [Decision { row: sent.clone(), action: Action::End(LedgerEvent::GiveUp, Reason::DeadLettered) }];
    let claimed = claims.claim(&claim(sent), &decisions).await.unwrap();
    assert_eq!(claimed, Claimed::Changed(vec![sent.recipient_id]));
    assert_eq!(world.campaign(id).await["outcomes"], before["outcomes"]);
    let outcomes: Vec<_> = world.ledger(id).await.into_iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Sent]);
}

#[tokio::test]
async fn who_is_in_the_ledger_is_never_put_into_it_again() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    let shard = recipient.shard();
    let walks = world.store(Walks::new);
    let start = world.store(Cursors::new).read(id, shard).await.unwrap().unwrap();
    let page = |number| CursorItem { page: number, to_queue: vec![recipient], audience: 1, ..start.clone() };
    let write = async |from: &CursorItem, to: &CursorItem| walks.write_page(id, shard, from, to).await.unwrap();
    assert_eq!(write(&start, &page(1)).await, PageWrite::Written);
    assert_eq!(write(&start, &page(1)).await, PageWrite::CursorMoved);
    assert_eq!(write(&page(1), &page(2)).await, PageWrite::Changed(vec![recipient]));
}

#[tokio::test]
async fn a_campaign_does_not_end_while_a_shard_is_not_written() {
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    let mut messages = world.receive("FAN_OUT_QUEUE_URL").await;
    let last = messages.pop().unwrap();
    let deadline = clock::now() + SignedDuration::from_secs(60);
    for message in &messages {
        assert!(world.invoke("FAN_OUT_QUEUE_URL", message, deadline).await);
        world.delete("FAN_OUT_QUEUE_URL", message).await;
    }
    for message in world.drain("DELIVER_QUEUE_URL", async |_| {}).await {
        assert!(world.invoke("DELIVER_QUEUE_URL", &message, deadline).await);
    }
    world.sweep_after(Duration::ZERO).await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["queued"]), (&json!("preparing"), &json!(0)));
    assert_eq!(world.campaigns.active().await.unwrap(), [id]);
    assert!(world.invoke("FAN_OUT_QUEUE_URL", &last, deadline).await);
    world.delete("FAN_OUT_QUEUE_URL", &last).await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(30)));
}

#[tokio::test]
async fn a_message_that_fails_takes_no_other_of_its_batch_along() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    let deadline = (clock::now() + SignedDuration::from_secs(60)).as_millisecond().unsigned_abs();
    let batch = |messages: &[aws_sdk_sqs::types::Message]| {
        let record = |(index, body): (usize, Option<String>)| {
            let mut record = SqsMessage::default();
            record.message_id = Some(index.to_string());
            record.body = body;
            record
        };
        let bodies = messages.iter().map(|message| message.body.clone());
        let mut event = SqsEvent::default();
        event.records = std::iter::once(Some("poison".to_owned())).chain(bodies).enumerate().map(record).collect();
        event
    };
    let failed = |response: SqsBatchResponse| -> Vec<_> {
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    };
    let messages = world.receive("FAN_OUT_QUEUE_URL").await;
    assert_eq!(failed(world.fan_out.handle(batch(&messages), deadline).await), ["0"]);
    let messages = world.drain("DELIVER_QUEUE_URL", async |_| {}).await;
    assert_eq!(failed(world.deliver.handle(batch(&messages), deadline).await), ["0"]);
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 1);
}

#[tokio::test]
async fn a_dead_delivery_of_more_people_than_fit_into_a_claim_is_parked() {
    let world = World::with_people(1).await;
    let id = world.send("NORTH").await;
    let message = world.fan_out().await.remove(0);
    let mut body: serde_json::Value = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
    body["recipientIds"] = json!(vec![body["recipientIds"][0].clone(); DELIVERY_SIZE + 1]);
    world.enqueue("DELIVER_DEAD_LETTER_QUEUE_URL", &body.to_string()).await;
    let swept = world.sweep_after(Duration::ZERO).await;
    assert_eq!((swept.parked, swept.dead_letters), (1, 0));
    assert_eq!(world.receive("PARKING_QUEUE_URL").await.len(), 1);
    assert_eq!(world.campaign(id).await["outcomes"]["queued"], 1);
}

#[tokio::test]
async fn one_campaigns_trouble_does_not_keep_the_sweep_from_the_others() {
    let world = World::with_people(1).await;
    world.put_division("SOUTH").await;
    world.import([Account::new("SOUTH", "S").contact(Contact::new("1", &world.email("s")))]).await;
    let ids = [world.send("NORTH").await, world.send("SOUTH").await];
    let damage = world.dynamo.update_item().table_name(CAMPAIGNS);
    let damage = damage.set_key(Some(key(format!("CAMPAIGN#{}#{}", ids[0], Shard::all().next().unwrap()), "CURSOR")));
    let damage = damage.update_expression("SET done = :damaged").expression_attribute_values(":damaged", s("?"));
    damage.send().await.unwrap();
    let swept = world.sweep_after(Duration::from_secs(600)).await;
    assert_eq!((swept.active, swept.errors, swept.shards_queued), (2, 1, 8));
}
