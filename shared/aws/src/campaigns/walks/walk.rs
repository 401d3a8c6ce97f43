//! Walks through the existing ledger rows of a shard, page by page, to queue, retry or skip them.

use jiff::Timestamp;
use portal_domain::{CampaignId, Reason, Shard};

use super::Walks;
use super::cursor::{CursorItem, Task};
use super::page::{PAGE_ROWS, PageWrite, page_write};
use crate::campaigns::ledger::counter::CounterItem;
use crate::campaigns::ledger::item::LedgerItem;
use crate::campaigns::ledger::keys::COUNTERS;
use crate::table::StoreError;

/// Most queries for one page of a walk, of up to 1 MB each.
const MOST_QUERIES: usize = 4;

/// The next page of a walk.
#[derive(Debug)]
pub struct WalkPage {
    /// The next cursor, with the recipients whose messages are to be queued.
    pub cursor: CursorItem,
    /// The rows of the page.
    pub rows: Vec<LedgerItem>,
}

impl Walks {
    /// Reads the next page of the walk that `cursor` is at, with this `task`, consistently.
    pub async fn walk_page(
        &self,
        campaign: CampaignId,
        shard: Shard,
        cursor: &CursorItem,
        task: Task,
        now: Timestamp,
    ) -> Result<WalkPage, StoreError> {
        let mut after = cursor.walks.first().and_then(|walk| walk.after);
        let mut rows: Vec<LedgerItem> = Vec::new();
        let mut finished = false;
        for _ in 0..MOST_QUERIES {
            let limit = PAGE_ROWS - rows.len();
            let (found, next) = self.ledger.rows_with(campaign, shard, task.outcome(), after, limit).await?;
            rows.extend(found);
            match next {
                Some(next) => after = Some(next),
                None => finished = true,
            }
            if finished || rows.len() == PAGE_ROWS {
                break;
            }
        }
        let mut next = CursorItem { page: cursor.page + 1, updated_at: now, to_queue: Vec::new(), ..cursor.clone() };
        if task != Task::Cancel {
            next.to_queue = rows.iter().map(|row| row.recipient_id).collect();
        }
        if finished {
            next.walks.remove(0);
            next.done = next.walks.is_empty() && next.to_queue.is_empty() && (next.scanned || task == Task::Cancel);
        } else if let Some(walk) = next.walks.first_mut() {
            walk.after = after;
        }
        Ok(WalkPage { cursor: next, rows })
    }

    /// Moves the cursor one page, `from` as it was read, and the rows of the page to the outcome that the walk gives
    /// them; all or nothing.
    pub async fn write_walk(
        &self,
        campaign: CampaignId,
        shard: Shard,
        from: &CursorItem,
        page: &WalkPage,
        task: Task,
    ) -> Result<PageWrite, StoreError> {
        let mut tx = self.table.tx("walk through the ledger");
        let cursor = tx.add(self.cursors.advance(campaign, shard, from, &page.cursor));
        let mut rows = Vec::with_capacity(page.rows.len());
        if let Some(event) = task.event() {
            let mut counter = CounterItem::default();
            for row in &page.rows {
                let Some(outcome) = row.outcome.after(event) else { continue };
                counter.moved(row.outcome, outcome);
                let moved = self.ledger.update_with_reason(
                    campaign,
                    shard,
                    row,
                    (outcome, Reason::Cancelled),
                    page.cursor.updated_at,
                );
                rows.push((row.recipient_id, tx.add(moved)));
            }
            let counter_row = (page.cursor.page % u64::from(COUNTERS)) as u8;
            tx.extend(self.ledger.count(campaign, shard, counter_row, counter));
        }
        Ok(page_write(tx.write().await?, cursor, rows))
    }
}
