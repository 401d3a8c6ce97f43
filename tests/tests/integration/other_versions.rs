//! Items of a version that the running one does not know: what is written during an update, or before a rollback.

use std::time::Duration;

use aws_sdk_sqs::types::Message;
use jiff::SignedDuration;
use portal_aws::campaigns::keys;
use portal_aws::clock;
use portal_aws::outbox;
use portal_aws::table::{key, s};
use portal_domain::CampaignId;
use tests::World;
use tests::clock::with_clock;
use tests::cloud::CAMPAIGNS;
use tests::http::Call;

async fn set_state(world: &World, id: CampaignId, state: &str) {
    let update = world.dynamo.update_item().table_name(CAMPAIGNS);
    let update = update.set_key(Some(key(keys::CAMPAIGNS.to_owned(), id.to_string())));
    let update = update.update_expression("SET #state = :state").expression_attribute_names("#state", "state");
    update.expression_attribute_values(":state", s(state)).send().await.unwrap();
}

/// Hands each message of a queue to its function, which takes it.
async fn handle(world: &World, queue: &'static str) -> Vec<Message> {
    world
        .drain(queue, async |message| {
            assert!(world.invoke(queue, message, clock::now() + SignedDuration::from_secs(60)).await);
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_campaign_in_a_state_of_another_version_is_shown_and_waits() {
    with_clock(async |clock| {
        let world = World::with_people(3).await;
        let id = world.send("NORTH").await;
        for queue in ["FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
            set_state(&world, id, "addedLater").await;
            let waiting = handle(&world, queue).await.len();
            assert!(waiting > 0);
            assert_eq!(world.campaign(id).await["state"], "unknown");
            assert_eq!(world.list("/v1/campaigns").await[0]["state"], "unknown");
            for command in ["pause", "resume", "cancel", "retry"] {
                let answer = world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{command}"))).await;
                assert_eq!(answer.status, 409, "{command}");
            }
            assert_eq!(world.sweep_after(Duration::from_secs(600)).await.errors, 0);
            assert!(world.mails().is_empty());
            clock.put_ahead(SignedDuration::from_secs(60));
            set_state(&world, id, "sending").await;
            if queue == "FAN_OUT_QUEUE_URL" {
                assert_eq!(handle(&world, queue).await.len(), waiting, "the messages wait");
            }
        }
        world.pump().await;
        assert_eq!((world.campaign(id).await["state"].as_str(), world.mails().len()), (Some("completed"), 3));
    })
    .await;
}

#[tokio::test]
async fn a_notice_and_an_event_of_another_version_stay_for_it_and_hold_up_no_others() {
    let world = World::with_people(1).await;
    let put = |pk: &str, sk: &str, fields: &[(&str, &str)]| {
        let mut item = key(pk.to_owned(), sk.to_owned());
        item.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), s(*value))));
        world.dynamo.put_item().table_name(CAMPAIGNS).set_item(Some(item)).send()
    };
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id.to_string();
    let first = clock::new_event_id(clock::now() - SignedDuration::from_secs(60));
    let second = clock::new_event_id(clock::now() - SignedDuration::from_secs(50));
    for (id, happened) in [(&first, "addedLater"), (&second, "linked")] {
        let of = [("eventId", id.as_str()), ("happened", happened), ("recipientId", &recipient), ("division", "NORTH")];
        put(outbox::EVENTS, id, &[of.as_slice(), &[("at", "2026-11-22T09:00:00Z")]].concat()).await.unwrap();
    }
    put(outbox::NOTICES, &first, &[("addedLater", "true")]).await.unwrap();
    let id = world.send("NORTH").await;
    world.pump().await;
    let swept = world.sweep_after(Duration::from_secs(30)).await;
    assert_eq!((swept.notices, swept.errors), (1, 1), "an event that stays is an error");
    assert!(world.notices()[0].contains(&id.to_string()));
    assert_eq!(world.told().into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(), ["portal.recipient.linked"]);
    for pk in [outbox::EVENTS, outbox::NOTICES] {
        let kept = world.dynamo.get_item().table_name(CAMPAIGNS).set_key(Some(key(pk.to_owned(), first.clone())));
        assert!(kept.send().await.unwrap().item.is_some(), "{pk}");
    }
    let late = clock::now() + SignedDuration::from_secs(600);
    assert!(world.sweep.run(late).await.is_err(), "that an alarm must tell");
    assert!(world.told().is_empty());
}
