//! Filling a page: shard after shard, until it has enough rows or bytes, or took long enough.

use std::collections::HashMap;
use std::future::Future;

use portal_aws::clock;
use portal_aws::directory::read::{ActiveAccounts, DirectoryReader, Found, Page};
use portal_aws::table::StoreError;
use portal_domain::recipient::links::Known;
use portal_domain::selection::{Rules, Verdict, judge};
use portal_domain::{DivisionId, Filter, PortalStatus, Recipient, RecipientId, Shard};
use serde::{Deserialize, Serialize};

use super::Wanted;
use super::row::Row;
use crate::page::{Bounds, bytes};

/// How many recipients a page's first query asks for: few where few are wanted, though a narrow filter drops most of them.
const QUERY_SIZE: std::ops::RangeInclusive<usize> = 50..=1_000;

/// Most recipients of a later query. Each asks for twice as many as the one before, so that who is one in a million is
/// found as fast as DynamoDB gives pages, which end at 1 MB.
const MOST_OF_QUERY: usize = 4_000;

/// Rows are made for so many accounts at once: what they need besides is read together.
const ACCOUNTS_AT_ONCE: u32 = 1_000;

/// Where a list goes on: in this shard, after this sort key of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "s")]
    shard: Shard,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// In a list of those who are linked to nothing: among those whom an account that is being changed links, or did.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    changing: bool,
}

impl Position {
    /// Where every list begins.
    pub(super) const START: Self = Self { shard: Shard::FIRST, after: None, changing: false };

    /// After this sort key; or where the next shard begins if that was the last of its shard; `None` at the end.
    fn following(&self, sort: String, is_last: bool, again: bool) -> Option<Self> {
        if is_last { self.next_shard(again) } else { Some(Self { after: Some(sort), ..self.clone() }) }
    }

    /// Where the next shard begins; after the last one the first of those whom accounts link that are being changed, if the shards are gone
    /// through `again` for them.
    fn next_shard(&self, again: bool) -> Option<Self> {
        match self.shard.next() {
            Some(shard) => Some(Self { shard, after: None, changing: self.changing }),
            None => (again && !self.changing).then_some(Self { changing: true, ..Self::START }),
        }
    }
}

