//! Faults of the protocol that simulation or model has found, each with a name. AWS is in memory, and a script decides
//! what goes wrong and when.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::sim::network::{End, Step};
use tests::sim::plan::Fault;
use tests::sim::run::{Scene, scripted};
use tests::sim::sources::{call, sweep};
use tests::sim::town::{Town, email, sender};

/// What happens to the next call of an operation.
fn step(function: &'static str, operation: &'static str, fault: Option<Fault>, end: Option<End>) -> Step {
    Step { function, operation, fault, end }
}

/// Orders these steps.
fn script(scene: &Scene, steps: impl IntoIterator<Item = Step>) {
    scene.system.with(|state| state.script.extend(steps));
}

fn left(scene: &Scene) -> usize {
    scene.system.with(|state| state.script.len())
}

async fn wait(seconds: i64) {
    tokio::time::sleep(SignedDuration::from_secs(seconds).unsigned_abs()).await;
}

/// Sends to everybody in the division `NORTH`; answers the path of the campaign.
async fn send(scene: &Scene, expected: u64) -> String {
    let body = json!({"filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": sender("NORTH"),
        "expectedRecipients": expected});
    let request = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "one").json(&body);
    let answer = asked(scene, "send", request).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    format!("/v1/campaigns/{}", answer.json()["campaignId"].as_str().unwrap())
}

async fn asked(scene: &Scene, function: &'static str, request: Call) -> Answer {
    call(&scene.system, function, request).await.unwrap()
}

async fn shown(scene: &Scene, campaign: &str) -> Value {
    asked(scene, "campaigns", Call::new("GET", campaign)).await.json()
}

/// How many e-mails each address got.
fn mails(scene: &Scene) -> BTreeMap<String, usize> {
    scene.system.with(|state| {
        let mut mails = BTreeMap::new();
        for to in state.cloud.ses.mails().iter().flat_map(|mail| &mail.to) {
            *mails.entry(to.clone()).or_default() += 1;
        }
        mails
    })
}

/// Runs everything to its end, and checks what must hold then.
async fn end(scene: &Arc<Scene>) {
    scene.calm().await;
    let broken = scene.system.with(|state| state.checks.first_broken().map(|broken| broken.what.clone()));
    assert_eq!(broken, None);
    assert_eq!(left(scene), 0, "the script was played to its end");
}

#[test]
fn a_row_that_was_put_back_by_a_function_that_died_is_queued_again() {
    scripted(1, async |scene| {
        script(
            &scene,
            [
                step("deliver", "SendEmail", Some(Fault::MailThrottled), None),
                step("deliver", "SendMessageBatch", None, Some(End::KilledBefore)),
            ],
        );
        let campaign = send(&scene, 1).await;
        wait(20).await;
        // Another invocation had the same message, found nobody `queued` when the first had claimed, and ended well.
        scene.system.at_once(|state, now| {
            assert_eq!(state.cloud.sqs.receive("DeliverQueue", 10, now).len(), 0, "whoever was killed still has it");
            assert_eq!(state.cloud.sqs.purge("DeliverQueue").len(), 1);
        });
        end(&scene).await;
        assert_eq!(shown(&scene, &campaign).await["outcomes"]["sent"], 1);
        assert_eq!(mails(&scene), BTreeMap::from([(email(0), 1)]));
    });
}

