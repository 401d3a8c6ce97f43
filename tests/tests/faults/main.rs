//! Proof by fault: whatever goes wrong, nobody is lost, mailed twice, or mailed after they have accepted.
//!
//! `FAULT_RUNS` says how many runs there are, and `FAULT_SEED` which one to run again. `make test-faults` runs many.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]
#![expect(clippy::print_stdout, reason = "it reports what it injected and checked")]

mod steps;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use fail::FailScenario;
use futures::FutureExt;
use portal_domain::CampaignId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use steps::Disturbed;
use tests::faults::acts::Act;
use tests::faults::plan::LONGEST_HOLD;
use tests::faults::{FaultProxy, Report, Round, Scene, invariants, lambda};
use tests::http::Call;

/// How many runs there are where nothing else is said: what `make test` has time for.
const FEW_RUNS: usize = 2;

/// Enough for several messages, in all shards.
const PEOPLE: usize = 80;

/// Invocations at the same time.
const WORKERS: usize = 4;

/// Longer than any claim, and than a cursor may stand still.
const LATER: Duration = Duration::from_secs(600);

/// Between two steps nothing may wait in any queue.
const AT_LEAST: Duration = Duration::from_secs(1);

/// How long a sweep is put off for queues that don't run empty, when the storm is over.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(10);

/// When the storm is over a campaign comes to its end sooner than this, or never: SES's pauses are the longest part of it.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_nobody_is_lost_mailed_twice_or_mailed_after_accepting() {
    let scenario = FailScenario::setup();
    let proxy = FaultProxy::running();
    let mut report = Report::default();
    let seeds = seeds();
    for (index, &seed) in seeds.iter().enumerate() {
        println!("run {} of {}: FAULT_SEED={seed}", index + 1, seeds.len());
        let started = Instant::now();
        let of_run = run(seed, &proxy).await;
        let faults: u64 = of_run.faults.values().sum();
        let took = started.elapsed().as_secs_f64();
        println!(
            "  {faults} faults, {} kills, {} e-mails checked, {took:.1} s",
            of_run.kills.values().sum::<u64>(),
            of_run.mails
        );
        report.add(of_run);
    }
    scenario.teardown();
    println!("{report}");
    println!("  never        {}", report.never().join(", "));
    assert!(report.mails > 0 && !report.faults.is_empty(), "nothing was injected, or nothing was left to check");
}

fn seeds() -> Vec<u64> {
    let number =
        |name| env::var(name).ok().filter(|text| !text.is_empty()).map(|text: String| text.parse::<u64>().unwrap());
    match number("FAULT_SEED") {
        Some(seed) => vec![seed],
        // Few enough digits to type.
        None => {
            (0..number("FAULT_RUNS").unwrap_or(FEW_RUNS as u64)).map(|_| rand::random_range(0..1_000_000)).collect()
        }
    }
}

/// One system, with one campaign after the other, each in a storm of its own.
async fn run(seed: u64, proxy: &FaultProxy) -> Report {
    let (rounds, mut rng) = Round::of(seed);
    let scene = Arc::new(Scene::new(PEOPLE, proxy).await);
    for (index, round) in rounds.iter().enumerate() {
        weather(&scene, round, proxy, &mut rng).await;
        let broken = invariants::broken(&scene).await;
        assert!(broken.is_empty(), "FAULT_SEED={seed}, campaign {}:\n  {}", index + 1, broken.join("\n  "));
    }
    let mut report = scene.reported();
    report.runs = 1;
    invariants::count(&scene, &mut report).await;
    report
}

