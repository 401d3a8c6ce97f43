//! The table Audit: who did what ([`portal_domain::audit`]).
//!
//! An entry lies in the partition of its month (UTC), and in the index `by-division` under its division. It is written before
//! anything is done, so that nothing is done without one, and once more when it is known how it ended.

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

/// Entries that one query reads at most.
const PAGE: usize = 500;

/// The audit of a stack.
#[derive(Clone, Debug)]
pub struct Audit {
    table: Table,
    retention: SignedDuration,
}

/// Something that is going on, with its entry, which is to be completed.
#[derive(Debug)]
#[must_use = "an entry that is not completed says that nobody knows how it ended"]
pub struct Begun<'a> {
    audit: &'a Audit,
    entry: Entry,
}

/// Which entries are wanted.
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

    /// A new entry, which is nowhere yet.
    pub fn entry(by: Actor, deed: Deed) -> Entry {
        let now = clock::now();
        Entry::new(clock::new_event_id(now), now, by, deed)
    }

    /// Writes the entry of something that begins. Nothing may be done unless this succeeds.
    pub async fn begin(&self, entry: Entry) -> Result<Begun<'_>, StoreError> {
        self.put(&entry).await?;
        Ok(Begun { audit: self, entry })
    }

    /// Writes the entry of something that is done by being answered. Nothing may be answered unless this succeeds.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        self.put(&Entry { ending: Some(Ending::Done), ..entry }).await
    }

    async fn put(&self, entry: &Entry) -> Result<(), StoreError> {
        let action = self.table.put(Key::new(name_of_month(entry.at), &entry.entry_id), entry);
        // Null would not do for the key of an index.
        let action = action.without_nulls().with("ttl", (entry.at + self.retention).as_second());
        self.table.run("write the audit", action).await.map(drop)
    }

    /// The oldest time of which there can be entries.
    pub fn oldest(&self, now: Timestamp) -> Timestamp {
        now - self.retention
    }

    /// The next entries before the id `before`, newest first, as many as one query reads; and before which id to go on, if there may
    /// be more. A page may be short, or empty, and not be the last.
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
    /// It is done. Should this not be written, the entry says that nobody knows; what was done stays done.
    pub async fn done(self, before: Option<Value>, after: Option<Value>) {
        let entry = Entry { before, after, ending: Some(Ending::Done), ..self.entry };
        complete(self.audit, &entry).await;
    }

    /// It was refused, and nothing has changed.
    pub async fn refused(self) {
        let entry = Entry { ending: Some(Ending::Refused), ..self.entry };
        complete(self.audit, &entry).await;
    }
}

async fn complete(audit: &Audit, entry: &Entry) {
    if let Err(error) = audit.put(entry).await {
        tracing::error!(audit.entry = %entry.entry_id, error = %error, "an entry of the audit stays open");
    }
}

/// The id before those of all entries from this time on.
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
