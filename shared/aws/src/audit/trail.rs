//! Audit trails in the table Campaigns: what was done to a campaign, a recipient or a schedule, and by whom.
//!
//! An entry is written in the transaction of the change that it describes. The entries of one subject are a partition,
//! and their sort keys are ULIDs, so that they sort by time.

use std::fmt::Display;

use futures::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use portal_domain::RecipientId;
use portal_domain::campaign::audit::AuditEntry;

use crate::clock;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{Action, ItemKey, Key, Query, StoreError, Table, attributes_of};

/// How many entries are deleted at the same time.
const AT_ONCE: usize = 10;

/// The audit trails in the table Campaigns.
#[derive(Clone, Debug)]
pub struct Trails {
    table: Table,
    /// How long an entry about a recipient is kept. Other entries are kept for ever.
    retention: SignedDuration,
}

impl Trails {
    /// The trails in the table `CAMPAIGNS_TABLE`. Entries about recipients are kept for `LEDGER_RETENTION_DAYS`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let retention = context.settings.required_days("LEDGER_RETENTION_DAYS")?;
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")?, retention })
    }

    /// The newest `limit` entries about a campaign, a recipient or a schedule, newest first, read consistently.
    pub async fn newest(&self, subject: impl Display, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.table.first("read an audit trail", trail(subject).backwards(), limit).await
    }

    /// The action that adds an entry about a campaign or a schedule.
    pub(crate) fn add(&self, subject: impl Display, entry: &AuditEntry) -> Action {
        self.table.put_new(key(subject, entry.at), entry)
    }

    /// The action that adds an entry about a recipient.
    pub(crate) fn add_about_recipient(&self, recipient: RecipientId, entry: &AuditEntry) -> Action {
        self.add(recipient, entry).with("ttl", (entry.at + self.retention).as_second())
    }

    /// Deletes the trail of a recipient, and returns the number of its entries; `None` if there was no time to finish
    /// before `until`.
    pub(crate) async fn delete(
        &self,
        recipient: RecipientId,
        until: Option<Timestamp>,
    ) -> Result<Option<u64>, StoreError> {
        let mut deleted = 0;
        loop {
            let keys = trail(recipient).seen_as::<ItemKey>().only(attributes_of::<ItemKey>());
            let found = self.table.page("read an audit trail", keys).await?.items;
            if found.is_empty() {
                return Ok(Some(deleted));
            }
            deleted += found.len() as u64;
            let deletions = found.into_iter().map(|key| {
                self.table.run("delete an entry of an audit trail", self.table.delete(key.typed::<AuditEntry>()))
            });
            futures::stream::iter(deletions).buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await?;
            if until.is_some_and(|until| clock::now() >= until) {
                return Ok(None);
            }
        }
    }
}

/// The partition of the trail of a campaign, a recipient or a schedule.
pub fn trail_pk(subject: impl Display) -> String {
    format!("AUDIT#{subject}")
}

/// The key of a new entry. The entries of one millisecond are in no order.
fn key(subject: impl Display, at: Timestamp) -> Key<AuditEntry> {
    Key::new(trail_pk(subject), clock::new_event_id(at))
}

fn trail(subject: impl Display) -> Query<AuditEntry> {
    Query::partition(trail_pk(subject))
}