#[test]
fn an_import_during_the_fan_out_mails_no_more_people_than_were_promised() {
    scripted(5, async |scene| {
        let stands_still = End::FrozenBefore(SignedDuration::from_secs(40));
        script(&scene, (0..8).map(|_| step("fan-out", "Query", None, Some(stands_still))));
        let campaign = send(&scene, 5).await;
        wait(5).await;
        let accounts: Vec<Value> = scene.system.with(|state| {
            let all = Town::of(105).customers;
            all[5..].iter().map(|customer| customer.imported(&mut state.random, false)).collect()
        });
        let imported = asked(&scene, "directory", Call::new("POST", "/v1/accounts").json(&json!(accounts))).await;
        assert_eq!(imported.json()["stored"], 100, "{}", imported.text);
        wait(120).await;
        let paused = shown(&scene, &campaign).await;
        assert_eq!((&paused["state"], &paused["stateReason"]), (&json!("paused"), &json!("audienceGrew")), "{paused}");
        assert!(paused["audience"].as_u64().unwrap() <= 5 && mails(&scene).len() <= 5, "{paused}");
        assert_eq!(paused["wouldReach"], 105);

        let resume = Call::new("POST", &format!("{campaign}/resume"));
        let refused = asked(&scene, "campaigns", resume.clone()).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (409, &json!("/problems/audience-grew")));
        assert_eq!(refused.json()["wouldReach"], 105);
        let resumed = asked(&scene, "campaigns", resume.json(&json!({"expectedRecipients": 105}))).await;
        assert_eq!(resumed.status, 200, "{}", resumed.text);
        end(&scene).await;
        let ended = shown(&scene, &campaign).await;
        assert_eq!((&ended["state"], &ended["audience"]), (&json!("completed"), &json!(105)), "{ended}");
        // SES may report later that it did not send an e-mail after all.
        assert!(mails(&scene).values().all(|mails| *mails == 1) && mails(&scene).len() == 105);
    });
}

#[test]
fn who_is_withdrawn_while_ses_is_busy_is_not_mailed_after_all() {
    scripted(1, async |scene| {
        // SES is asked only after the operator has withdrawn the invitation, and takes nothing then.
        let late = End::FrozenBefore(SignedDuration::from_secs(8));
        script(&scene, [step("deliver", "SendEmail", Some(Fault::MailThrottled), Some(late))]);
        let campaign = send(&scene, 1).await;
        wait(5).await;
        let recipient = scene.system.with(|state| state.recipient_at("NORTH", &email(0))).unwrap();
        let withdraw = Call::new("POST", &format!("/v1/recipients/{recipient}/withdraw"));
        let answer = asked(&scene, "campaigns", withdraw.json(&json!({"reason": "a mistake"}))).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        end(&scene).await;
        assert_eq!(mails(&scene), BTreeMap::new());
        let rows = asked(&scene, "campaigns", Call::new("GET", &format!("{campaign}/recipients"))).await.json();
        let row = &rows["items"][0];
        assert_eq!((&row["outcome"], &row["reason"]), (&json!("skipped"), &json!("withdrawn")), "{rows}");
    });
}

#[test]
fn who_is_withdrawn_while_unconfirmed_is_not_mailed_by_a_retry() {
    scripted(1, async |scene| {
        script(&scene, [step("deliver", "SendEmail", Some(Fault::MailUnknown), None)]);
        let campaign = send(&scene, 1).await;
        wait(30).await;
        assert_eq!(shown(&scene, &campaign).await["outcomes"]["unconfirmed"], 1);
        let recipient = scene.system.with(|state| state.recipient_at("NORTH", &email(0))).unwrap();
        let withdraw = Call::new("POST", &format!("/v1/recipients/{recipient}/withdraw"));
        asked(&scene, "campaigns", withdraw.json(&json!({"reason": "a mistake"}))).await;
        let retry = Call::new("POST", &format!("{campaign}/retry")).json(&json!({"outcome": "unconfirmed"}));
        assert_eq!(asked(&scene, "campaigns", retry).await.status, 200);
        end(&scene).await;
        assert_eq!(mails(&scene), BTreeMap::new());
    });
}

#[test]
fn a_claim_with_a_lost_answer_and_throttled_repeats_is_recognised() {
    scripted(1, async |scene| {
        let claim = |fault| step("deliver", "TransactWriteItems", Some(fault), None);
        // The SDK tries three times, and the store as often again.
        let throttled = (0..5).map(|_| claim(Fault::Throttled));
        script(&scene, [claim(Fault::AnswerLost)].into_iter().chain(throttled));
        let campaign = send(&scene, 1).await;
        end(&scene).await;
        let ended = shown(&scene, &campaign).await;
        assert_eq!((&ended["outcomes"]["sent"], &ended["outcomes"]["unconfirmed"]), (&json!(1), &json!(0)), "{ended}");
        assert_eq!(mails(&scene), BTreeMap::from([(email(0), 1)]));
    });
}

