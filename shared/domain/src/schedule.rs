//! A schedule starts campaigns once or repeatedly. Each time at which it was due is an occurrence.

mod cron;
mod occurrence;
mod plan;
mod rule;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::occurrence::{Failure, LATEST, Miss, Occurrence, Skip, Verdict};
pub use self::plan::{Plan, Sketch};
pub use self::rule::{Rule, Timing};
use crate::campaign::audit::{Actor, Person};
use crate::input::FieldError;
use crate::{ByName, InSeconds, ScheduleId};

/// This many consecutive failures turn a schedule off.
pub const MOST_FAILURES: u32 = 3;

/// Scheduler calls within the minute. A save within this time may come before the call, which is then lost.
const CALLED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// Number of next occurrences shown.
const SHOWN_RUNS: usize = 5;

/// State of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScheduleState {
    /// Runs when due.
    Active,
    /// A person paused it.
    Paused,
    /// The system turned it off; a person may turn it on again.
    Off,
    /// A person deleted it, and it must still be deleted in EventBridge Scheduler.
    Deleted,
}

/// Why the system turned a schedule off.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum OffReason {
    /// It failed too many times in a row.
    Failures,
    /// Its owner no longer has the permission to send.
    OwnerWithoutPermission,
}

/// The owner of a schedule: the person who saved or resumed it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The user name in the user pool.
    pub user: String,
    /// The name to show.
    pub name: String,
    /// The user's `sub`; unknown for an owner named in the stack's template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl Owner {
    /// The owner as an actor.
    pub fn actor(&self) -> Actor {
        let person = self.sub.clone().map(|sub| Person { sub, user: self.user.clone() });
        Actor { name: self.name.clone(), person }
    }
}

/// What was last stored in EventBridge Scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Armed {
    /// The schedule's revision.
    pub revision: u32,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The division's time zone, by name.
    pub time_zone: String,
}

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its id; also its name at EventBridge Scheduler.
    pub schedule_id: ScheduleId,
    /// Goes up by one with every change by a person, who names the one that they saw.
    pub revision: u32,
    /// Goes up by one with every write.
    pub version: u64,
    /// The revision with the current timing; occurrences of an earlier one are ignored.
    pub timing_revision: u32,
    /// What it does, and when.
    #[serde(flatten)]
    pub plan: Plan,
    /// The owner.
    pub owner: Owner,
    /// Its state.
    pub state: ByName<ScheduleState>,
    /// Why it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_reason: Option<ByName<OffReason>>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// It is written in the stack's template, and so can't be changed in the table.
    #[serde(default)]
    pub in_template: bool,
    /// From when on a rate counts.
    pub anchor: Timestamp,
    /// What EventBridge Scheduler has stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub armed: Option<Armed>,
    /// The newest occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_occurrence: Option<Occurrence>,
    /// Who made it, by name.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who changed it last, by name.
    pub updated_by: String,
    /// That person's permanent identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by_person: Option<Person>,
    /// When a person changed it last.
    pub updated_at: Timestamp,
}

impl Schedule {
    /// A new schedule of `owner`, made at `now`.
    pub fn new(schedule_id: ScheduleId, plan: Plan, owner: Owner, now: Timestamp) -> Self {
        Self {
            schedule_id,
            revision: 1,
            version: 0,
            timing_revision: 1,
            plan,
            state: ScheduleState::Active.into(),
            off_reason: None,
            failures: 0,
            in_template: false,
            anchor: now,
            armed: None,
            last_occurrence: None,
            created_by: owner.name.clone(),
            created_at: now,
            updated_by: owner.name.clone(),
            updated_by_person: owner.actor().person,
            updated_at: now,
            owner,
        }
    }

    /// The schedule with another plan. A rate starts anew only if the timing changes.
    #[must_use]
    pub fn replanned(&self, plan: Plan, owner: Owner, now: Timestamp) -> Self {
        let mut next = self.touched(owner, now);
        if plan.timing != self.plan.timing {
            next.timing_revision = next.revision;
            next.anchor = now;
        }
        next.plan = plan;
        next
    }

    /// The schedule as a person paused it.
    #[must_use]
    pub fn paused(&self, by: &Actor, now: Timestamp) -> Self {
        let next = self.touched(self.owner.clone(), now).by(by);
        Self { state: ScheduleState::Paused.into(), off_reason: None, ..next }
    }

