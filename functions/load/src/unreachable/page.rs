//! Fills a page with the contacts of each account, shard after shard.

use std::future::Future;

use portal_aws::clock;
use portal_aws::directory::read::{AccountPage, DirectoryReader};
use portal_aws::table::{BATCH_KEYS, StoreError};
use portal_domain::{Account, AccountId, DivisionId, Filter, Shard};
use serde::{Deserialize, Serialize};

use super::Row;
use crate::page::{Bounds, bytes};

/// How many accounts one query asks for. Most of them have nobody to list.
const QUERY_SIZE: usize = 2_000;

/// Position of a list: in this shard, after this account; or in this account, after this contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "s")]
    shard: Shard,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
}

impl Position {
    /// The start of every list.
    pub(super) const START: Self = Self::shard(Shard::FIRST);

    const fn shard(shard: Shard) -> Self {
        Self { shard, account: None, contact: None }
    }

    fn after(shard: Shard, account: &AccountId) -> Self {
        Self { shard, account: Some(account.clone()), contact: None }
    }
}

/// What the list reads.
pub(super) trait Accounts: Sync {
    /// See [`DirectoryReader::query_accounts`].
    fn query(
        &self,
        division: &DivisionId,
        shard: Shard,
        after: Option<&AccountId>,
        limit: usize,
    ) -> impl Future<Output = Result<AccountPage, StoreError>> + Send;

    /// See [`DirectoryReader::accounts`].
    fn get(&self, ids: &[AccountId]) -> impl Future<Output = Result<Vec<Account>, StoreError>> + Send;
}

impl Accounts for DirectoryReader {
    async fn query(
        &self,
        division: &DivisionId,
        shard: Shard,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<AccountPage, StoreError> {
        self.query_accounts(division, shard, after, limit).await
    }

    async fn get(&self, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
        self.accounts(ids).await
    }
}

/// The contacts from `from` on, in the order of the index and of their ids, and the start of the next page. A page that
/// ran out of time may be empty and still have a next one.
pub(super) async fn fill(
    accounts: &impl Accounts,
    filter: &Filter,
    from: Position,
    bounds: Bounds,
) -> Result<(Vec<Row>, Option<Position>), StoreError> {
    let mut rows = Vec::new();
    let mut size = 0;
    let mut from = Some(from);
    while let Some(position) = from {
        let shard = position.shard;
        let (ids, next) = next_accounts(accounts, filter, &position).await?;
        from = next;
        for ids in ids.chunks(BATCH_KEYS) {
            // The index may lag: an account that has moved belongs to another division.
            let found = accounts.get(ids).await?.into_iter().filter(|account| account.division == filter.division);
            for account in found {
                for (contact, reason) in account.unreachable(filter) {
                    if position.contact.as_ref().is_some_and(|seen| contact.contact_id <= *seen) {
                        continue;
                    }
                    let row = Row::new(&account, contact, reason);
                    size += bytes(&row);
                    rows.push(row);
                    if rows.len() >= bounds.rows || size >= bounds.bytes {
                        let contact = Some(contact.contact_id.clone());
                        return Ok((rows, Some(Position { contact, ..Position::after(shard, &account.account_id) })));
                    }
                }
            }
            if clock::now() >= bounds.until
                && let Some(last) = ids.last()
            {
                return Ok((rows, Some(Position::after(shard, last))));
            }
        }
        if clock::now() >= bounds.until {
            return Ok((rows, from));
        }
    }
    Ok((rows, None))
}

/// The next accounts with contacts to list, and the position after them: the rest of the account that the last page
/// ended in, or those that a query finds.
async fn next_accounts(
    accounts: &impl Accounts,
    filter: &Filter,
    position: &Position,
) -> Result<(Vec<AccountId>, Option<Position>), StoreError> {
    let Position { shard, account, contact } = position;
    if let (Some(account), Some(_)) = (account, contact) {
        return Ok((vec![account.clone()], Some(Position::after(*shard, account))));
    }
    let page = accounts.query(&filter.division, *shard, account.as_ref(), QUERY_SIZE).await?;
    let next = match page.accounts.last() {
        Some(last) if page.more => Some(Position::after(*shard, &last.account_id)),
        _ => shard.next().map(Position::shard),
    };
    let listed = page.accounts.into_iter().filter(|account| account.unreachable(filter) > 0);
    Ok((listed.map(|account| account.account_id).collect(), next))
}

#[cfg(test)]
mod tests;
