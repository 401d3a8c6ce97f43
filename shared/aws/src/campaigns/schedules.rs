//! Schedules and their occurrences.
//!
//! A schedule is written whole, on the condition that it is the version that was read: people, occurrences and the sweep may all be at it.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::schedule::{Armed, Occurrence, ScheduleState};
use portal_domain::{Schedule, ScheduleId};

use super::{CampaignStore, keys};
use crate::idempotency::{Made, RequestKey};
use crate::outbox::notice::{Notice, ScheduleNotice};
use crate::table::condition::is;
use crate::table::{self, StoreError, Transacted, Tx};

/// How a change of a schedule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done,
    /// The occurrence was dealt with before. Nothing is written.
    Before,
    /// The schedule has changed since it was read. Nothing is written.
    Changed,
}

impl CampaignStore {
    /// A schedule, read consistently; also one that is deleted and not gone yet.
    pub async fn schedule(&self, id: &ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.table.get("read a schedule", &keys::schedule(id)).await
    }

    /// Every schedule, read consistently; also those that are deleted and not gone yet.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.table.all("list schedules", keys::schedules()).await
    }

    /// Writes a new schedule, with who made it in its audit trail, and with the idempotency key of the `request` for it, if that had
    /// one. [`Written::Changed`] if there is a schedule with this id, or if the key is in use.
    pub async fn create_schedule(
        &self,
        schedule: &Schedule,
        request: Option<RequestKey<'_>>,
    ) -> Result<Written, StoreError> {
        let (id, at) = (&schedule.schedule_id, schedule.created_at);
        let entry = AuditEntry::new(at, schedule.updater(), Action::Created);
        let mut tx = self.table.tx("make a schedule");
        tx.add(self.table.put_new(keys::schedule(id), schedule));
        tx.add(self.trails.add(&schedule.schedule_id, &entry));
        tx.extend(request.map(|request| self.keys.add(request, Made::ScheduleId(id.clone()), at)));
        written(tx).await
    }

    /// Writes what a person made of a schedule, with who and what in its audit trail.
    pub async fn change_schedule(
        &self,
        before: &Schedule,
        after: &Schedule,
        action: Action,
    ) -> Result<Written, StoreError> {
        let entry = AuditEntry::new(after.updated_at, after.updater(), action);
        let mut tx = self.table.tx("change a schedule");
        tx.add(self.put_schedule(before, after));
        tx.add(self.trails.add(&after.schedule_id, &entry));
        written(tx).await
    }

    /// Writes that EventBridge Scheduler knows a schedule as it was read.
    pub async fn armed(&self, before: &Schedule, armed: Armed) -> Result<Written, StoreError> {
        let after = Schedule { armed: Some(armed), ..before.clone() };
        let mut tx = self.table.tx("arm a schedule");
        tx.add(self.put_schedule(before, &after));
        written(tx).await
    }

    /// Removes a schedule that EventBridge Scheduler does not know any more. Its occurrences and its audit trail stay.
    pub async fn remove_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        self.table.run("remove a schedule", self.table.delete(keys::schedule(&schedule.schedule_id))).await?;
        Ok(())
    }

    /// Records an occurrence that started no campaign, once, and what it means for its schedule. If that is turned off, the operators
    /// are told.
    pub async fn record_occurrence(&self, schedule: &Schedule, occurrence: &Occurrence) -> Result<Written, StoreError> {
        let after = schedule.after(occurrence.clone());
        let mut tx = self.table.tx("record an occurrence");
        let recorded = tx.add(self.put_occurrence(schedule, occurrence));
        tx.add(self.put_schedule(schedule, &after));
        if let Some(reason) = after.off_reason.filter(|_| schedule.state == ScheduleState::Active) {
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

    /// What came of the occurrence that was due at this time, read consistently.
    pub async fn occurrence(
        &self,
        schedule: &ScheduleId,
        scheduled_at: Timestamp,
    ) -> Result<Option<Occurrence>, StoreError> {
        self.table.get("read an occurrence", &keys::occurrence(schedule, scheduled_at)).await
    }

    /// Occurrences that were due before `before`, newest first: up to `limit`, and whether there are more.
    pub async fn occurrences(
        &self,
        schedule: &ScheduleId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        let before = before.map(|before| keys::occurrence(schedule, before));
        let page = self.table.page("list occurrences", keys::occurrences(schedule).limit(limit).after(before)).await?;
        let more = page.has_more();
        Ok((page.items, more))
    }

    /// The action that records an occurrence, once.
    pub(super) fn put_occurrence(&self, schedule: &Schedule, occurrence: &Occurrence) -> table::Action {
        self.table.put_new(keys::occurrence(&schedule.schedule_id, occurrence.scheduled_at), occurrence)
    }

    /// The action that writes a schedule, if it is still as it was read.
    pub(super) fn put_schedule(&self, before: &Schedule, after: &Schedule) -> table::Action {
        let after = Schedule { version: before.version + 1, ..after.clone() };
        self.table.put(keys::schedule(&before.schedule_id), &after).when(is("version", before.version))
    }
}

async fn written(tx: Tx) -> Result<Written, StoreError> {
    Ok(if tx.write().await?.is_done() { Written::Done } else { Written::Changed })
}
