//! The reads and writes of an import.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use portal_domain::import::{self, Address, Change, Snapshot, StoredRecipient, Write};
use portal_domain::link::Link;
use portal_domain::{AccountId, RecipientId};

use super::DirectoryStore;
use super::actions::action;
use crate::clock;
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::table::{Batch, StoreError, TRANSACTION_ACTIONS, attributes_of, back_off};

/// One import, which ends in time.
pub(super) struct Importing<'a> {
    pub store: &'a DirectoryStore,
    /// No transaction starts after this.
    pub until: Option<Timestamp>,
}

impl import::Table for Importing<'_> {
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
            let links = self.store.table.first("read links", keys::links(recipient), limit).await?;
            rows.insert(recipient, links);
        }
        Ok(rows)
    }

    async fn transact(&self, writes: &[Write]) -> Result<bool, StoreError> {
        let hash = self.store.address_hash().await?;
        let mut tx = self.store.table.tx("store accounts");
        tx.extend(writes.iter().map(|write| action(self.store, hash, write)));
        let transacted = tx.write().await?;
        fail::fail_point!("directory.written");
        Ok(transacted.is_done())
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
        for account in self.table.get_each("read accounts", accounts.into_iter().map(keys::account)).await? {
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

    /// Reads the recipients of these addresses and which addresses were erased, and reserves ids for addresses without
    /// a recipient.
    async fn read_addresses(&self, addresses: BTreeSet<Address>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let hash = self.address_hash().await?;
        let row = |address: &Address| keys::address(&address.division, address.email.as_str());
        let erased = |address: &Address| keys::erased(&hash.of(address));
        let mut batch = Batch::new("read addresses");
        for address in &addresses {
            batch.want(&self.table, &row(address));
            batch.want(&self.table, &erased(address));
        }
        let mut found = batch.read(&self.table).await?;
        for address in addresses {
            if found.take(&self.table, &erased(&address))?.is_some() {
                snapshot.erased.insert(address.clone());
            }
            match found.take(&self.table, &row(&address))? {
                Some(row) => snapshot.addresses.insert(address, row.recipient_id),
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
        let attributes = RecipientItem::without_passwords().chain(attributes_of::<Link>());
        let mut batch = Batch::new("read recipients and links").only(attributes);
        recipients.iter().for_each(|id| batch.want(&self.table, &keys::recipient(*id)));
        links.iter().for_each(|(id, account)| batch.want(&self.table, &keys::link(*id, account)));
        let mut found = batch.read(&self.table).await?;
        for id in recipients {
            if let Some(item) = found.take(&self.table, &keys::recipient(id))? {
                let version = item.version;
                snapshot.recipients.insert(id, StoredRecipient { recipient: item.into(), version });
            }
        }
        for (id, account) in links {
            if let Some(link) = found.take(&self.table, &keys::link(id, &account))? {
                snapshot.links.insert((id, account), link);
            }
        }
        Ok(())
    }
}
