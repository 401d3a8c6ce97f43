//! Makes the ledger rows of an erased person anonymous.

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use portal_domain::RecipientId;

use super::item::LedgerItem;
use super::{Ledger, keys};
use crate::clock;
use crate::table::StoreError;
use crate::table::condition::exists;

/// How many rows are written at the same time.
const AT_ONCE: usize = 10;

impl Ledger {
    /// Removes what belongs to a person from all rows of a recipient: digests, the recipient's previous state, and
    /// SES's id of the e-mail. Outcomes, attempts and counters stay. Returns the number of rows, or `None` if there was
    /// no time to finish before `until`; then it may be called again. The index of a recipient's rows is eventually
    /// consistent.
    pub(crate) async fn make_anonymous(
        &self,
        recipient: RecipientId,
        until: Option<Timestamp>,
    ) -> Result<Option<u64>, StoreError> {
        let mut rows = 0;
        let mut from = None;
        loop {
            let query = keys::rows_of(recipient).go_on(from);
            let page = self.table.page("list a recipient's campaigns", query).await?;
            rows += page.items.len() as u64;
            from = page.last;
            let writes = page.items.into_iter().map(|row| {
                let update = self.table.update(row.typed::<LedgerItem>());
                let update = update.remove("digest").remove("priorState").remove("messageId");
                // The row may have expired.
                self.table.run("make a ledger row anonymous", update.when(exists()))
            });
            futures::stream::iter(writes).buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await?;
            if from.is_none() {
                return Ok(Some(rows));
            }
            if until.is_some_and(|until| clock::now() >= until) {
                return Ok(None);
            }
        }
    }
}
