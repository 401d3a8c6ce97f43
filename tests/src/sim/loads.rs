//! Operators who load get the numbers of a recount.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portal_domain::selection::{Counts, Rules};
use portal_domain::{DivisionId, Filter};
use serde_json::Value;

use super::sources::call;
use super::stream::config;
use super::system::System;
use crate::http::Call;
use crate::numbers::directory;

/// After this time the index shows everything that was written.
const INDEX_IS_UP_TO_DATE: Duration = Duration::from_secs(11);

/// Times of a function whose clock is off differ by this much.
const SKEW: Duration = Duration::from_secs(2);

/// The counts of an answer that was given now are those of a recount. This can be known if nothing is written between
/// the time of which they are and the recount.
pub async fn check(system: Arc<System>, filter: Filter, answer: Value) {
    let as_of: Timestamp = answer["asOf"].as_str().unwrap().parse().unwrap();
    let by_numbers = answer["countedFrom"] == "numbers";
    let shown: Counts = serde_json::from_value(answer).unwrap();
    tokio::time::sleep(INDEX_IS_UP_TO_DATE).await;
    if !by_numbers || system.with(|state| state.directory_written >= as_of) {
        return;
    }
    // The hour may have turned.
    for now in [as_of, as_of + SKEW, system.time.now()] {
        let rules = Rules::of_new_campaign(now, false);
        if directory(&config(&system)).counts(&filter, rules).await.unwrap() == shown {
            return system.with(|state| state.report.loads += 1);
        }
    }
    let recount = directory(&config(&system)).counts(&filter, Rules::of_new_campaign(as_of, false)).await.unwrap();
    let what = format!("Load of {filter:?} shows {shown:?} as of {as_of} in place of {recount:?}");
    system.at_once(|state, now| state.checks.broken(now, what));
}

/// When nothing is under way, a whole division is loaded by its numbers.
pub async fn check_in_calm(system: &Arc<System>, division: &str) {
    let request = Call::new("GET", &format!("/v1/counts?division={division}"));
    let Some(answer) = call(system, "load", request).await.filter(|answer| answer.status.is_success()) else {
        return system.at_once(|state, now| state.checks.broken(now, format!("{division} can't be loaded")));
    };
    check(system.clone(), Filter::whole(DivisionId::new(division)), answer.json()).await;
}
