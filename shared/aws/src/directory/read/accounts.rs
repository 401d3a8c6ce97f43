//! The accounts of one shard of a division, in the order of the index, and whole accounts.

use portal_domain::import::Phase;
use portal_domain::{Account, AccountId, DivisionId, Shard};

use super::DirectoryReader;
use crate::directory::account_item::AccountItem;
use crate::directory::item::AccountRow;
use crate::directory::keys;
use crate::dynamo::{StoreError, batch_get, key, s};

/// Some accounts of a shard.
#[derive(Debug)]
pub struct AccountPage {
    /// In order of their ids.
    pub accounts: Vec<AccountRow>,
    /// Whether there are more behind the last of them.
    pub more: bool,
}

impl DirectoryReader {
    /// Up to `limit` accounts of a shard, as the index shows them, `after` this id; it need not be there any more.
    pub async fn query_accounts(
        &self,
        division: &DivisionId,
        shard: Shard,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<AccountPage, StoreError> {
        let mut request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::BY_DIVISION)
            .expression_attribute_values(":partition", s(keys::accounts_partition(division, shard)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1));
        request = match after {
            None => request.key_condition_expression("indexPartition = :partition"),
            Some(after) => request
                .key_condition_expression("indexPartition = :partition AND indexSort > :after")
                .expression_attribute_values(":after", s(after.as_str())),
        };
        let answer = request.send().await.map_err(|error| StoreError::of("list accounts", error))?;
        let more = answer.last_evaluated_key.is_some();
        Ok(AccountPage { accounts: serde_dynamo::from_items(answer.items.unwrap_or_default())?, more })
    }

    /// These accounts with all their contacts, read consistently, in order of their ids; what doesn't exist, or is not in force, is
    /// absent. Each id is given once.
    pub async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
        let keys = ids.iter().map(|id| (self.table.clone(), key(keys::account_pk(id), keys::ACCOUNT)));
        let mut accounts = Vec::with_capacity(ids.len());
        for (_, item) in batch_get(&self.client, keys.collect()).await? {
            let item: AccountItem = serde_dynamo::from_item(item)?;
            accounts.extend((item.phase != Phase::Arriving).then_some(item.account));
        }
        accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        Ok(accounts)
    }
}
