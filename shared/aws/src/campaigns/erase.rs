//! What is left of a person in this table once they were erased: rows of ledgers that say of nobody what became of them.

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use portal_domain::RecipientId;
use portal_domain::campaign::audit::AuditEntry;

use super::item::{LedgerItem, RowKey};
use super::{CampaignStore, keys};
use crate::clock;
use crate::table::condition::exists;
use crate::table::{Key, StoreError, attributes_of};

/// How many items are written at the same time.
const AT_ONCE: usize = 10;

/// How many rows, and entries of the audit trail, were taken care of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows of ledgers.
    pub rows: u64,
    /// Entries of the audit trail.
    pub entries: u64,
}

impl CampaignStore {
    /// Takes everything from a recipient's ledger rows that belongs to a person: digests, what they were before, and SES's id of the
    /// e-mail. Outcome, attempt and counters stay. Deletes their audit trail. `None` if there is no more time after `until`; then it may be
    /// called again. The index that tells which rows there are is eventually consistent.
    pub async fn forget_person(
        &self,
        recipient: RecipientId,
        until: Option<Timestamp>,
    ) -> Result<Option<Forgotten>, StoreError> {
        let mut forgotten = Forgotten::default();
        let in_time = || until.is_none_or(|until| clock::now() < until);
        let what = "list a recipient's campaigns";
        let mut from = None;
        loop {
            let page = self.table.page(what, keys::rows_of(recipient).go_on(from)).await?;
            forgotten.rows += page.items.len() as u64;
            from = page.last;
            self.each(page.items, |row| self.make_anonymous(row)).await?;
            if from.is_none() {
                break;
            }
            if !in_time() {
                return Ok(None);
            }
        }
        loop {
            let trail = keys::trail(recipient).seen_as::<RowKey>().only(attributes_of::<RowKey>());
            let found = self.table.page("read an audit trail", trail).await?.items;
            if found.is_empty() {
                return Ok(Some(forgotten));
            }
            forgotten.entries += found.len() as u64;
            self.each(found, |entry| self.delete_entry(entry)).await?;
            if !in_time() {
                return Ok(None);
            }
        }
    }

    async fn each<F: Future<Output = Result<(), StoreError>>>(
        &self,
        found: Vec<RowKey>,
        act: impl Fn(RowKey) -> F,
    ) -> Result<(), StoreError> {
        futures::stream::iter(found.into_iter().map(act)).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn make_anonymous(&self, RowKey { pk, sk }: RowKey) -> Result<(), StoreError> {
        let update = self.table.update(Key::<LedgerItem>::new(pk, sk));
        let update = update.remove("digest").remove("priorState").remove("messageId");
        // It may have expired.
        self.table.run("make a ledger row anonymous", update.when(exists())).await.map(drop)
    }

    async fn delete_entry(&self, RowKey { pk, sk }: RowKey) -> Result<(), StoreError> {
        let entry = self.table.delete(Key::<AuditEntry>::new(pk, sk));
        self.table.run("delete an entry of an audit trail", entry).await.map(drop)
    }
}
