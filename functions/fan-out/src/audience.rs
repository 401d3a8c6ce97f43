//! Reads a shard's part of a campaign's audience, in the order of the index.

use std::collections::VecDeque;

use portal_aws::campaigns::walks::PAGE_ROWS;
use portal_aws::campaigns::walks::cursor::CursorItem;
use portal_aws::clock;
use portal_aws::directory::read::{DirectoryReader, Found};
use portal_aws::table::StoreError;
use portal_domain::selection::{Verdict, judge};
use portal_domain::{Campaign, PortalStatus, Recipient, Shard};

/// How many recipients one query of the index asks for.
const QUERY_SIZE: usize = 500;

/// Most recipients examined for one page, so that the cursor advances even where nobody is selected.
const MOST_LOOKED_AT: usize = 5_000;

/// Reads a shard's recipients without access from the index, and picks the audience.
#[derive(Debug)]
pub(crate) struct Audience<'a> {
    directory: &'a DirectoryReader,
    campaign: Campaign,
    shard: Shard,
    buffer: VecDeque<Found>,
    /// Where the next query begins; the last recipient read.
    read_to: Option<String>,
    exhausted: bool,
}

impl<'a> Audience<'a> {
    /// Continues after `position`, a sort key of the index.
    pub(crate) fn new(
        directory: &'a DirectoryReader,
        campaign: Campaign,
        shard: Shard,
        position: Option<String>,
    ) -> Self {
        let exhausted = campaign.recipient_id.is_some() && position.is_some();
        Self { directory, campaign, shard, buffer: VecDeque::new(), read_to: position, exhausted }
    }

    /// The page that follows `cursor`. The shard is done when no recipients are left and nothing has to be queued.
    pub(crate) async fn page(&mut self, cursor: &CursorItem) -> Result<CursorItem, StoreError> {
        let now = clock::now();
        let rules = self.campaign.rules(now);
        if cursor.scanned {
            self.exhausted = true;
        }
        let mut next = CursorItem { page: cursor.page + 1, to_queue: Vec::new(), updated_at: now, ..cursor.clone() };
        for _ in 0..MOST_LOOKED_AT {
            if next.to_queue.len() == PAGE_ROWS {
                return Ok(next);
            }
            let Some(Found { recipient, sort }) = self.next().await? else {
                next.scanned = true;
                next.done = next.to_queue.is_empty();
                return Ok(next);
            };
            next.position = Some(sort);
            // Delivery makes recipients pending meanwhile, which moves them ahead in the index. They are in the ledger
            // already.
            if recipient.last_campaign_id == Some(self.campaign.campaign_id)
                || self.campaign.may_have_mailed_before(recipient.last_invited_at, now)
            {
                continue;
            }
            let selected = self.directory.selected(&recipient, &self.campaign.filter).await?;
            match judge(&recipient, selected, rules) {
                Verdict::Mail => {
                    next.audience += 1;
                    next.to_queue.push(recipient.recipient_id);
                }
                Verdict::Excluded(reason) => next.excluded.add(reason),
                Verdict::Accepted | Verdict::SetBack | Verdict::NotAddressed(_) | Verdict::NotSelected => {}
            }
        }
        Ok(next)
    }

    async fn next(&mut self) -> Result<Option<Found>, StoreError> {
        while self.buffer.is_empty() && !self.exhausted {
            match self.campaign.recipient_id {
                Some(only) => {
                    let found = self.directory.recipient(only).await?.into_iter().map(Recipient::from);
                    self.buffer.extend(found.map(Found::by_status));
                    self.exhausted = true;
                }
                None => self.query().await?,
            }
        }
        Ok(self.buffer.pop_front())
    }

    /// `notSent` and `pending` are one range of the index, in this order, so that an invited recipient moves ahead.
    async fn query(&mut self) -> Result<(), StoreError> {
        let from = [PortalStatus::NotSent, PortalStatus::Pending];
        let division = &self.campaign.filter.division;
        let page =
            self.directory.query_shard(division, self.shard, true, &from, self.read_to.take(), QUERY_SIZE).await?;
        self.buffer.extend(page.recipients);
        self.exhausted = page.next.is_none();
        self.read_to = page.next;
        Ok(())
    }
}
