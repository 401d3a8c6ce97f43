//! The accounts of a person.

use std::collections::BTreeSet;

use portal_domain::{AccountId, Recipient};

use super::DirectoryReader;
use crate::directory::keys;
use crate::table::StoreError;

impl DirectoryReader {
    /// The next accounts `after` this one, in order of their ids, that may link a recipient: those with a link row, and
    /// those that are being changed, whose own items alone tell. Reads at most `limit` link rows, and answers whether
    /// there are more.
    pub async fn accounts_of(
        &self,
        recipient: &Recipient,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<(Vec<AccountId>, bool), StoreError> {
        let id = recipient.recipient_id;
        let from = after.map(|after| keys::link(id, after));
        let page = self.table.page("read links", keys::links(id).limit(limit).after(from)).await?;
        let (more, links) = (page.has_more(), page.items);
        let last = links.last().map(|link| link.account_id.clone()).filter(|_| more);
        let mut accounts: BTreeSet<_> = links.into_iter().map(|link| link.account_id).collect();
        let changing = recipient.links.changing.accounts.iter();
        let next =
            changing.filter(|id| after.is_none_or(|after| *id > after) && last.as_ref().is_none_or(|last| *id < last));
        accounts.extend(next.cloned());
        Ok((accounts.into_iter().collect(), more))
    }
}
