//! The accounts because of which a recipient is counted under active services.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use futures::{StreamExt, TryStreamExt, stream};
use portal_domain::link::Link;
use portal_domain::recipient::NAMED_ACCOUNTS;
use portal_domain::{AccountId, Filter, Recipient, RecipientId};
use serde::Deserialize;

use super::DirectoryReader;
use crate::directory::keys;
use crate::table::{Batch, StoreError, attributes_of};

/// How many recipients have their link rows queried at the same time.
const CONCURRENT: usize = 8;

/// The accounts on which one recipient has a link that a filter selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveAccounts {
    /// The [`NAMED_ACCOUNTS`] with the smallest ids, in order.
    pub first: Vec<ActiveAccount>,
    /// How many there are.
    pub count: u32,
}

/// One of the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAccount {
    /// The account.
    pub account_id: AccountId,
    /// Its name, may be empty.
    pub account_name: String,
    /// Active services of all its sites together.
    pub active_services: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Services {
    account_id: AccountId,
    active_services: u64,
}

impl DirectoryReader {
    /// The accounts on which each of `recipients` has a link that `filter` selects, with the active services of each,
    /// read consistently from link rows and accounts. Recipients without such an account are absent.
    pub async fn active_accounts(
        &self,
        recipients: &[Recipient],
        filter: &Filter,
    ) -> Result<HashMap<RecipientId, ActiveAccounts>, StoreError> {
        let (named, beyond): (Vec<_>, Vec<_>) = recipients
            .iter()
            .partition(|recipient| recipient.links.account_count as usize <= recipient.links.accounts.len());
        let mut found = self.active_of_named(&named, filter).await?;
        let beyond: Vec<Recipient> = beyond.into_iter().cloned().collect();
        let beyond = stream::iter(beyond).map(|recipient| async move {
            let accounts = self.active_of_all(&recipient, filter).await?;
            Ok::<_, StoreError>((recipient.recipient_id, accounts))
        });
        let beyond: Vec<_> = beyond.buffer_unordered(CONCURRENT).try_collect().await?;
        found.extend(beyond);
        found.retain(|_, accounts| accounts.count > 0);
        self.add_services(&mut found).await?;
        Ok(found)
    }

    /// For recipients who carry the ids of all their accounts: one read for each link.
    async fn active_of_named(
        &self,
        recipients: &[&Recipient],
        filter: &Filter,
    ) -> Result<HashMap<RecipientId, ActiveAccounts>, StoreError> {
        let mut batch = Batch::new("read links").only(attributes_of::<Link>());
        let named = |recipient: &&Recipient| {
            let changing = &recipient.links.changing.accounts;
            let named = recipient.links.accounts.iter().filter(|named| !changing.contains(&named.account_id));
            let keys = named.map(|named| keys::link(recipient.recipient_id, &named.account_id));
            (recipient.recipient_id, keys.collect::<Vec<_>>())
        };
        let wanted: Vec<_> = recipients.iter().map(named).collect();
        wanted.iter().flat_map(|(_, keys)| keys).for_each(|key| batch.want(&self.table, key));
        let mut found = batch.read(&self.table).await?;
        let mut links: HashMap<RecipientId, Vec<Link>> = HashMap::new();
        for (owner, keys) in wanted {
            for key in keys {
                links.entry(owner).or_default().extend(found.take(&self.table, &key)?);
            }
        }
        let mut changing = self.changing_links(recipients).await?;
        for recipient in recipients {
            if let Some(more) = changing.remove(&recipient.recipient_id) {
                links.entry(recipient.recipient_id).or_default().extend(more);
            }
        }
        let add = |(owner, mut links): (_, Vec<Link>)| {
            links.sort_by(|one, other| one.account_id.cmp(&other.account_id));
            let mut accounts = ActiveAccounts::default();
            links.iter().for_each(|link| accounts.add(link, filter));
            (owner, accounts)
        };
        Ok(links.into_iter().map(add).collect())
    }

    /// For a recipient on more accounts than it names: reads all its link rows.
    async fn active_of_all(&self, recipient: &Recipient, filter: &Filter) -> Result<ActiveAccounts, StoreError> {
        let changing = &recipient.links.changing.accounts;
        let asked = self.changing_links(&[recipient]).await?.into_values().flatten();
        let mut asked: BTreeMap<AccountId, Link> = asked.map(|link| (link.account_id.clone(), link)).collect();
        let mut accounts = ActiveAccounts::default();
        // Rows come in order of account, so accounts are added in that order.
        let links = keys::links(recipient.recipient_id);
        self.table
            .each_page("read links", links, |links: Vec<Link>| {
                for link in links.iter().filter(|link| !changing.contains(&link.account_id)) {
                    while let Some(before) = asked.first_entry().filter(|asked| *asked.key() < link.account_id) {
                        accounts.add(&before.remove(), filter);
                    }
                    accounts.add(link, filter);
                }
                ControlFlow::Continue(())
            })
            .await?;
        asked.values().for_each(|link| accounts.add(link, filter));
        Ok(accounts)
    }

    async fn add_services(&self, found: &mut HashMap<RecipientId, ActiveAccounts>) -> Result<(), StoreError> {
        let ids: BTreeSet<_> = found.values().flat_map(|accounts| &accounts.first).map(|one| &one.account_id).collect();
        let wanted = ids.into_iter().map(|id| keys::account(id).seen_as::<Services>());
        let batch = Batch::new("read active services").only(attributes_of::<Services>());
        let rows = self.table.get_each_of(batch, wanted).await?;
        let services: HashMap<_, _> = rows.into_iter().map(|row| (row.account_id, row.active_services)).collect();
        for account in found.values_mut().flat_map(|accounts| &mut accounts.first) {
            account.active_services = services.get(&account.account_id).copied().unwrap_or(0);
        }
        Ok(())
    }
}

impl ActiveAccounts {
    /// Adds the account of a link if the filter selects it. Its services are read later.
    fn add(&mut self, link: &Link, filter: &Filter) {
        if !link.matches(filter) {
            return;
        }
        self.count += 1;
        if self.first.len() < NAMED_ACCOUNTS {
            self.first.push(ActiveAccount {
                account_id: link.account_id.clone(),
                account_name: link.account_name.clone(),
                active_services: 0,
            });
        }
    }
}