    /// The schedule resumed by a person, who becomes its owner.
    #[must_use]
    pub fn resumed(&self, owner: Owner, now: Timestamp) -> Self {
        Self { state: ScheduleState::Active.into(), off_reason: None, failures: 0, ..self.touched(owner, now) }
    }

    /// The schedule as a person deleted it.
    #[must_use]
    pub fn deleted(&self, by: &Actor, now: Timestamp) -> Self {
        let next = self.touched(self.owner.clone(), now).by(by);
        Self { state: ScheduleState::Deleted.into(), ..next }
    }

    /// The schedule as changed by a person who need not be its owner.
    #[must_use]
    pub fn by(self, actor: &Actor) -> Self {
        Self { updated_by: actor.name.clone(), updated_by_person: actor.person.clone(), ..self }
    }

    /// Who changed it last.
    pub fn updater(&self) -> Actor {
        Actor { name: self.updated_by.clone(), person: self.updated_by_person.clone() }
    }

    fn touched(&self, owner: Owner, now: Timestamp) -> Self {
        let actor = owner.actor();
        Self { revision: self.revision + 1, owner, updated_at: now, ..self.clone() }.by(&actor)
    }

    /// The schedule after an occurrence. Consecutive failures turn it off; an occurrence that starts a campaign resets
    /// their count.
    #[must_use]
    pub fn after(&self, occurrence: Occurrence) -> Self {
        let mut next = self.clone();
        match occurrence.verdict {
            Verdict::Started { .. } => next.failures = 0,
            Verdict::Failed { .. } => next.failures += 1,
            Verdict::Missed { .. } | Verdict::Skipped { .. } | Verdict::Unknown { .. } => {}
        }
        if self.state == ScheduleState::Active {
            if occurrence.verdict.says(Failure::OwnerWithoutPermission) {
                (next.state, next.off_reason) =
                    (ScheduleState::Off.into(), Some(OffReason::OwnerWithoutPermission.into()));
            } else if next.failures >= MOST_FAILURES {
                (next.state, next.off_reason) = (ScheduleState::Off.into(), Some(OffReason::Failures.into()));
            }
        }
        if next.last_occurrence.as_ref().is_none_or(|last| last.scheduled_at <= occurrence.scheduled_at) {
            next.last_occurrence = Some(occurrence);
        }
        next
    }

    /// When it is due after `now`: the next five times, or as many as there are.
    pub fn next_runs(&self, now: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        if self.had_its_only_run() {
            return Vec::new();
        }
        shown_runs(&self.plan.timing, self.anchor, now, zone)
    }

    /// The last due time, if Scheduler may not have called for it when the schedule is saved at `now`. A schedule that
    /// is due once has none, because a save names another time.
    pub fn due_just_before(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.state != ScheduleState::Active || matches!(self.plan.timing.rule, Rule::At(_)) {
            return None;
        }
        let runs = self.plan.timing.runs(self.anchor, now - CALLED_WITHIN, zone);
        let last = runs.map(|run| run.timestamp()).take_while(|run| *run <= now).last()?;
        // As Scheduler has it, in whole seconds.
        Timestamp::from_second(last.as_second()).ok()
    }

    /// Whether it is due once and has run, whatever the division's clock shows since.
    pub fn had_its_only_run(&self) -> bool {
        let since = |occurrence: &Occurrence| occurrence.at >= self.anchor;
        matches!(self.plan.timing.rule, Rule::At(_)) && self.last_occurrence.as_ref().is_some_and(since)
    }

    /// What is wrong with its timing at `now`: it is never due.
    pub fn timing_fault(&self, now: Timestamp, zone: &TimeZone) -> Option<FieldError> {
        self.plan.timing.fault(self.anchor, now, zone)
    }

    /// What EventBridge Scheduler should have stored; `time_zone` is the division's.
    pub fn as_armed(&self, time_zone: &str) -> Armed {
        let enabled = self.state == ScheduleState::Active;
        Armed { revision: self.revision, enabled, time_zone: time_zone.to_owned() }
    }

    /// The same, if it differs from what is stored there. A schedule of the template is stored by CloudFormation.
    pub fn to_arm(&self, time_zone: &str) -> Option<Armed> {
        let wanted = self.as_armed(time_zone);
        (!self.in_template && self.armed.as_ref() != Some(&wanted)).then_some(wanted)
    }
}

/// When a timing is due after `now`, for people.
pub fn shown_runs(timing: &Timing, anchor: Timestamp, now: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    timing.runs(anchor, now, zone).take(SHOWN_RUNS).map(|run| run.timestamp().in_seconds()).collect()
}

#[cfg(test)]
mod tests;