/// A campaign that is started and goes on in a storm, and comes to its end when that is over.
async fn weather(scene: &Arc<Scene>, round: &Round, proxy: &FaultProxy, rng: &mut StdRng) {
    scene.begin();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(lambda::work(scene.clone(), round.clone(), StdRng::from_rng(rng)));
    }
    proxy.inject(&round.faults).await;
    let steps = Disturbed::at(&round.steps, scene, rng);
    let acts = tokio::spawn(Act::all_along(scene.clone(), round.pause, StdRng::from_rng(rng)));
    let id = start_campaign(scene, rng).await;
    scene.learns(|known| known.campaigns.push(id));
    let begun = Instant::now();
    // Long enough for the deliveries, which come last, to be disturbed like all else.
    while begun.elapsed() < round.storm && !(scene.is_idle().await && begun.elapsed() > AT_LEAST) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scene.calm();
    acts.await.unwrap();
    scene.report(|report| {
        for (point, count) in steps.kills() {
            *report.kills.entry(point).or_default() += count;
        }
    });
    drop(steps);
    let met = proxy.met().await;
    proxy.inject(&[]).await;
    scene.report(|report| {
        for (fault, count) in round.faults.iter().zip(met).filter(|(_, count)| *count > 0) {
            *report.faults.entry((fault.service, fault.kind)).or_default() += count;
        }
    });
    // What the proxy still holds takes effect now.
    tokio::time::sleep(LONGEST_HOLD).await;
    settle(scene).await;
    try_again(scene, id, rng).await;
    scene.end();
    workers.join_all().await;
}

/// Does what time does: queues run empty, and sweeps come, until there is nothing left to do, or too long has passed for that.
async fn settle(scene: &Scene) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        // Messages may wait for what only a sweep does: an e-mail that was asked for, until the claim before it is settled.
        let sweep = Instant::now() + BETWEEN_SWEEPS;
        while !scene.is_idle().await && Instant::now() < sweep {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        scene.world.sweep_after(LATER).await;
        for id in scene.unfinished().await {
            // An operator had paused it, or too much had bounced.
            scene.world.call(Call::new("POST", &format!("/v1/campaigns/{id}/resume"))).await;
        }
        if scene.is_idle().await && scene.unfinished().await.is_empty() {
            return;
        }
    }
}

/// An operator who has those tried again who failed, or of whom nobody knows, or neither.
async fn try_again(scene: &Scene, id: CampaignId, rng: &mut StdRng) {
    for outcome in ["failed", "unconfirmed"] {
        if rng.random_bool(0.5) {
            let retry = Call::new("POST", &format!("/v1/campaigns/{id}/retry")).json(&json!({"outcome": outcome}));
            let obeyed = scene.world.call(retry).await.status == StatusCode::OK;
            if obeyed && outcome == "unconfirmed" {
                scene.learns(|known| known.retried.insert(id));
            }
            settle(scene).await;
        }
    }
}

/// An operator who presses Send until it answers, sometimes twice at once, and looks again when the selection has changed.
async fn start_campaign(scene: &Scene, rng: &mut StdRng) -> CampaignId {
    loop {
        let mut request = scene.world.send_request("NORTH").await;
        let counts = scene.world.counts("division=NORTH").await;
        let number = |count: &Value| count.as_u64().unwrap();
        let expected = number(&counts["willEmail"]) + number(&counts["excluded"]["recentlyInvited"]);
        request["includeRecentlyInvited"] = json!(true);
        request["expectedRecipients"] = json!(expected);
        let key = format!("key-{}", rng.random::<u64>());
        for _ in 0..20 {
            let presses = (0..rng.random_range(1..=2))
                .map(|_| std::panic::AssertUnwindSafe(scene.faulty.post_campaign(&key, &request)).catch_unwind());
            let answers = futures::future::join_all(presses).await;
            let answers: Vec<_> = answers.into_iter().flatten().collect();
            if let Some(accepted) = answers.iter().find(|answer| answer.status == StatusCode::ACCEPTED) {
                return accepted.json()["campaignId"].as_str().unwrap().parse().unwrap();
            }
            if answers.iter().any(|answer| answer.json()["type"] == "/problems/drift") {
                break;
            }
        }
    }
}
