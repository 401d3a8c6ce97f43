//! The stream of the table Directory as an event source: each shard in order, batches of any size, which come again
//! until they succeed, and sometimes after that.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::SignedDuration;
use portal_domain::{DivisionId, Filter};
use rand::RngExt;
use tokio::task::spawn_local;

use super::instance::happens;
use super::loads;
use super::sources::{Ended, invoke};
use super::system::{System, Work};
use super::town::DIVISIONS;
use crate::cloud::connector;
use crate::cloud::stream::{SHARDS, event};
use crate::numbers::{derived, difference};

/// Most records in a batch, as in the template.
const BATCH: usize = 100;

/// How long Lambda waits for a batch to fill, at most.
const WINDOW: f64 = 1.0;

/// How old the newest heartbeats may be when nothing is under way.
const OLDEST: SignedDuration = SignedDuration::from_mins(70);

/// How long everything that was written may take to be counted when no faults happen.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// How often the clock calls the function; in a calm, which may take days, as rarely as the sweep.
const TICK: Duration = Duration::from_mins(10);
const TICK_IN_CALM: Duration = Duration::from_mins(60);

/// Starts one reader for each shard, and the clock.
pub fn start(system: &Arc<System>) {
    spawn_local(tick(system.clone()));
    for shard in 0..SHARDS {
        spawn_local(read(system.clone(), shard));
    }
}

async fn read(system: Arc<System>, shard: usize) {
    loop {
        let written = system.written.notified();
        let (batch, pause) = system.with(|state| {
            let most = state.random.random_range(1..=BATCH);
            (state.cloud.stream.peek(shard, most), state.random.random_range(0.0..WINDOW))
        });
        if batch.is_empty() {
            written.await;
            tokio::time::sleep(Duration::from_secs_f64(pause)).await;
            continue;
        }
        let has_ended = roll_up(&system, event(&batch)).await;
        let goes_on = has_ended && !system.with(|state| happens(&mut state.random, state.plan.twice));
        if goes_on {
            system.with(|state| state.cloud.stream.go_on(shard, batch.len()));
        } else {
            tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        }
    }
}

async fn tick(system: Arc<System>) {
    loop {
        tokio::time::sleep(if system.with(|state| state.plan.calm) { TICK_IN_CALM } else { TICK }).await;
        roll_up(&system, serde_json::json!({})).await;
    }
}

/// Whether the function ended without an error.
async fn roll_up(system: &Arc<System>, event: serde_json::Value) -> bool {
    let timeout = system.template.timeout("RollupFunction");
    let ended = invoke(system, "rollup", timeout, async move |environment, _| match &environment.work {
        Work::Rollup(function) => function.handle(event).await.is_ok(),
        _ => false,
    });
    matches!(ended.await.1, Ended::Done(true))
}

/// The configuration of who calls AWS at once and without faults.
pub fn config(system: &Arc<System>) -> SdkConfig {
    let answering = system.clone();
    connector::config(move |call| answering.at_once(|state, now| state.cloud.answer(call, now)))
}

/// When nothing is under way, the derived numbers are those of a recount, nobody is set aside, and the heartbeats say
/// that all is counted.
pub async fn check(system: &Arc<System>) {
    let broken = |what: String| system.at_once(|state, now| state.checks.broken(now, what));
    let end = system.time.now() + LONGEST;
    while !system.with(|state| state.cloud.stream.is_empty()) {
        if system.time.now() > end {
            return broken("what was written is not counted".to_owned());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let config = config(system);
    let derived = derived(&config);
    let control = derived.control().await.unwrap().unwrap();
    if !control.live {
        broken("not everything is counted that was written before the epoch began".to_owned());
    }
    let epoch = control.epoch;
    let now = system.time.now();
    for division in DIVISIONS {
        let whole = Filter::whole(DivisionId::new(division));
        let [billing_contacts_only, with_balance_due, without_automatic_payment] =
            system.with(|state| [0; 3].map(|_| state.random.random_bool(0.5)));
        let some = Filter { billing_contacts_only, with_balance_due, without_automatic_payment, ..whole.clone() };
        for filter in [whole, some] {
            if let Some(difference) = difference(&config, &epoch, &filter, now).await {
                broken(format!("derived numbers are not those of a recount: {difference}"));
            }
        }
        loads::check_in_calm(system, division).await;
    }
    let aside = derived.aside(&epoch).await.unwrap();
    if !aside.is_empty() {
        broken(format!("nothing is wrong with those who are set aside: {aside:?}"));
    }
    match derived.as_of().await.unwrap() {
        Some(as_of) if now.duration_since(as_of) < OLDEST => {}
        as_of => broken(format!("nothing is under way, and the numbers are only proved to be of {as_of:?}")),
    }
}
