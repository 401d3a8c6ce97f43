//! The accounts of one shard of a division, in the order of the index, and whole accounts.

use portal_domain::import::Phase;
use portal_domain::{Account, AccountId, DivisionId, Shard};

use super::DirectoryReader;
use crate::directory::item::AccountRow;
use crate::directory::keys;
use crate::table::StoreError;

/// Some accounts of a shard.
#[derive(Debug)]
pub struct AccountPage {
    /// In order of their ids.
    pub accounts: Vec<AccountRow>,
    /// Whether there are more after the last of them.
    pub more: bool,
}

impl DirectoryReader {
    /// Up to `limit` accounts of a shard, as the index shows them, `after` this id, which need not exist any more.
    pub async fn query_accounts(
        &self,
        division: &DivisionId,
        shard: Shard,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<AccountPage, StoreError> {
        let accounts = keys::accounts(division, shard, after).limit(limit);
        let page = self.table.page("list accounts", accounts).await?;
        Ok(AccountPage { more: page.has_more(), accounts: page.items })
    }

    /// These accounts with all their contacts, read consistently, in order of their ids. Accounts that don't exist or
    /// are not in force are absent. Each id is given once.
    pub async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
        let items = self.table.get_each("read accounts", ids.iter().map(keys::account)).await?;
        let in_force = items.into_iter().filter(|item| item.phase != Phase::Arriving);
        let mut accounts: Vec<_> = in_force.map(|item| item.account).collect();
        accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        Ok(accounts)
    }
}
