//! Expired ledger rows: how campaigns show them, and that nobody is mailed a second time because of them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use portal_aws::campaigns::keys;
use portal_aws::campaigns::walks::cursor::CURSOR;
use portal_aws::clock;
use portal_aws::table::{key, n, s};
use portal_domain::CampaignId;
use serde_json::json;
use tests::World;
use tests::clock::with_clock;
use tests::cloud::CAMPAIGNS;
use tests::http::Call;

/// `LedgerRetentionDays` of the tests.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Deletes what has expired by now, as DynamoDB does.
async fn expire(world: &World) {
    let found = world.dynamo.scan().table_name(CAMPAIGNS).send().await.unwrap().items.unwrap_or_default();
    for item in found {
        let ttl = item.get("ttl").and_then(|ttl| ttl.as_n().ok()?.parse::<i64>().ok());
        if ttl.is_some_and(|ttl| ttl <= clock::now().as_second()) {
            let delete = world.dynamo.delete_item().table_name(CAMPAIGNS);
            delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_and_a_persons_trail_are_there_until_they_expire_and_the_counts_stay() {
    with_clock(async |clock| {
        let world = World::with_people(2).await;
        let id = world.send("NORTH").await;
        world.pump().await;
        let person = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
        let withdraw = Call::new("POST", &format!("/v1/recipients/{person}/withdraw"));
        assert_eq!(world.call(withdraw.json(&json!({"reason": "a mistake"}))).await.status, 204);
        let mut seen = Vec::new();
        for ahead in [KEPT - SignedDuration::from_hours(1), SignedDuration::from_hours(2)] {
            clock.put_ahead(ahead);
            expire(&world).await;
            let shown = world.get_json(&format!("/v1/recipients/{person}?division=NORTH")).await;
            let lengths = ["history", "audit"].map(|list| shown[list].as_array().unwrap().len());
            seen.push((world.ledger(id).await.len(), lengths));
            assert_eq!(world.campaign(id).await["outcomes"]["sent"], 2);
        }
        assert_eq!(seen, [(2, [1, 1]), (0, [0, 0])]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_done_to_those_whose_rows_have_expired_comes_to_an_end() {
    with_clock(async |clock| {
        let world = World::with_people(2).await;
        let id = world.send_unconfirmed("NORTH").await;
        world.sweep_after(Duration::from_secs(600)).await;
        clock.put_ahead(KEPT + SignedDuration::from_hours(1));
        expire(&world).await;
        let settle = Call::new("POST", &format!("/v1/campaigns/{id}/settle"));
        let settled = world.call(settle.json(&json!({"outcome": "sent", "all": true}))).await;
        assert_eq!(settled.json(), json!({"settled": 0, "remaining": 0}), "{}", settled.text);
        let retry = Call::new("POST", &format!("/v1/campaigns/{id}/retry"));
        world.call(retry.json(&json!({"outcome": "unconfirmed"}))).await;
        world.pump().await;
        assert_eq!((&world.campaign(id).await["state"], world.mails().len()), (&json!("completed"), 0));
    })
    .await;
}

/// Makes a campaign with a higher bound read the index again from the beginning.
async fn scan_again(world: &World, id: CampaignId, shard: portal_domain::Shard) {
    let update = |pk: String, sk: String| world.dynamo.update_item().table_name(CAMPAIGNS).set_key(Some(key(pk, sk)));
    let campaign = update(keys::CAMPAIGNS.to_owned(), id.to_string())
        .update_expression("SET #state = :preparing, mostRecipients = :many");
    let campaign = campaign.expression_attribute_names("#state", "state").expression_attribute_values(":many", n(10));
    campaign.expression_attribute_values(":preparing", s("preparing")).send().await.unwrap();
    let cursor = update(keys::shard_pk(id, shard), CURSOR.to_owned());
    let cursor = cursor.update_expression("SET #done = :no, scanned = :no REMOVE #position");
    let cursor = cursor.expression_attribute_names("#done", "done").expression_attribute_names("#position", "position");
    cursor.expression_attribute_values(":no", AttributeValue::Bool(false)).send().await.unwrap();
    world.enqueue("FAN_OUT_QUEUE_URL", &json!({"campaignId": id, "shard": shard}).to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_goes_on_when_rows_have_expired_mails_nobody_twice() {
    with_clock(async |clock| {
        let world = World::with_people(1).await;
        let id = world.send("NORTH").await;
        world.pump().await;
        let email = world.email("p0");
        // They ask for a new e-mail, and so are mailed last by another campaign.
        let asks = json!({"division": "NORTH", "email": email});
        assert_eq!(world.call(Call::new("POST", "/v1/activations/resend").public().json(&asks)).await.status, 202);
        world.pump().await;
        assert_eq!(world.mails().len(), 2);
        clock.put_ahead(KEPT + SignedDuration::from_hours(1));
        expire(&world).await;
        let shard = world.recipient("NORTH", &email).await.unwrap().recipient_id.shard();
        scan_again(&world, id, shard).await;
        world.pump().await;
        assert_eq!(world.mails().len(), 2);
    })
    .await;
}