/// What a list reads.
pub(super) trait Shards: Sync {
    /// See [`DirectoryReader::query_shard`].
    fn query(
        &self,
        wanted: &Wanted,
        statuses: &[PortalStatus],
        from: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// See [`DirectoryReader::is_changing`].
    fn is_changing(&self, division: &DivisionId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// See [`DirectoryReader::selected`].
    fn selected(&self, recipient: &Recipient, filter: &Filter)
    -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// See [`DirectoryReader::active_accounts`].
    fn active_accounts(
        &self,
        recipients: &[Recipient],
        filter: &Filter,
    ) -> impl Future<Output = Result<HashMap<RecipientId, ActiveAccounts>, StoreError>> + Send;
}

impl Shards for DirectoryReader {
    async fn query(
        &self,
        wanted: &Wanted,
        statuses: &[PortalStatus],
        from: Position,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let division = &wanted.filter.division;
        self.query_shard(division, from.shard, wanted.linked || from.changing, statuses, from.after, limit).await
    }

    async fn is_changing(&self, division: &DivisionId) -> Result<bool, StoreError> {
        self.is_changing(division).await
    }

    async fn selected(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        self.selected(recipient, filter).await
    }

    async fn active_accounts(
        &self,
        recipients: &[Recipient],
        filter: &Filter,
    ) -> Result<HashMap<RecipientId, ActiveAccounts>, StoreError> {
        self.active_accounts(recipients, filter).await
    }
}

/// The wanted recipients from `from` on, and where the next page begins. A page that ran out of time may be empty and
/// have a next one all the same.
pub(super) async fn fill(
    shards: &impl Shards,
    wanted: &Wanted,
    rules: Rules,
    from: Position,
    bounds: Bounds,
) -> Result<(Vec<Row>, Option<Position>), StoreError> {
    let list = List { shards, wanted, filter: wanted.condition(), rules };
    let statuses = list.statuses_to_read().await?;
    let again = !wanted.linked && shards.is_changing(&wanted.filter.division).await?;
    let mut rows = Vec::new();
    let mut size = 0;
    let mut limit = bounds.rows.clamp(*QUERY_SIZE.start(), *QUERY_SIZE.end());
    let mut from = Some(from);
    while let Some(position) = from {
        let page = shards.query(wanted, &statuses, position.clone(), limit).await?;
        limit = (2 * limit).min(MOST_OF_QUERY);
        let ends_shard = page.next.is_none();
        from = match page.next {
            None => position.next_shard(again),
            after => Some(Position { after, ..position.clone() }),
        };
        let mut recipients = page.recipients.into_iter().peekable();
        while recipients.peek().is_some() {
            let mut batch = Vec::new();
            let mut accounts = 0;
            let mut end = None;
            while let Some(Found { recipient, sort }) = recipients.next() {
                let is_last = ends_shard && recipients.peek().is_none();
                let following = position.following(sort, is_last, again);
                if list.has(&recipient).await? {
                    accounts += recipient.links.account_count;
                    batch.push((recipient, following.clone()));
                }
                if rows.len() + batch.len() >= bounds.rows || clock::now() >= bounds.until {
                    end = Some(following);
                    break;
                }
                if accounts >= ACCOUNTS_AT_ONCE {
                    break;
                }
            }
            for (row, following) in list.rows(batch).await? {
                size += bytes(&row);
                rows.push(row);
                if size >= bounds.bytes {
                    return Ok((rows, following));
                }
            }
            if let Some(following) = end {
                return Ok((rows, following));
            }
        }
    }
    Ok((rows, None))
}

/// A list that is being read.
struct List<'a, S> {
    shards: &'a S,
    wanted: &'a Wanted,
    filter: Filter,
    rules: Rules,
}

impl<S: Shards> List<'_, S> {
    /// Where in the index to look. Who has another status by an account that has just come in force still stands there by the one before,
    /// which comes earlier on the way to access.
    async fn statuses_to_read(&self) -> Result<Vec<PortalStatus>, StoreError> {
        let wanted = self.wanted.statuses();
        let before = match wanted[..] {
            [PortalStatus::Accepted] => PortalStatus::ALL.to_vec(),
            [PortalStatus::Pending] => vec![PortalStatus::NotSent, PortalStatus::Pending],
            _ => return Ok(wanted),
        };
        let is_changing = self.shards.is_changing(&self.wanted.filter.division).await?;
        Ok(if is_changing { before } else { wanted })
    }

    async fn has(&self, recipient: &Recipient) -> Result<bool, StoreError> {
        // What needs no reading is asked first.
        if !self.wanted.statuses().contains(&recipient.status) {
            return Ok(false);
        }
        if self.wanted.search.as_ref().is_some_and(|search| !search.finds(recipient)) {
            return Ok(false);
        }
        if !self.wanted.linked {
            // The index may show somebody who is linked again; who has not been linked yet is in no list.
            let links = &recipient.links;
            return Ok(links.account_count == 0 && links.known() != Known::New);
        }
        let selected = self.shards.selected(recipient, &self.filter).await?;
        let verdict = judge(recipient, selected, self.rules);
        Ok(match self.wanted.excluded {
            None => verdict != Verdict::NotSelected,
            Some(reason) => verdict == Verdict::Excluded(reason),
        })
    }

    /// The rows of these recipients, each with what was given beside it. Who is on no active services any more, by the newer
    /// data that is read for it, is dropped from the list of those who are.
    async fn rows<T>(&self, batch: Vec<(Recipient, T)>) -> Result<Vec<(Row, T)>, StoreError> {
        let (recipients, beside): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        if !self.wanted.on_active_services {
            return Ok(recipients.into_iter().map(Row::from).zip(beside).collect());
        }
        let mut active = self.shards.active_accounts(&recipients, &self.filter).await?;
        let rows = recipients.into_iter().zip(beside).filter_map(|(recipient, beside)| {
            let accounts = active.remove(&recipient.recipient_id)?;
            Some((Row::from(recipient).on(accounts), beside))
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests;
