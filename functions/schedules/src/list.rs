//! Lists of schedules and of occurrences.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use jiff::Timestamp;
use portal_aws::clock;
use portal_domain::campaign::audit;
use portal_domain::schedule::ScheduleState;
use portal_domain::{Division, DivisionId, Schedule};
use portal_http::cursor::{Page, PageRequest};
use portal_http::query::NoQuery;
use portal_http::{Caller, Problem, Query};

use crate::Schedules;
use crate::view::{OccurrenceView, OneView, ScheduleView, Shown, shown};

/// Items in a page, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 50;

/// Most entries of the audit trail that are shown; the newest.
const AUDIT_ENTRIES: usize = 100;

/// Most items in a page.
pub(crate) const MOST_ITEMS: u64 = 100;

pub(crate) async fn schedules(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    uri: Uri,
) -> Result<Page<ScheduleView>, Problem> {
    let (division, page) = Query::of(&uri).read(|fields| {
        let division = fields.optional_id("division").map(DivisionId::new);
        (division, PageRequest::read(fields, DEFAULT_LIMIT, MOST_ITEMS))
    })?;
    let after: Option<(String, String)> = page.from(&division)?;
    let mut listed = schedules.store.schedules().await?;
    listed.retain(|schedule| schedule.state != ScheduleState::Deleted);
    match &division {
        Some(division) => {
            caller.require(division)?;
            schedules.directory.known_division(division, "division").await??;
            listed.retain(|schedule| schedule.plan.filter.division == *division);
        }
        None => {
            let divisions = caller.divisions();
            listed.retain(|schedule| divisions.includes(&schedule.plan.filter.division));
        }
    }
    listed.sort_by_cached_key(position);
    listed.retain(|schedule| after.as_ref().is_none_or(|after| position(schedule) > *after));
    let more = listed.len() > page.limit;
    listed.truncate(page.limit);
    let next = listed.last().filter(|_| more).map(position);
    let divisions = schedules.directory.divisions().await?;
    let divisions: HashMap<DivisionId, Division> =
        divisions.into_iter().map(|division| (division.division.clone(), division)).collect();
    let now = clock::now();
    let view = |schedule: Schedule| {
        let division = divisions.get(&schedule.plan.filter.division);
        ScheduleView::new(schedule, division, now)
    };
    Page::new(listed.into_iter().map(view).collect(), &division, next.as_ref())
}

/// Sorted by name regardless of case, then by id.
fn position(schedule: &Schedule) -> (String, String) {
    (schedule.plan.name.to_lowercase(), schedule.schedule_id.to_string())
}

pub(crate) async fn one(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Shown, Problem> {
    let schedule = schedules.schedule(&caller, &id).await?;
    let division = schedules.directory.division(&schedule.plan.filter.division).await?;
    schedules.view(schedule, division.as_ref(), clock::now()).await
}

impl Schedules {
    /// The answer that shows a schedule of this division at time `now`, with its audit trail.
    pub(crate) async fn view(
        &self,
        schedule: Schedule,
        division: Option<&Division>,
        now: Timestamp,
    ) -> Result<Shown, Problem> {
        let audit = audit::shown(self.trails.newest(&schedule.schedule_id, AUDIT_ENTRIES).await?);
        Ok(shown(OneView { schedule: ScheduleView::new(schedule, division, now), audit }))
    }
}

pub(crate) async fn occurrences(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Page<OccurrenceView>, Problem> {
    let page = Query::of(&uri).read(|fields| PageRequest::read(fields, DEFAULT_LIMIT, MOST_ITEMS))?;
    let schedule = schedules.schedule(&caller, &id).await?;
    let before: Option<Timestamp> = page.from(&id)?;
    let (occurrences, more) = schedules.store.occurrences(&schedule.schedule_id, before, page.limit).await?;
    let next = occurrences.last().filter(|_| more).map(|last| last.scheduled_at);
    Page::new(occurrences.into_iter().map(OccurrenceView::new).collect(), &id, next.as_ref())
}
