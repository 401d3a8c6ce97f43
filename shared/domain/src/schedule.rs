//! A schedule: starts campaigns by itself, once or again and again. Each time at which it was due is an occurrence.

mod cron;
mod occurrence;
mod plan;
mod rule;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::occurrence::{Failure, Occurrence, Skip, Verdict};
pub use self::plan::{Plan, Sketch};
pub use self::rule::{Rule, Timing};
use crate::ScheduleId;
use crate::campaign::audit::{Actor, Person};
use crate::input::FieldError;

/// So many failures in a row turn a schedule off.
pub const MOST_FAILURES: u32 = 3;

/// Scheduler calls within the minute. Who saves a schedule in this time may come before the call, and then it is lost.
const CALLED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How many coming occurrences are shown.
const SHOWN_RUNS: usize = 5;

/// Whether a schedule is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScheduleState {
    /// It is.
    Active,
    /// A person paused it.
    Paused,
    /// The system turned it off; a person may turn it on again.
    Off,
    /// A person deleted it, and EventBridge Scheduler is still to be told.
    Deleted,
}

/// Why the system turned a schedule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OffReason {
    /// It failed [`MOST_FAILURES`] times in a row.
    Failures,
    /// Its owner may not send invitations any more.
    OwnerWithoutPermission,
}

/// Who answers for what a schedule sends: whoever saved or resumed it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The user name in the user pool.
    pub user: String,
    /// The name to show.
    pub name: String,
    /// The `sub` of the user; not known of one that the stack's template names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl Owner {
    /// The owner as somebody who does something.
    pub fn actor(&self) -> Actor {
        let person = self.sub.clone().map(|sub| Person { sub, user: self.user.clone() });
        Actor { name: self.name.clone(), person }
    }
}

/// What EventBridge Scheduler was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Armed {
    /// The schedule's revision.
    pub revision: u32,
    /// Whether it is to call.
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
    /// Goes up by one whenever a person changes it: whoever changes it says which one they saw.
    pub revision: u32,
    /// Goes up by one with every write.
    pub version: u64,
    /// The revision that brought its timing: occurrences of an earlier one are none of its.
    pub timing_revision: u32,
    /// What it does, and when.
    #[serde(flatten)]
    pub plan: Plan,
    /// Who answers for it.
    pub owner: Owner,
    /// Whether it is at work.
    pub state: ScheduleState,
    /// Why it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_reason: Option<OffReason>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// It is written in the stack's template, and so can't be changed in the table.
    #[serde(default)]
    pub in_template: bool,
    /// From when on a rate counts.
    pub anchor: Timestamp,
    /// What EventBridge Scheduler knows of it.
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
    /// Who that is for certain.
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
            state: ScheduleState::Active,
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

    /// The schedule with another plan. Its rate begins anew only where its timing changes.
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
        Self { state: ScheduleState::Paused, off_reason: None, ..next }
    }

    /// The schedule as a person resumed it, who answers for it from now on.
    #[must_use]
    pub fn resumed(&self, owner: Owner, now: Timestamp) -> Self {
        Self { state: ScheduleState::Active, off_reason: None, failures: 0, ..self.touched(owner, now) }
    }

    /// The schedule as a person deleted it.
    #[must_use]
    pub fn deleted(&self, by: &Actor, now: Timestamp) -> Self {
        let next = self.touched(self.owner.clone(), now).by(by);
        Self { state: ScheduleState::Deleted, ..next }
    }

    /// The same, changed by somebody who need not be its owner.
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

    /// The schedule after an occurrence: failures are counted until one starts a campaign, and turn it off.
    #[must_use]
    pub fn after(&self, occurrence: Occurrence) -> Self {
        let mut next = self.clone();
        match occurrence.verdict {
            Verdict::Started { .. } => next.failures = 0,
            Verdict::Failed { .. } => next.failures += 1,
            Verdict::Missed { .. } | Verdict::Skipped { .. } => {}
        }
        if self.state == ScheduleState::Active {
            if occurrence.verdict.says(Failure::OwnerWithoutPermission) {
                (next.state, next.off_reason) = (ScheduleState::Off, Some(OffReason::OwnerWithoutPermission));
            } else if next.failures >= MOST_FAILURES {
                (next.state, next.off_reason) = (ScheduleState::Off, Some(OffReason::Failures));
            }
        }
        if next.last_occurrence.as_ref().is_none_or(|last| last.scheduled_at <= occurrence.scheduled_at) {
            next.last_occurrence = Some(occurrence);
        }
        next
    }

    /// When it is due after `now`: the next five times, or as many as there are.
    pub fn next_runs(&self, now: Timestamp, zone: &TimeZone) -> Vec<String> {
        if self.had_its_only_run() {
            return Vec::new();
        }
        shown_runs(&self.plan.timing, self.anchor, now, zone)
    }

    /// The time at which it was due and may not have been called for yet, if it is saved at `now`. One that is due once
    /// has no such time: saving it is to say another.
    pub fn due_just_before(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.state != ScheduleState::Active || matches!(self.plan.timing.rule, Rule::At(_)) {
            return None;
        }
        let runs = self.plan.timing.runs(self.anchor, now - CALLED_WITHIN, zone);
        let last = runs.map(|run| run.timestamp()).take_while(|run| *run <= now).last()?;
        // As Scheduler knows it, which counts whole seconds.
        Timestamp::from_second(last.as_second()).ok()
    }

    /// Whether it is due once, and was: whatever the clock of its division says since.
    pub fn had_its_only_run(&self) -> bool {
        let since = |occurrence: &Occurrence| occurrence.at >= self.anchor;
        matches!(self.plan.timing.rule, Rule::At(_)) && self.last_occurrence.as_ref().is_some_and(since)
    }

    /// What is wrong with its timing at `now`: it is never due.
    pub fn timing_fault(&self, now: Timestamp, zone: &TimeZone) -> Option<FieldError> {
        self.plan.timing.fault(self.anchor, now, zone)
    }

    /// What EventBridge Scheduler is to know of it; `time_zone` is the division's.
    pub fn as_armed(&self, time_zone: &str) -> Armed {
        let enabled = self.state == ScheduleState::Active;
        Armed { revision: self.revision, enabled, time_zone: time_zone.to_owned() }
    }

    /// The same, if it does not know it yet. Of one in the template CloudFormation tells it.
    pub fn to_arm(&self, time_zone: &str) -> Option<Armed> {
        let wanted = self.as_armed(time_zone);
        (!self.in_template && self.armed.as_ref() != Some(&wanted)).then_some(wanted)
    }
}

/// When a timing is due after `now`, for people: RFC 3339, in the zone's time.
pub fn shown_runs(timing: &Timing, anchor: Timestamp, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let runs = timing.runs(anchor, now, zone).take(SHOWN_RUNS);
    runs.map(|run| run.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()).collect()
}

#[cfg(test)]
mod tests;
