//! What is left of a person in this table once they were erased: rows of ledgers that say of nobody what became of them.

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use portal_domain::RecipientId;

use super::item::LedgerItem;
use super::{CampaignStore, keys};
use crate::clock;
use crate::table::condition::exists;
use crate::table::{ItemKey, StoreError};

/// How many rows are written at the same time.
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
        let mut rows = 0;
        let mut from = None;
        loop {
            let query = keys::rows_of(recipient).go_on(from);
            let page = self.table.page("list a recipient's campaigns", query).await?;
            rows += page.items.len() as u64;
            from = page.last;
            let writes = page.items.into_iter().map(|row| self.make_anonymous(row));
            futures::stream::iter(writes).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await?;
            if from.is_none() {
                break;
            }
            if until.is_some_and(|until| clock::now() >= until) {
                return Ok(None);
            }
        }
        let entries = self.trails.delete(recipient, until).await?;
        Ok(entries.map(|entries| Forgotten { rows, entries }))
    }

    async fn make_anonymous(&self, row: ItemKey) -> Result<(), StoreError> {
        let update = self.table.update(row.typed::<LedgerItem>());
        let update = update.remove("digest").remove("priorState").remove("messageId");
        // It may have expired.
        self.table.run("make a ledger row anonymous", update.when(exists())).await.map(drop)
    }
}
