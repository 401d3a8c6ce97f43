//! The table as an import reads and writes it.

use std::collections::{BTreeSet, HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use portal_domain::import::{Address, Change, Snapshot, StoredRecipient, Table, Write};
use portal_domain::link::Link;
use portal_domain::{AccountId, RecipientId};

use super::DirectoryStore;
use super::actions::action;
use crate::clock;
use crate::directory::account_item::AccountItem;
use crate::directory::item::{AddressItem, RecipientItem, WITHOUT_PASSWORDS};
use crate::directory::keys;
use crate::directory::read::links_query;
use crate::dynamo::{
    Item, StoreError, TRANSACTION_ACTIONS, Transacted, back_off, batch_get, batch_get_only, key, transact,
};

/// One import, which ends in time.
pub(super) struct Importing<'a> {
    pub store: &'a DirectoryStore,
    /// No transaction starts after this.
    pub until: Option<Timestamp>,
}

impl Table for Importing<'_> {
    type Error = StoreError;
    const TRANSACTION_ACTIONS: usize = TRANSACTION_ACTIONS;

    async fn read(&self, changes: &[Change]) -> Result<Snapshot, StoreError> {
        self.store.read_snapshot(changes).await
    }

    async fn first_links(
        &self,
        wanted: &[(RecipientId, usize)],
    ) -> Result<HashMap<RecipientId, Vec<Link>>, StoreError> {
        let mut rows = HashMap::new();
        for &(recipient, limit) in wanted {
            rows.insert(recipient, self.store.read_first_links(recipient, limit).await?);
        }
        Ok(rows)
    }

    async fn transact(&self, writes: &[Write]) -> Result<bool, StoreError> {
        let hash = self.store.address_hash().await?;
        let actions = writes
            .iter()
            .map(|write| action(&self.store.table, &self.store.events, hash, write))
            .collect::<Result<_, _>>()?;
        let transacted = transact(&self.store.client, "store accounts", actions).await?;
        fail::fail_point!("directory.written");
        Ok(matches!(transacted, Transacted::Done))
    }

    async fn pause(&self, attempt: u32) {
        back_off(attempt).await;
    }

    fn has_time(&self) -> bool {
        self.until.is_none_or(|until| clock::now() < until)
    }
}

impl DirectoryStore {
    async fn read_snapshot(&self, changes: &[Change]) -> Result<Snapshot, StoreError> {
        let first_version = clock::now().as_millisecond().unsigned_abs();
        let mut snapshot = Snapshot { first_version, ..Snapshot::default() };
        let accounts: BTreeSet<_> = changes.iter().map(|change| &change.account_id).collect();
        for item in self.get(accounts.into_iter().map(|id| key(keys::account_pk(id), keys::ACCOUNT))).await? {
            let account: AccountItem = serde_dynamo::from_item(item)?;
            snapshot.accounts.insert(account.account_id.clone(), account.into());
        }
        let to_do = snapshot.to_do(changes);
        let addresses = to_do.iter().flat_map(|change| change.addresses()).collect();
        let stored = to_do.iter().filter_map(|change| snapshot.accounts.get(&change.account_id));
        let links: BTreeSet<(RecipientId, AccountId)> = stored
            .flat_map(|stored| stored.recipients.iter().map(|id| (*id, stored.account.account_id.clone())))
            .collect();
        self.read_addresses(addresses, &mut snapshot).await?;
        self.read_recipients(links, &mut snapshot).await?;
        Ok(snapshot)
    }

    /// Reads who has these addresses, and which were erased, and reserves ids for those that nobody has.
    async fn read_addresses(&self, addresses: BTreeSet<Address>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let hash = self.address_hash().await?;
        let pk = |address: &Address| keys::address_pk(&address.division, address.email.as_str());
        let erased_pk = |address: &Address| keys::erased_pk(&hash.of(address));
        let wanted = addresses
            .iter()
            .flat_map(|address| [key(pk(address), keys::ADDRESS), key(erased_pk(address), keys::ERASED)]);
        let (mut rows, mut erased) = (HashMap::new(), HashSet::new());
        for item in self.get(wanted).await? {
            let Some(AttributeValue::S(pk)) = item.get(keys::PK) else { continue };
            let pk = pk.clone();
            if item.get(keys::SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == keys::ERASED) {
                erased.insert(pk);
            } else {
                rows.insert(pk, serde_dynamo::from_item::<_, AddressItem>(item)?.recipient_id);
            }
        }
        for address in addresses {
            if erased.contains(&erased_pk(&address)) {
                snapshot.erased.insert(address.clone());
            }
            match rows.get(&pk(&address)) {
                Some(&recipient) => snapshot.addresses.insert(address, recipient),
                None => snapshot.reserved.insert(address, clock::new_recipient_id()),
            };
        }
        Ok(())
    }

    /// Reads link rows, their recipients, and the recipients of the addresses that have been read.
    async fn read_recipients(
        &self,
        links: BTreeSet<(RecipientId, AccountId)>,
        snapshot: &mut Snapshot,
    ) -> Result<(), StoreError> {
        let linked = links.iter().map(|(recipient, _)| recipient);
        let recipients: BTreeSet<_> = linked.chain(snapshot.addresses.values()).copied().collect();
        let recipient_keys = recipients.into_iter().map(|id| key(keys::recipient_pk(id), keys::RECIPIENT));
        let link_keys = links.iter().map(|(id, account)| key(keys::recipient_pk(*id), keys::link_sk(account)));
        let recipient_of: HashMap<String, RecipientId> =
            links.iter().map(|(id, _)| (keys::recipient_pk(*id), *id)).collect();
        let keys = recipient_keys.chain(link_keys).map(|key| (self.table.clone(), key)).collect();
        for (_, item) in batch_get_only(&self.client, keys, WITHOUT_PASSWORDS).await? {
            if item.get(keys::SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == keys::RECIPIENT) {
                let item: RecipientItem = serde_dynamo::from_item(item)?;
                let version = item.version;
                let recipient = StoredRecipient { recipient: item.into(), version };
                snapshot.recipients.insert(recipient.recipient.recipient_id, recipient);
                continue;
            }
            let recipient = item.get(keys::PK).and_then(|pk| pk.as_s().ok()).and_then(|pk| recipient_of.get(pk));
            if let Some(&recipient) = recipient {
                let link: Link = serde_dynamo::from_item(item)?;
                snapshot.links.insert((recipient, link.account_id.clone()), link);
            }
        }
        Ok(())
    }

    async fn read_first_links(&self, recipient: RecipientId, limit: usize) -> Result<Vec<Link>, StoreError> {
        let mut rows = links_query(&self.client, &self.table, recipient)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .into_paginator()
            .items()
            .send();
        let mut links = Vec::with_capacity(limit);
        while let Some(row) = rows.next().await {
            links.push(serde_dynamo::from_item(row.map_err(|error| StoreError::of("read links", error))?)?);
            if links.len() == limit {
                break;
            }
        }
        Ok(links)
    }

    /// The items with these keys, each of which is given once.
    async fn get(&self, keys: impl Iterator<Item = Item>) -> Result<Vec<Item>, StoreError> {
        let keys = keys.map(|key| (self.table.clone(), key)).collect();
        Ok(batch_get(&self.client, keys).await?.into_iter().map(|(_, item)| item).collect())
    }
}
