//! Preview of a schedule that is being edited.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use portal_aws::clock;
use portal_domain::Division;
use portal_domain::schedule::{Sketch, shown_runs};
use portal_domain::selection::{Counts, Rules};
use portal_http::body::JsonBody;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Schedules;

/// The next runs, and whom a run would e-mail today.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SchedulePreview")]
pub(crate) struct Preview {
    time_zone: String,
    next_runs: Vec<Timestamp>,
    counts: Counts,
}

pub(crate) async fn preview(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let Sketch { filter, audience, timing, schedule_id } = Sketch::from_json(&body)?;
    caller.require(&filter.division)?;
    let now = clock::now();
    let division = schedules.directory.division(&filter.division).await?;
    let stored = match schedule_id {
        Some(id) => schedules.store.schedule(&id).await?,
        None => None,
    };
    let stored = stored.filter(|stored| caller.may(&stored.plan.filter.division));
    // A schedule stored before limits were required still runs, so it is previewed too.
    let is_stored = stored.as_ref().is_some_and(|stored| stored.plan.audience == audience);
    let mut faults = if is_stored { Vec::new() } else { audience.missing_limits("audience") };
    if division.is_none() {
        faults.push(Division::unknown("filter.division"));
    }
    // As in a save, a rate starts anew only if the timing changes.
    let anchor = stored.filter(|stored| stored.plan.timing == timing).map_or(now, |stored| stored.anchor);
    faults.extend(division.as_ref().and_then(|division| timing.fault(anchor, now, &division.zone())));
    let (Some(division), true) = (division, faults.is_empty()) else { return Err(faults.into()) };
    let zone = division.zone();
    let rules = Rules { audience: audience.at(now, &zone), ..Rules::of_new_campaign(now, false) };
    let counts = schedules.directory.counts(&filter, rules).await?;
    Ok(Json(Preview { time_zone: division.time_zone, next_runs: shown_runs(&timing, anchor, now, &zone), counts }))
}
