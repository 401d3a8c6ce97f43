//! Schedules and their occurrences.
//!
//! A schedule is written whole, on the condition that it is the version that was read: people, occurrences and the sweep may all be at it.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::schedule::{Armed, Occurrence, ScheduleState};
use portal_domain::{Schedule, ScheduleId};

use super::item::Made;
use super::notices::{Notice, ScheduleNotice};
use super::request::RequestKey;
use super::{CampaignStore, keys};
use crate::clock;
use crate::dynamo::{StoreError, Transacted, condition_failed, key, n, put, s, transact};

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
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::SCHEDULES, id.as_str())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a schedule", error))?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Every schedule, read consistently; also those that are deleted and not gone yet.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :schedules")
            .expression_attribute_values(":schedules", s(keys::SCHEDULES))
            .into_paginator()
            .send();
        let mut schedules = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::of("list schedules", error))?;
            schedules.extend(serde_dynamo::from_items::<_, Schedule>(page.items.unwrap_or_default())?);
        }
        Ok(schedules)
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
        let mut actions =
            vec![self.put_new(key(keys::SCHEDULES, id.as_str()), schedule)?, self.audit_schedule(schedule, &entry)?];
        if let Some(request) = request {
            actions.push(self.put_key(request, Made::ScheduleId(id.clone()), at)?);
        }
        self.write_schedule("make a schedule", actions).await
    }

    /// Writes what a person made of a schedule, with who and what in its audit trail.
    pub async fn change_schedule(
        &self,
        before: &Schedule,
        after: &Schedule,
        action: Action,
    ) -> Result<Written, StoreError> {
        let entry = AuditEntry::new(after.updated_at, after.updater(), action);
        let actions = vec![self.put_schedule(before, after)?, self.audit_schedule(after, &entry)?];
        self.write_schedule("change a schedule", actions).await
    }

    /// Writes that EventBridge Scheduler knows a schedule as it was read.
    pub async fn armed(&self, before: &Schedule, armed: Armed) -> Result<Written, StoreError> {
        let after = Schedule { armed: Some(armed), ..before.clone() };
        self.write_schedule("arm a schedule", vec![self.put_schedule(before, &after)?]).await
    }

    /// Removes a schedule that EventBridge Scheduler does not know any more. Its occurrences and its audit trail stay.
    pub async fn remove_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::SCHEDULES, schedule.schedule_id.as_str())))
            .send()
            .await
            .map_err(|error| StoreError::of("remove a schedule", error))?;
        Ok(())
    }

    /// Records an occurrence that started no campaign, once, and what it means for its schedule. If that is turned off, the operators
    /// are told.
    pub async fn record_occurrence(&self, schedule: &Schedule, occurrence: &Occurrence) -> Result<Written, StoreError> {
        let after = schedule.after(occurrence.clone());
        let mut actions = vec![self.put_occurrence(schedule, occurrence)?, self.put_schedule(schedule, &after)?];
        if let Some(reason) = after.off_reason.filter(|_| schedule.state == ScheduleState::Active) {
            let at = occurrence.at;
            let detail = occurrence.verdict.detail();
            let entry = AuditEntry { note: Some(detail.clone()), ..AuditEntry::new(at, SYSTEM, Action::TurnedOff) };
            actions.push(self.audit_schedule(schedule, &entry)?);
            let notice = ScheduleNotice {
                at,
                schedule_id: schedule.schedule_id.clone(),
                name: schedule.plan.name.clone(),
                division: schedule.plan.filter.division.clone(),
                owner: schedule.owner.name.clone(),
                reason,
                detail,
            };
            actions.push(self.put_new(key(keys::NOTICES, clock::new_event_id(at)), &Notice::Schedule(notice))?);
        }
        match transact(&self.client, "record an occurrence", actions).await? {
            Transacted::Done => Ok(Written::Done),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(Written::Before),
            Transacted::Refused(_) => Ok(Written::Changed),
        }
    }

    /// What came of the occurrence that was due at this time, read consistently.
    pub async fn occurrence(
        &self,
        schedule: &ScheduleId,
        scheduled_at: Timestamp,
    ) -> Result<Option<Occurrence>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::schedule_pk(schedule), scheduled_at.to_string())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read an occurrence", error))?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Occurrences that were due before `before`, newest first: up to `limit`, and whether there are more.
    pub async fn occurrences(
        &self,
        schedule: &ScheduleId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        let pk = keys::schedule_pk(schedule);
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :occurrences")
            .expression_attribute_values(":occurrences", s(&pk))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(before.map(|before| key(&pk, before.to_string())))
            .send()
            .await
            .map_err(|error| StoreError::of("list occurrences", error))?;
        let more = answer.last_evaluated_key.is_some();
        Ok((serde_dynamo::from_items(answer.items.unwrap_or_default())?, more))
    }

    /// The action that records an occurrence, once.
    pub(super) fn put_occurrence(
        &self,
        schedule: &Schedule,
        occurrence: &Occurrence,
    ) -> Result<TransactWriteItem, StoreError> {
        let sk = occurrence.scheduled_at.to_string();
        self.put_new(key(keys::schedule_pk(&schedule.schedule_id), sk), occurrence)
    }

    /// The action that writes a schedule, if it is still as it was read.
    pub(super) fn put_schedule(&self, before: &Schedule, after: &Schedule) -> Result<TransactWriteItem, StoreError> {
        let after = Schedule { version: before.version + 1, ..after.clone() };
        put(self
            .put_item(key(keys::SCHEDULES, before.schedule_id.as_str()), &after)?
            .condition_expression("version = :version")
            .expression_attribute_values(":version", n(before.version)))
    }

    fn audit_schedule(&self, schedule: &Schedule, entry: &AuditEntry) -> Result<TransactWriteItem, StoreError> {
        self.put_new(key(keys::audit_pk(&schedule.schedule_id), clock::new_event_id(entry.at)), entry)
    }

    async fn write_schedule(&self, what: &'static str, actions: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        Ok(match transact(&self.client, what, actions).await? {
            Transacted::Done => Written::Done,
            Transacted::Refused(_) => Written::Changed,
        })
    }
}
