//! Creates, changes, pauses, resumes and deletes schedules.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use portal_aws::audit::Audit;
use portal_aws::clock;
use portal_aws::idempotency::{Made, RequestKey, Seen};
use portal_aws::schedules::Written;
use portal_aws::table::{Attempts, StoreError};
use portal_domain::audit::{Deed, Entry};
use portal_domain::campaign::audit::Action;
use portal_domain::division::SenderRefusal;
use portal_domain::input::{FieldError, Fields};
use portal_domain::schedule::{Occurrence, Owner, Plan, ScheduleState, Timing, Verdict};
use portal_domain::{Division, InSeconds, Schedule};
use portal_http::body::JsonBody;
use portal_http::problem::ProblemType;
use portal_http::{Caller, ETag, IfMatch, Problem, idempotency};
use serde_json::{Value, json};

use crate::view::Shown;
use crate::{Schedules, unknown};

/// Most schedules of a stack, because a list reads all of them at once.
const MOST_SCHEDULES: usize = 500;

/// Fields of an answer that a request may contain and that are ignored, so that an answer can be changed and sent back.
pub(crate) const TOLD: [&str; 15] = [
    "scheduleId",
    "owner",
    "timeZone",
    "state",
    "stateReason",
    "failures",
    "inTemplate",
    "nextRuns",
    "warnings",
    "lastOccurrence",
    "createdBy",
    "createdAt",
    "updatedBy",
    "updatedAt",
    "audit",
];

pub(crate) async fn create(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let now = clock::now();
    let body_hash = idempotency::hash_of(&body);
    let key = idempotency::key(&headers)?.map(|key| RequestKey { caller: &caller.id, key, body_hash: &body_hash });
    if let Some(made) = schedules.made_before(&caller, key, now).await? {
        return schedules.created(made, now).await;
    }
    let timing_fault = |timing: &Timing, zone: &TimeZone| timing.fault(now, now, zone);
    let (plan, _) = schedules.checked(&caller, &body, read(&body, Plan::read), timing_fault).await?;
    if schedules.store.schedules().await?.len() >= MOST_SCHEDULES {
        let detail = format!("There are {MOST_SCHEDULES} schedules already. Delete one that is not needed any more.");
        return Err(Problem::conflict(ProblemType::TOO_MANY_SCHEDULES, detail));
    }
    let schedule = Schedule::new(clock::new_schedule_id(now), plan, owner(&caller), now);
    let entry = about(&schedule, Audit::entry(caller.actor(), Deed::ScheduleCreated));
    let begun = schedules.audit.begin(entry).await?;
    if schedules.store.create(&schedule, key).await? != Written::Done {
        begun.refused().await;
        // The same request, made twice at once, was first.
        let made = schedules.made_before(&caller, key, now).await?.ok_or(StoreError::Busy("make a schedule"))?;
        return schedules.created(made, now).await;
    }
    begun.done(None, Some(kept(&schedule))).await;
    tracing::info!(schedule.id = %schedule.schedule_id, "schedule made");
    schedules.created(schedule, now).await
}

