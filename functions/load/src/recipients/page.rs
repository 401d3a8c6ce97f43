//! Filling a page: shard after shard, until it has enough rows or bytes, or took long enough.

use std::future::Future;
use std::time::Instant;

use portal_aws::directory::keys::recipient_sort;
use portal_aws::directory::read::{DirectoryReader, Page};
use portal_aws::dynamo::StoreError;
use portal_domain::{Filter, PortalStatus, Recipient, Shard};
use serde::{Deserialize, Serialize};

use super::Row;

/// How many recipients one query asks for: few where few are wanted, though a narrow filter drops most of them.
const QUERY_SIZE: std::ops::RangeInclusive<usize> = 50..=1_000;

/// Where a list goes on: in this shard, after this sort key of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "s")]
    shard: Shard,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Position {
    /// Where every list begins.
    pub(super) const START: Self = Self { shard: Shard::FIRST, after: None };

    /// After this recipient; or at the next shard if it was the last of its shard; `None` at the end.
    fn following(shard: Shard, recipient: &Recipient, is_last: bool) -> Option<Self> {
        if is_last {
            return shard.next().map(|shard| Self { shard, after: None });
        }
        Some(Self { shard, after: Some(recipient_sort(recipient.status, recipient.recipient_id)) })
    }
}

/// Where a page ends, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub rows: usize,
    pub bytes: usize,
    pub until: Instant,
}

/// What a list reads.
pub(super) trait Shards: Sync {
    /// See [`DirectoryReader::query_shard`].
    fn query(
        &self,
        filter: &Filter,
        statuses: &[PortalStatus],
        from: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// See [`DirectoryReader::selected`].
    fn selected(&self, recipient: &Recipient, filter: &Filter)
    -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl Shards for DirectoryReader {
    async fn query(
        &self,
        filter: &Filter,
        statuses: &[PortalStatus],
        from: Position,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.query_shard(&filter.division, from.shard, statuses, from.after, limit).await
    }

    async fn selected(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        self.selected(recipient, filter).await
    }
}

/// The selected recipients from `from` on, and where the next page begins. A page that ran out of time may be empty and
/// have a next one all the same.
pub(super) async fn fill(
    shards: &impl Shards,
    filter: &Filter,
    status: Option<PortalStatus>,
    from: Position,
    bounds: Bounds,
) -> Result<(Vec<Row>, Option<Position>), StoreError> {
    let statuses = status.map_or(PortalStatus::ALL.to_vec(), |status| vec![status]);
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut from = Some(from);
    while let Some(position) = from {
        let shard = position.shard;
        let limit = (bounds.rows - rows.len()).clamp(*QUERY_SIZE.start(), *QUERY_SIZE.end());
        let page = shards.query(filter, &statuses, position, limit).await?;
        let ends_shard = page.next.is_none();
        let mut recipients = page.recipients.into_iter().peekable();
        from = match page.next {
            None => shard.next().map(|shard| Position { shard, after: None }),
            after => Some(Position { shard, after }),
        };
        while let Some(recipient) = recipients.next() {
            let is_last = ends_shard && recipients.peek().is_none();
            let following = Position::following(shard, &recipient, is_last);
            if shards.selected(&recipient, filter).await? {
                let row = Row::from(recipient);
                bytes += size(&row);
                rows.push(row);
            }
            if rows.len() >= bounds.rows || bytes >= bounds.bytes || Instant::now() >= bounds.until {
                return Ok((rows, following));
            }
        }
    }
    Ok((rows, None))
}

/// How many bytes a row takes in Lambda's answer, where the body is a string of JSON: quotes and backslashes count twice.
fn size(row: &Row) -> usize {
    let json = serde_json::to_string(row).unwrap_or_default();
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

#[cfg(test)]
mod tests;
