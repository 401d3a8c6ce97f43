//! What Lambda and SQS do with the queues: messages go to concurrent invocations, some of them twice; who fails or is killed gets
//! them again; and who fails too often ends among the dead letters.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use jiff::SignedDuration;
use portal_aws::clock;
use rand::RngExt;
use rand::rngs::StdRng;

use super::plan::Round;
use super::scene::Scene;

/// Where messages wait, and where they go when they are dead, if anybody looks for them there.
pub(super) const QUEUES: [(&str, Option<&str>); 3] = [
    ("FAN_OUT_QUEUE_URL", Some("FAN_OUT_DEAD_LETTER_QUEUE_URL")),
    ("DELIVER_QUEUE_URL", Some("DELIVER_DEAD_LETTER_QUEUE_URL")),
    ("RESEND_QUEUE_URL", None),
];

/// How often a message is received before it is dead, as the template has it.
const MOST_RECEIVES: u32 = 5;

/// How long a message stays invisible to others; SQS may still show it early, and so does this now and then.
const INVISIBLE: i32 = 40;

/// Takes messages and invokes their functions, one message after the other, until the run is over.
pub async fn work(scene: Arc<Scene>, round: Round, mut rng: StdRng) {
    while !scene.is_over() {
        let mut worked = false;
        for (queue, dead_letters) in QUEUES {
            let stormy = scene.is_stormy();
            let invisible = if stormy && rng.random_bool(round.twice / 4.0) { 0 } else { INVISIBLE };
            let _living = scene.invocation();
            if let Some(message) = take(&scene, queue, invisible).await {
                worked = true;
                if receives(&message) > MOST_RECEIVES {
                    scene.report(|report| *report.invocations.entry("dead letters").or_default() += 1);
                    let body = message.body.as_deref().unwrap();
                    match dead_letters {
                        Some(dead_letters) => scene.world.enqueue(dead_letters, body).await,
                        None => scene.unheard(body),
                    }
                    delete(&scene, queue, &message).await;
                } else {
                    handle(&scene, &round, queue, &message, &mut rng).await;
                }
            }
        }
        if !worked {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn handle(scene: &Scene, round: &Round, queue: &'static str, message: &Message, rng: &mut StdRng) {
    scene.handed_out(message.body.as_deref().unwrap());
    let stormy = scene.is_stormy();
    let copies = if stormy && rng.random_bool(round.twice) { 2 } else { 1 };
    let invocations = (0..copies).map(|_| {
        let cut_off = (stormy && rng.random_bool(round.cut_off)).then(|| rng.random_range(1..500));
        invoke(scene, queue, message, rng.random_range(25..60), cut_off.map(Duration::from_millis))
    });
    let invocations: Vec<_> = invocations.collect();
    let handled = futures::future::join_all(invocations).await;
    // Only the answer of one of two counts. And Lambda may fail to delete what was handled.
    let forgotten = stormy && rng.random_bool(0.05);
    if handled[0] && !forgotten {
        delete(scene, queue, message).await;
    } else {
        let again = rng.random_range(0..=1);
        let request = scene.world.sqs.change_message_visibility().queue_url(&scene.world.queues[queue]);
        let request = request.set_receipt_handle(message.receipt_handle.clone()).visibility_timeout(again);
        // Whoever received it since has it now.
        request.send().await.ok();
    }
}

/// Invokes with so many seconds to the deadline, at which Lambda ends whoever is still at it; or cuts it off earlier.
async fn invoke(scene: &Scene, queue: &str, message: &Message, seconds: i64, cut_off: Option<Duration>) -> bool {
    let deadline = clock::now() + SignedDuration::from_secs(seconds);
    let limit = cut_off.unwrap_or(Duration::from_secs(seconds.unsigned_abs()));
    let handled = tokio::time::timeout(limit, scene.faulty.invoke(queue, message, deadline)).await;
    let how = match handled {
        Ok(true) => "handled",
        Ok(false) => "failed or killed",
        Err(_) => "cut off",
    };
    scene.report(|report| *report.invocations.entry(how).or_default() += 1);
    handled == Ok(true)
}

async fn take(scene: &Scene, queue: &str, invisible: i32) -> Option<Message> {
    let request = scene.world.sqs.receive_message().queue_url(&scene.world.queues[queue]).visibility_timeout(invisible);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
    request.send().await.unwrap().messages.unwrap_or_default().pop()
}

async fn delete(scene: &Scene, queue: &str, message: &Message) {
    let request = scene.world.sqs.delete_message().queue_url(&scene.world.queues[queue]);
    // Whoever received it since deletes it.
    request.set_receipt_handle(message.receipt_handle.clone()).send().await.ok();
}

fn receives(message: &Message) -> u32 {
    let attributes = message.attributes.as_ref();
    let count = attributes.and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}
