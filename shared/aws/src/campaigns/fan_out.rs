//! Writing the ledger, page by page of one shard.

use portal_domain::{CampaignId, RecipientId, Shard};

use super::item::CursorItem;
use super::{CampaignStore, keys};
use crate::table::condition::is;
use crate::table::{Action, Part, StoreError, TRANSACTION_ACTIONS, Transacted};

/// Most ledger rows in one page: a transaction holds them and the cursor. It is a whole number of delivery messages.
pub const PAGE_ROWS: usize = 2 * portal_domain::campaign::DELIVERY_SIZE;
const _: () = assert!(PAGE_ROWS < TRANSACTION_ACTIONS);

/// How writing a page ended.
#[derive(Debug, PartialEq, Eq)]
pub enum PageWrite {
    /// Ledger rows and cursor are written.
    Written,
    /// Another invocation moved the cursor. Nothing is written.
    CursorMoved,
    /// The rows of these recipients are there already, or no longer what was read. Nothing is written.
    Changed(Vec<RecipientId>),
}

impl CampaignStore {
    /// The cursor of a shard, read consistently; `None` when the campaign doesn't go through that shard.
    pub async fn cursor(&self, campaign: CampaignId, shard: Shard) -> Result<Option<CursorItem>, StoreError> {
        self.table.get("read a fan-out cursor", &keys::cursor(campaign, shard)).await
    }

    /// Moves the cursor `from` one page to `to`, and puts a `queued` ledger row for everyone in `to.to_queue`; all or
    /// nothing. At most [`PAGE_ROWS`] rows.
    pub async fn write_page(
        &self,
        campaign: CampaignId,
        shard: Shard,
        from: &CursorItem,
        to: &CursorItem,
    ) -> Result<PageWrite, StoreError> {
        let mut tx = self.table.tx("write a page of the ledger");
        let cursor = tx.add(self.put_cursor(campaign, shard, from, to));
        let queued = to.to_queue.iter().map(|id| {
            let row = self.ledger.add(campaign, shard, *id);
            (*id, tx.add(row))
        });
        let rows: Vec<_> = queued.collect();
        Ok(page_write(tx.write().await?, cursor, rows))
    }

    /// The action that moves a cursor `from` one page to `to`, unless somebody moved it.
    pub(super) fn put_cursor(&self, campaign: CampaignId, shard: Shard, from: &CursorItem, to: &CursorItem) -> Action {
        self.table.put(keys::cursor(campaign, shard), to).when(is("page", from.page).and(is("done", false)))
    }
}

/// How writing a page ended, of whose transaction these are the cursor and the rows.
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
