//! Schedules and their occurrences in the table Campaigns.
//!
//! A schedule is written whole, on the condition that its version is the one that was read, because people, occurrences
//! and the sweep may change it at the same time.

pub mod scheduler;

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::schedule::{Armed, Occurrence, ScheduleState};
use portal_domain::{Schedule, ScheduleId};

use crate::audit::trail::Trails;
use crate::context::Context;
use crate::idempotency::{IdempotencyKeys, Made, RequestKey};
use crate::outbox::Outbox;
use crate::outbox::notice::{Notice, ScheduleNotice};
use crate::settings::InvalidSetting;
use crate::table::condition::is;
use crate::table::{self, Key, Query, StoreError, Table, Transacted, Tx};

/// Partition of all schedules; the sort key is the schedule's id.
pub const SCHEDULES: &str = "SCHEDULES";

/// Access to schedules and their occurrences.
#[derive(Clone, Debug)]
pub struct ScheduleStore {
    table: Table,
    keys: IdempotencyKeys,
    trails: Trails,
    outbox: Outbox,
}

/// The result of a change of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The change is written.
    Done,
    /// The occurrence was recorded before. Nothing is written.
    Before,
    /// The schedule has changed since it was read. Nothing is written.
    Changed,
}

impl ScheduleStore {
    /// A store on the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            keys: IdempotencyKeys::new(context)?,
            trails: Trails::new(context)?,
            outbox: Outbox::new(context)?,
        })
    }

    /// A schedule, read consistently; also a deleted one that EventBridge Scheduler still knows.
    pub async fn schedule(&self, id: &ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.table.get("read a schedule", &key(id)).await
    }

    /// All schedules, read consistently; also deleted ones that EventBridge Scheduler still knows.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.table.all("list schedules", Query::partition(SCHEDULES)).await
    }

    /// Writes a new schedule, an entry in its audit trail, and the idempotency key of the `request` if it had one.
    /// [`Written::Changed`] if there is a schedule with this id, or if the idempotency key is in use.
    pub async fn create(&self, schedule: &Schedule, request: Option<RequestKey<'_>>) -> Result<Written, StoreError> {
        let (id, at) = (&schedule.schedule_id, schedule.created_at);
        let entry = AuditEntry::new(at, schedule.updater(), Action::Created);
        let mut tx = self.table.tx("create a schedule");
        tx.add(self.table.put_new(key(id), schedule));
        tx.add(self.trails.add(&schedule.schedule_id, &entry));
        tx.extend(request.map(|request| self.keys.add(request, Made::ScheduleId(id.clone()), at)));
        written(tx).await
    }

    /// Writes a person's change of a schedule, with an entry in its audit trail.
    pub async fn change(&self, before: &Schedule, after: &Schedule, action: Action) -> Result<Written, StoreError> {
        let entry = AuditEntry::new(after.updated_at, after.updater(), action);
        let mut tx = self.table.tx("change a schedule");
        tx.add(self.put(before, after));
        tx.add(self.trails.add(&after.schedule_id, &entry));
        written(tx).await
    }

    /// Stores that EventBridge Scheduler knows a schedule as it was read.
    pub async fn armed(&self, before: &Schedule, armed: Armed) -> Result<Written, StoreError> {
        let after = Schedule { armed: Some(armed), ..before.clone() };
        let mut tx = self.table.tx("arm a schedule");
        tx.add(self.put(before, &after));
        written(tx).await
    }

    /// Removes a schedule that EventBridge Scheduler no longer knows. Its occurrences and its audit trail stay.
    pub async fn remove(&self, schedule: &Schedule) -> Result<(), StoreError> {
        self.table.run("remove a schedule", self.table.delete(key(&schedule.schedule_id))).await?;
        Ok(())
    }

    /// Records an occurrence that started no campaign, once, and updates its schedule. If that turns the schedule off,
    /// the operators are notified.
    pub async fn record(&self, schedule: &Schedule, occurrence: &Occurrence) -> Result<Written, StoreError> {
        let after = schedule.after(occurrence.clone());
        let mut tx = self.table.tx("record an occurrence");
        let recorded = tx.add(self.put_occurrence(schedule, occurrence));
        tx.add(self.put(schedule, &after));
        if let Some(reason) = after.off_reason.clone().filter(|_| schedule.state == ScheduleState::Active) {
            let at = occurrence.at;
            let detail = occurrence.verdict.detail();
            let entry = AuditEntry { note: Some(detail.clone()), ..AuditEntry::new(at, SYSTEM, Action::TurnedOff) };
            tx.add(self.trails.add(&schedule.schedule_id, &entry));
            let notice = ScheduleNotice {
                at,
                schedule_id: schedule.schedule_id.clone(),
                name: schedule.plan.name.clone(),
                division: schedule.plan.filter.division.clone(),
                owner: schedule.owner.name.clone(),
                reason,
                detail,
            };
            tx.add(self.outbox.add_notice(&Notice::Schedule(notice)));
        }
        match tx.write().await? {
            Transacted::Done => Ok(Written::Done),
            Transacted::Refused(refused) if refused.failed(recorded) => Ok(Written::Before),
            Transacted::Refused(_) => Ok(Written::Changed),
        }
    }

    /// The occurrence that was due at this time, if it is recorded, read consistently.
    pub async fn occurrence(
        &self,
        schedule: &ScheduleId,
        scheduled_at: Timestamp,
    ) -> Result<Option<Occurrence>, StoreError> {
        self.table.get("read an occurrence", &occurrence_key(schedule, scheduled_at)).await
    }

    /// Occurrences that were due before `before`, newest first: up to `limit`, and whether there are more.
    pub async fn occurrences(
        &self,
        schedule: &ScheduleId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        let before = before.map(|before| occurrence_key(schedule, before));
        let page = self.table.page("list occurrences", occurrences(schedule).limit(limit).after(before)).await?;
        let more = page.has_more();
        Ok((page.items, more))
    }

    /// The action that records an occurrence, once.
    pub(crate) fn put_occurrence(&self, schedule: &Schedule, occurrence: &Occurrence) -> table::Action {
        self.table.put_new(occurrence_key(&schedule.schedule_id, occurrence.scheduled_at), occurrence)
    }

    /// The action that writes the next version of a schedule, if it is unchanged since it was read.
    pub(crate) fn put(&self, before: &Schedule, after: &Schedule) -> table::Action {
        let after = Schedule { version: before.version + 1, ..after.clone() };
        self.table.put(key(&before.schedule_id), &after).when(is("version", before.version))
    }
}

async fn written(tx: Tx) -> Result<Written, StoreError> {
    Ok(if tx.write().await?.is_done() { Written::Done } else { Written::Changed })
}

/// The partition of the occurrences of a schedule; the sort key is the time at which each was due.
fn occurrences_pk(schedule: &ScheduleId) -> String {
    format!("SCHEDULE#{schedule}")
}

fn key(id: &ScheduleId) -> Key<Schedule> {
    Key::new(SCHEDULES, id.as_str())
}

fn occurrence_key(schedule: &ScheduleId, scheduled_at: Timestamp) -> Key<Occurrence> {
    Key::new(occurrences_pk(schedule), scheduled_at.to_string())
}

/// The occurrences of a schedule, the newest first.
fn occurrences(schedule: &ScheduleId) -> Query<Occurrence> {
    Query::partition(occurrences_pk(schedule)).backwards()
}
