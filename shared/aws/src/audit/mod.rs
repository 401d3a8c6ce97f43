//! The table Audit: who did what ([`portal_domain::audit`]).
//!
//! An entry lies in the partition of its month (UTC), and in the index `by-division` under its division. It is written
//! before the deed, so that no deed lacks an entry, and once more with the result.

pub mod trail;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use portal_domain::DivisionId;
use portal_domain::audit::{Deed, Ending, Entry};
use portal_domain::campaign::audit::Actor;
use serde_json::Value;
use ulid::Ulid;

use crate::clock;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::condition::between;
use crate::table::{Key, Query, StoreError, Table};

/// The index of entries by division.
const BY_DIVISION: &str = "by-division";

/// Most entries that one query reads.
const PAGE: usize = 500;

/// The audit of a stack.
#[derive(Clone, Debug)]
pub struct Audit {
    table: Table,
    retention: SignedDuration,
}

/// A deed under way, whose entry is to be completed.
#[derive(Debug)]
#[must_use = "an entry that is not completed says that nobody knows how it ended"]
pub struct Begun<'a> {
    audit: &'a Audit,
    entry: Entry,
}

/// Selects entries.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of this division alone.
    pub division: Option<&'a DivisionId>,
    /// From this time on.
    pub from: Timestamp,
}

impl Audit {
    /// The audit in the table `AUDIT_TABLE`, whose entries are kept for `AUDIT_RETENTION_DAYS`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let retention = context.settings.required_days("AUDIT_RETENTION_DAYS")?;
        Ok(Self { table: context.table("AUDIT_TABLE")?, retention })
    }

    /// A new entry, not written yet.
    pub fn entry(by: Actor, deed: Deed) -> Entry {
        let now = clock::now();
        Entry::new(clock::new_event_id(now), now, by, deed)
    }

    /// Writes the entry of a deed that begins. If this fails, the deed must not begin.
    pub async fn begin(&self, entry: Entry) -> Result<Begun<'_>, StoreError> {
        self.put(&entry).await?;
        Ok(Begun { audit: self, entry })
    }

    /// Writes the entry of a deed that consists of the answer. If this fails, nothing may be answered.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        self.put(&Entry { ending: Some(Ending::Done.into()), ..entry }).await
    }

    async fn put(&self, entry: &Entry) -> Result<(), StoreError> {
        let action = self.table.put(Key::new(name_of_month(entry.at), &entry.entry_id), entry);
        // The key of an index can't be null.
        let action = action.without_nulls().with("ttl", (entry.at + self.retention).as_second());
        self.table.run("write the audit", action).await.map(drop)
    }

    /// The time of the oldest entry that may still exist.
    pub fn oldest(&self, now: Timestamp) -> Timestamp {
        now - self.retention
    }

    /// The next entries before the id `before`, newest first, as many as one query reads, and the id before which to
    /// continue if there may be more. A page may be short or empty without being the last.
    pub async fn page(&self, wanted: &Wanted<'_>, before: Ulid) -> Result<(Vec<Entry>, Option<Ulid>), StoreError> {
        let (first, last) = (first_id(wanted.from), Ulid(before.0.saturating_sub(1)));
        if last < first {
            return Ok((Vec::new(), None));
        }
        let month = first_of_month(time_of(last));
        let query = match wanted.division {
            Some(division) => Query::index(BY_DIVISION, "division", division.as_str()),
            None => Query::partition(name_of_month(month)).stale(),
        };
        let query = query.whose(between("sk", first.to_string(), last.to_string())).backwards().limit(PAGE);
        let page = self.table.page("read the audit", query).await?;
        let (more, entries): (_, Vec<Entry>) = (page.has_more(), page.items);
        let next = match (more, wanted.division) {
            (true, _) => entries.last().and_then(|entry| entry.entry_id.parse().ok()),
            (false, Some(_)) => None,
            (false, None) => Some(first_id(month)).filter(|next| *next > first),
        };
        Ok((entries, next))
    }
}

impl Begun<'_> {
    /// The deed is done. If this can't be written, the entry stays open, and the deed stays done.
    pub async fn done(self, before: Option<Value>, after: Option<Value>) {
        let entry = Entry { before, after, ending: Some(Ending::Done.into()), ..self.entry };
        complete(self.audit, &entry).await;
    }

    /// The deed was refused, and nothing has changed.
    pub async fn refused(self) {
        let entry = Entry { ending: Some(Ending::Refused.into()), ..self.entry };
        complete(self.audit, &entry).await;
    }
}

async fn complete(audit: &Audit, entry: &Entry) {
    if let Err(error) = audit.put(entry).await {
        tracing::error!(audit.entry = %entry.entry_id, error = %error, "an entry of the audit stays open");
    }
}

/// The smallest id of entries from this time on.
pub fn first_id(time: Timestamp) -> Ulid {
    Ulid::from_parts(time.as_millisecond().max(0).unsigned_abs(), 0)
}

fn time_of(id: Ulid) -> Timestamp {
    i64::try_from(id.timestamp_ms()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

fn first_of_month(time: Timestamp) -> Timestamp {
    let first = time.to_zoned(TimeZone::UTC).first_of_month().and_then(|day| day.start_of_day());
    first.map_or(Timestamp::MIN, |first| first.timestamp())
}

fn name_of_month(time: Timestamp) -> String {
    time.strftime("%Y-%m").to_string()
}
