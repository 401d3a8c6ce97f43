//! Writes new ledger rows of a shard, page by page.

use portal_domain::{CampaignId, RecipientId, Shard};

use super::Walks;
use super::cursor::CursorItem;
use crate::table::{Part, StoreError, TRANSACTION_ACTIONS, Transacted};

/// Most ledger rows in one page. One transaction holds them and the cursor, and they fill whole delivery messages.
pub const PAGE_ROWS: usize = 2 * portal_domain::campaign::DELIVERY_SIZE;
const _: () = assert!(PAGE_ROWS < TRANSACTION_ACTIONS);

/// The result of writing a page.
#[derive(Debug, PartialEq, Eq)]
pub enum PageWrite {
    /// Ledger rows and cursor are written.
    Written,
    /// Another invocation has moved the cursor. Nothing is written.
    CursorMoved,
    /// The rows of these recipients exist already, or have changed since they were read. Nothing is written.
    Changed(Vec<RecipientId>),
}

impl Walks {
    /// Moves the cursor one page, `from` as it was read `to` the new one, and adds a `queued` ledger row for each
    /// recipient in `to.to_queue`, at most [`PAGE_ROWS`]; all or nothing.
    pub async fn write_page(
        &self,
        campaign: CampaignId,
        shard: Shard,
        from: &CursorItem,
        to: &CursorItem,
    ) -> Result<PageWrite, StoreError> {
        let mut tx = self.table.tx("write a page of the ledger");
        let cursor = tx.add(self.cursors.advance(campaign, shard, from, to));
        let queued = to.to_queue.iter().map(|id| {
            let row = self.ledger.add(campaign, shard, *id);
            (*id, tx.add(row))
        });
        let rows: Vec<_> = queued.collect();
        Ok(page_write(tx.write().await?, cursor, rows))
    }
}

/// The result of writing a page, whose transaction has these parts for the cursor and the rows.
pub(super) fn page_write(written: Transacted, cursor: Part, rows: Vec<(RecipientId, Part)>) -> PageWrite {
    match written {
        Transacted::Done => PageWrite::Written,
        Transacted::Refused(refused) if refused.failed(cursor) => PageWrite::CursorMoved,
        Transacted::Refused(refused) => {
            let changed = rows.into_iter().filter(|(_, row)| refused.failed(*row));
            PageWrite::Changed(changed.map(|(id, _)| id).collect())
        }
    }
}
