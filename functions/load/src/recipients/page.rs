//! Fills a page, shard after shard, until it has enough rows or bytes, or time is up.

use std::collections::HashMap;
use std::future::Future;

use portal_aws::clock;
use portal_aws::directory::read::{ActiveAccounts, DirectoryReader, Found, Page};
use portal_aws::table::StoreError;
use portal_domain::recipient::links::Known;
use portal_domain::selection::{Rules, Verdict, judge};
use portal_domain::{DivisionId, Filter, PortalStatus, Recipient, RecipientId, Shard};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::Wanted;
use super::row::Row;
use crate::page::{Bounds, bytes};

/// How many recipients a page's first query asks for: few for a small page, although a narrow filter may drop most.
const QUERY_SIZE: std::ops::RangeInclusive<usize> = 50..=1_000;

/// Most recipients of a later query. Each query asks for twice as many as the one before, so that one match in a
/// million is found at the speed of DynamoDB's pages of 1 MB.
const MOST_OF_QUERY: usize = 4_000;

/// How many accounts' rows are made at once: their further data is read in one batch.
const ACCOUNTS_AT_ONCE: u32 = 1_000;

/// Position of a list: in this shard, after this sort key of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "s")]
    shard: Shard,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// In a list of unlinked recipients: reading those that an account under change links or linked.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    changing: bool,
}

impl Position {
    /// The start of every list.
    pub(super) const START: Self = Self { shard: Shard::FIRST, after: None, changing: false };

    /// The position after this sort key, or the start of the next shard if it was the shard's last; `None` at the end.
    fn following(&self, sort: String, is_last: bool, again: bool) -> Option<Self> {
        if is_last { self.next_shard(again) } else { Some(Self { after: Some(sort), ..self.clone() }) }
    }

    /// The start of the next shard. After the last one, the start of a second pass, `again`, for recipients of accounts
    /// under change.
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

/// The matching recipients from `from` on, and the start of the next page. A page that ran out of time may be empty and
/// still have a next one.
pub(super) async fn fill(
    shards: &impl Shards,
    wanted: &Wanted,
    rules: Rules,
    from: Position,
    bounds: Bounds,
) -> Result<(Vec<Row>, Option<Position>), StoreError> {
    let list = List::new(shards, wanted, rules);
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
pub(super) struct List<'a, S> {
    shards: &'a S,
    wanted: &'a Wanted,
    filter: Filter,
    rules: Rules,
}

impl<'a, S: Shards> List<'a, S> {
    pub(super) fn new(shards: &'a S, wanted: &'a Wanted, rules: Rules) -> Self {
        Self { shards, wanted, filter: wanted.condition(), rules }
    }

    /// The ranges of the index to read. A recipient whose status changed with an account that has just come in force is
    /// still indexed by the earlier status, so earlier statuses are read too.
    async fn statuses_to_read(&self) -> Result<Vec<PortalStatus>, StoreError> {
        let wanted = self.wanted.statuses();
        let before = match wanted[..] {
            [PortalStatus::Accepted] => PortalStatus::VARIANTS.to_vec(),
            [PortalStatus::Pending] => vec![PortalStatus::NotSent, PortalStatus::Pending],
            _ => return Ok(wanted),
        };
        let is_changing = self.shards.is_changing(&self.wanted.filter.division).await?;
        Ok(if is_changing { before } else { wanted })
    }

    /// Whether the list has this recipient.
    pub(super) async fn has(&self, recipient: &Recipient) -> Result<bool, StoreError> {
        // Conditions that need no further read come first.
        if !self.wanted.statuses().contains(&recipient.status) {
            return Ok(false);
        }
        if self.wanted.search.as_ref().is_some_and(|search| !search.finds(recipient)) {
            return Ok(false);
        }
        if !self.wanted.linked {
            // The index may lag: a recipient may be linked again. One that was never linked is in no list.
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

    /// The rows of these recipients, each with the value given beside it. In the list on active services, a recipient
    /// who has none by the newer data is dropped.
    pub(super) async fn rows<T>(&self, batch: Vec<(Recipient, T)>) -> Result<Vec<(Row, T)>, StoreError> {
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