pub(crate) async fn save(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Shown, Problem> {
    let now = clock::now();
    let known = schedules.schedule(&caller, &id).await?;
    refuse_template(&known)?;
    let mut seen = None;
    let plan = read(&body, |fields| {
        let revisions = 1..=u64::from(u32::MAX);
        seen = match if_match.is_absent() {
            true => Some(fields.required_number("revision", revisions)),
            false => fields.optional_number("revision", revisions),
        };
        for told in TOLD {
            fields.optional(told);
        }
        Plan::read(fields)
    });
    // A rate starts anew only if the timing changes.
    let anchor = |timing: &Timing| if *timing == known.plan.timing { known.anchor } else { now };
    let timing_fault = |timing: &Timing, zone: &TimeZone| timing.fault(anchor(timing), now, zone);
    let (plan, division) = schedules.checked(&caller, &body, plan, timing_fault).await?;
    let change = |schedule: &Schedule| {
        check(&if_match, schedule)?;
        if seen.is_some_and(|seen| u64::from(schedule.revision) != seen) {
            return Err(changed(schedule));
        }
        let next = schedule.replanned(plan.clone(), owner(&caller), now);
        check_timing(&next, &division, now).map(|()| Some(next))
    };
    let saved = schedules.change(&caller, &id, Action::Changed, change).await?;
    schedules.arm(&saved, Some(&division), now).await;
    let saved = match known.due_just_before(now, &division.zone()) {
        Some(due) => schedules.tell_missed(saved, due, now).await?,
        None => saved,
    };
    schedules.view(saved, Some(&division), now).await
}

pub(crate) async fn pause(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<Shown, Problem> {
    let now = clock::now();
    let paused = |schedule: &Schedule| {
        check(&if_match, schedule)?;
        let works = schedule.state == ScheduleState::Active;
        Ok(works.then(|| schedule.paused(&caller.actor(), now)))
    };
    schedules.switch(&caller, &id, Action::Paused, now, paused).await
}

/// Also one that the system turned off. The caller becomes its owner.
pub(crate) async fn resume(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<Shown, Problem> {
    let now = clock::now();
    let known = schedules.schedule(&caller, &id).await?;
    let division = schedules.directory.division(&known.plan.filter.division).await?.ok_or_else(unknown_division)?;
    let resumed = |schedule: &Schedule| {
        check(&if_match, schedule)?;
        if schedule.state == ScheduleState::Active {
            return Ok(None);
        }
        // The owner of a schedule in the template is written there.
        let owner = if schedule.in_template { schedule.owner.clone() } else { owner(&caller) };
        let next = schedule.resumed(owner, now);
        let next = next.by(&caller.actor());
        check_timing(&next, &division, now).map(|()| Some(next))
    };
    schedules.switch(&caller, &id, Action::Resumed, now, resumed).await
}

/// A schedule in the template comes back with its next run, as long as the template has it.
pub(crate) async fn delete(
    State(schedules): State<Arc<Schedules>>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let now = clock::now();
    let deleted = |schedule: &Schedule| {
        check(&if_match, schedule)?;
        Ok(Some(schedule.deleted(&caller.actor(), now)))
    };
    let schedule = schedules.change(&caller, &id, Action::Deleted, deleted).await?;
    tracing::info!(schedule.id = %schedule.schedule_id, "schedule deleted");
    schedules.arm(&schedule, None, now).await;
    Ok(StatusCode::NO_CONTENT)
}

impl Schedules {
    /// The schedule that an earlier call of this request created, if any.
    async fn made_before(
        &self,
        caller: &Caller,
        key: Option<RequestKey<'_>>,
        now: Timestamp,
    ) -> Result<Option<Schedule>, Problem> {
        let Some(key) = key else { return Ok(None) };
        match self.keys.seen(key, now).await? {
            Seen::No => Ok(None),
            Seen::Made(Made::ScheduleId(id)) => {
                let made = self.store.schedule(&id).await?.filter(|schedule| schedule.state != ScheduleState::Deleted);
                let deleted = || unknown().detail("This request made a schedule that was deleted since.");
                let made = made.ok_or_else(deleted)?;
                caller.require(&made.plan.filter.division)?;
                Ok(Some(made))
            }
            Seen::Made(Made::CampaignId(_)) | Seen::OtherBody => Err(idempotency::reused()),
        }
    }

    async fn created(&self, schedule: Schedule, now: Timestamp) -> Result<Response, Problem> {
        let division = self.directory.division(&schedule.plan.filter.division).await?;
        self.arm(&schedule, division.as_ref(), now).await;
        // Relative to /v1/schedules, because an absolute path would lack the API's stage.
        let location = format!("schedules/{}", schedule.schedule_id);
        let shown = self.view(schedule, division.as_ref(), now).await?;
        Ok((StatusCode::CREATED, [(LOCATION, location)], shown).into_response())
    }

    /// The plan read from `body` and its division, if they have no faults: everything that the plan names must exist,
    /// in a division that the caller has permission for, its sender must be usable, and it must be due at some time.
    /// All faults are returned at once (guarantee 12).
    async fn checked(
        &self,
        caller: &Caller,
        body: &Value,
        read: Result<Plan, Vec<FieldError>>,
        timing_fault: impl Fn(&Timing, &TimeZone) -> Option<FieldError>,
    ) -> Result<(Plan, Division), Problem> {
        let (plan, mut faults) = match read {
            Ok(plan) => (Some(plan), Vec::new()),
            Err(faults) => (None, faults),
        };
        if let Some(plan) = &plan {
            caller.require(&plan.filter.division)?;
        }
        let found = self.lookup.find(body, |division| caller.may(division)).await?;
        if let Some(timing) = Timing::of(body) {
            // If the division is unknown, only a fault in every time zone counts.
            let zones = match &found.division {
                Some(Ok(division)) => vec![division.zone()],
                _ => vec![TimeZone::fixed(offset(-12)), TimeZone::fixed(offset(14))],
            };
            let in_each: Option<Vec<_>> = zones.iter().map(|zone| timing_fault(&timing, zone)).collect();
            faults.extend(in_each.and_then(|mut in_each| in_each.pop()));
        }
        let faults = found.with(faults);
        let (Some(plan), Some(Ok(division)), Some(sender), true) =
            (plan, found.division, found.sender, faults.is_empty())
        else {
            return Err(faults.into());
        };
        match sender? {
            // SES may accept e-mails again when the schedule runs.
            Ok(_) | Err(SenderRefusal::SendingPaused) => Ok((plan, division)),
            Err(refusal) => Err(Problem::sender_refused(refusal)),
        }
    }

    /// Applies `change` to a schedule; writes nothing if it returns nothing. Occurrences and the sweep may write it at
    /// the same time.
    async fn change(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
        change: impl Fn(&Schedule) -> Result<Option<Schedule>, Problem>,
    ) -> Result<Schedule, Problem> {
        let entry = Audit::entry(caller.actor(), deed_of(action));
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let before = self.schedule(caller, id).await?;
            let Some(after) = change(&before)? else { return Ok(before) };
            let begun = self.audit.begin(about(&before, entry.clone())).await?;
            if self.store.change(&before, &after, action).await? == Written::Done {
                begun.done(Some(kept(&before)), Some(kept(&after))).await;
                return Ok(Schedule { version: before.version + 1, ..after });
            }
            begun.refused().await;
        }
        Err(StoreError::Busy("change a schedule").into())
    }

    /// Records a run that was due just before a save as missed, unless it has a result already: Scheduler may drop a
    /// call when the schedule is updated. If it calls nevertheless, the record keeps the run from starting.
    async fn tell_missed(&self, saved: Schedule, due: Timestamp, now: Timestamp) -> Result<Schedule, StoreError> {
        let missed = Occurrence { scheduled_at: due, at: now, verdict: Verdict::saved() };
        let mut newest = saved;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            if !attempts.is_first() {
                match self.store.schedule(&newest.schedule_id).await? {
                    Some(schedule) => newest = schedule,
                    None => return Ok(newest),
                }
            }
            match self.store.record(&newest, &missed).await? {
                Written::Changed => {}
                Written::Done | Written::Before => return Ok(newest.after(missed)),
            }
        }
        Err(StoreError::Busy("record an occurrence"))
    }

    async fn switch(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
        now: Timestamp,
        change: impl Fn(&Schedule) -> Result<Option<Schedule>, Problem>,
    ) -> Result<Shown, Problem> {
        let switched = self.change(caller, id, action, change).await?;
        let division = self.directory.division(&switched.plan.filter.division).await?;
        self.arm(&switched, division.as_ref(), now).await;
        self.view(switched, division.as_ref(), now).await
    }
}

/// Reads a body with `read`; all faults are returned at once.
fn read(body: &Value, read: impl FnOnce(&mut Fields<'_>) -> Option<Plan>) -> Result<Plan, Vec<FieldError>> {
    let mut fields = Fields::of(body, "").map_err(|fault| vec![fault])?;
    let plan = read(&mut fields);
    let faults = fields.finish();
    plan.filter(|_| faults.is_empty()).ok_or(faults)
}

/// The entry of the audit about a schedule.
fn about(schedule: &Schedule, entry: Entry) -> Entry {
    let division = Some(schedule.plan.filter.division.clone());
    Entry { division, subject: Some(schedule.schedule_id.to_string()), ..entry }
}

fn deed_of(action: Action) -> Deed {
    match action {
        Action::Paused => Deed::SchedulePaused,
        Action::Resumed => Deed::ScheduleResumed,
        Action::Deleted => Deed::ScheduleDeleted,
        _ => Deed::ScheduleChanged,
    }
}

/// A schedule as the audit keeps it.
fn kept(schedule: &Schedule) -> Value {
    json!({"plan": schedule.plan, "state": schedule.state, "owner": schedule.owner.name})
}

fn owner(caller: &Caller) -> Owner {
    Owner { user: caller.user.clone(), name: caller.name.clone(), sub: Some(caller.id.clone()) }
}

fn check_timing(schedule: &Schedule, division: &Division, now: Timestamp) -> Result<(), Problem> {
    schedule.timing_fault(now, &division.zone()).map_or(Ok(()), |fault| Err(fault.into()))
}

fn unknown_division() -> Problem {
    unknown().detail("The schedule's division does not exist any more.")
}

fn refuse_template(schedule: &Schedule) -> Result<(), Problem> {
    let detail = "This schedule is written in the stack's template. Change it there; here it can be paused, resumed and forgotten.";
    if schedule.in_template { Err(Problem::conflict(ProblemType::SCHEDULE_IN_TEMPLATE, detail)) } else { Ok(()) }
}

/// Refuses a change of a schedule that is not what the caller has read.
fn check(if_match: &IfMatch, schedule: &Schedule) -> Result<(), Problem> {
    let tag = ETag::of_version(schedule.revision);
    if_match.check(Some(&tag)).map_err(|problem| told(problem, schedule))
}

fn changed(schedule: &Schedule) -> Problem {
    let detail = "Somebody changed this schedule meanwhile. Look at it, and save yours on top of it.";
    told(Problem::conflict(ProblemType::SCHEDULE_CHANGED, detail), schedule)
}

/// The problem with what has changed.
fn told(problem: Problem, schedule: &Schedule) -> Problem {
    problem
        .with("revision", schedule.revision)
        .with("updatedBy", schedule.updated_by.clone())
        .with("updatedAt", schedule.updated_at.in_seconds().to_string())
}