#[test]
fn a_claim_with_a_lost_answer_is_recognised_while_reads_are_throttled() {
    scripted(1, async |scene| {
        // The SDK tries three times.
        let claim = [Fault::Throttled, Fault::Throttled, Fault::AnswerLost];
        script(&scene, claim.map(|fault| step("deliver", "TransactWriteItems", Some(fault), None)));
        // The first read is that of the campaign, before the claim.
        script(&scene, [step("deliver", "GetItem", None, None)]);
        script(&scene, (0..5).map(|_| step("deliver", "GetItem", Some(Fault::Throttled), None)));
        let campaign = send(&scene, 1).await;
        end(&scene).await;
        let ended = shown(&scene, &campaign).await;
        assert_eq!((&ended["outcomes"]["sent"], &ended["outcomes"]["unconfirmed"]), (&json!(1), &json!(0)), "{ended}");
        assert_eq!(mails(&scene), BTreeMap::from([(email(0), 1)]));
    });
}

#[test]
fn a_sweep_that_dead_letters_keep_busy_has_looked_after_campaigns_before() {
    scripted(1, async |scene| {
        script(&scene, [step("deliver", "SendEmail", None, Some(End::KilledBefore))]);
        let campaign = send(&scene, 1).await;
        wait(20).await;
        // No sweep finishes the dead letters.
        for _ in 0..4 {
            script(&scene, [step("sweep", "ReceiveMessage", None, Some(End::KilledBefore))]);
            sweep(scene.system.clone()).await;
            assert_eq!(left(&scene), 0, "the sweep was killed");
            wait(60).await;
        }
        let ended = shown(&scene, &campaign).await;
        assert_eq!((&ended["state"], &ended["outcomes"]["unconfirmed"]), (&json!("completed"), &json!(1)), "{ended}");
    });
}

#[test]
fn a_sweep_leaves_dead_letters_that_it_has_no_time_for_to_the_next() {
    scripted(0, async |scene| {
        let dead = json!({"campaignId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "shard": 0}).to_string();
        scene.system.at_once(|state, now| {
            for _ in 0..3_000 {
                state.cloud.sqs.send("FanOutDeadLetterQueue", &dead, SignedDuration::ZERO, now);
            }
            // Each call takes about a second, so that a sweep of a minute could never take all of them.
            state.plan.latency = SignedDuration::from_millis(900);
        });
        sweep(scene.system.clone()).await;
        let kills = scene.system.with(|state| state.report.kills.clone());
        assert_eq!(kills, BTreeMap::new(), "the sweep ends by itself");
        let kept = scene.system.with(|state| state.cloud.sqs.len("FanOutDeadLetterQueue"));
        assert!((1_000..3_000).contains(&kept), "{kept}");
    });
}

#[test]
fn a_delivery_that_cannot_be_read_loses_nobody() {
    scripted(3, async |scene| {
        // Every receiver of the deliveries dies, so that they stay in the queue.
        script(&scene, (0..3).map(|_| step("deliver", "BatchGetItem", None, Some(End::KilledBefore))));
        let campaign = send(&scene, 3).await;
        wait(20).await;
        scene.system.at_once(|state, now| {
            state.script.clear();
            for body in state.cloud.sqs.purge("DeliverQueue") {
                let mut message: Value = serde_json::from_str(&body).unwrap();
                message["recipientIds"] = json!("of another form");
                state.cloud.sqs.send("DeliverDeadLetterQueue", message.to_string(), SignedDuration::ZERO, now);
            }
        });
        end(&scene).await;
        assert_eq!(shown(&scene, &campaign).await["outcomes"]["sent"], 3);
        let parked = scene.system.with(|state| state.cloud.sqs.len("ParkingQueue"));
        assert!(parked > 0, "a person can look at what could not be read");
    });
}
