//! The table in memory, with the conditions of every write; and disturbances between planning and writing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use crate::import::{Address, Change, Report, Snapshot, StoredAccount, StoredRecipient, Table, Write, run};
use crate::link::Link;
use crate::{AccountId, RecipientId};

/// What happens right before a transaction is written.
#[derive(Clone, Debug)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// Somebody else makes these changes, undisturbed.
    Race(Vec<Change>),
    /// The import dies, and the transaction is not written.
    Crash,
    /// The transaction is written, and the import dies before it hears of it.
    LostAnswer,
}

/// The items of the table.
#[derive(Clone, Debug, Default)]
pub struct Items {
    pub accounts: BTreeMap<AccountId, StoredAccount>,
    pub addresses: BTreeMap<Address, RecipientId>,
    pub recipients: BTreeMap<RecipientId, StoredRecipient>,
    pub links: BTreeMap<(RecipientId, AccountId), Link>,
    ids: u128,
    time: u64,
    pub transactions: usize,
}

#[derive(Debug, Default)]
pub struct Model {
    pub items: Mutex<Items>,
    pub disturbances: Mutex<VecDeque<Disturbance>>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Died;

/// Answers what a future that never waits comes to.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the model never waits"),
    }
}

impl Model {
    pub fn import(&self, changes: &[Change]) -> Report<Died> {
        ready(run(self, changes))
    }

    pub fn items(&self) -> Items {
        self.items.lock().expect("nobody panicked").clone()
    }

    pub fn disturb(&self, by: impl IntoIterator<Item = Disturbance>) {
        *self.disturbances.lock().expect("nobody panicked") = by.into_iter().collect();
    }

    fn next_disturbance(&self) -> Disturbance {
        self.disturbances.lock().expect("nobody panicked").pop_front().unwrap_or(Disturbance::None)
    }

    fn undisturbed<T>(&self, act: impl FnOnce() -> T) -> T {
        let later = std::mem::take(&mut *self.disturbances.lock().expect("nobody panicked"));
        let answer = act();
        self.disturb(later);
        answer
    }
}

impl Items {
    fn holds(&self, write: &Write) -> bool {
        let version = |account: &AccountId| self.accounts.get(account).map(|stored| stored.version);
        match write {
            Write::PutAccount(stored, expected) => version(&stored.account.account_id) == *expected,
            Write::DeleteAccount(account, expected) | Write::CheckAccount(account, expected) => {
                version(account) == Some(*expected)
            }
            Write::PutAddress(address, _) => !self.addresses.contains_key(address),
            Write::PutRecipient(stored) => !self.recipients.contains_key(&stored.recipient.recipient_id),
            Write::UpdateRecipient(stored, expected) => {
                self.recipients.get(&stored.recipient.recipient_id).is_some_and(|now| now.version == *expected)
            }
            Write::PutLink(..) | Write::DeleteLink(..) => true,
        }
    }

    fn write(&mut self, write: &Write) {
        match write.clone() {
            Write::PutAccount(stored, _) => drop(self.accounts.insert(stored.account.account_id.clone(), *stored)),
            Write::DeleteAccount(account, _) => drop(self.accounts.remove(&account)),
            Write::CheckAccount(..) => {}
            Write::PutAddress(address, id) => drop(self.addresses.insert(address, id)),
            Write::PutRecipient(stored) | Write::UpdateRecipient(stored, _) => {
                drop(self.recipients.insert(stored.recipient.recipient_id, *stored));
            }
            Write::PutLink(id, link) => drop(self.links.insert((id, link.account_id.clone()), link)),
            Write::DeleteLink(id, account) => assert!(self.links.remove(&(id, account)).is_some()),
        }
    }

    fn transact(&mut self, writes: &[Write]) -> bool {
        assert!(!writes.is_empty() && writes.len() <= 100, "{} actions", writes.len());
        let distinct: HashSet<_> = writes.iter().map(key).collect();
        assert_eq!(distinct.len(), writes.len(), "DynamoDB refuses two actions on one item");
        if !writes.iter().all(|write| self.holds(write)) {
            return false;
        }
        writes.iter().for_each(|write| self.write(write));
        self.transactions += 1;
        true
    }

    fn read(&mut self, changes: &[Change]) -> Snapshot {
        self.time += 1_000;
        let mut snapshot = Snapshot { first_version: self.time, ..Snapshot::default() };
        let mut wanted = BTreeSet::new();
        for change in changes {
            if let Some(stored) = self.accounts.get(&change.account_id) {
                snapshot.accounts.insert(change.account_id.clone(), stored.clone());
            }
        }
        for change in snapshot.to_do(changes) {
            if let Some(stored) = self.accounts.get(&change.account_id) {
                wanted.extend(&stored.recipients);
            }
            for address in change.addresses() {
                if let Some(&id) = self.addresses.get(&address) {
                    wanted.insert(id);
                    snapshot.addresses.insert(address, id);
                } else {
                    let mut next = || {
                        self.ids += 1;
                        RecipientId::from_random(
                            self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes(),
                        )
                    };
                    snapshot.reserved.entry(address).or_insert_with(&mut next);
                }
            }
        }
        let accounts: HashSet<_> = changes.iter().map(|change| &change.account_id).collect();
        snapshot.recipients = wanted.iter().filter_map(|id| Some((*id, self.recipients.get(id)?.clone()))).collect();
        let links = self.links.iter().filter(|((_, account), _)| accounts.contains(account));
        snapshot.links = links.map(|(key, link)| (key.clone(), link.clone())).collect();
        snapshot
    }
}

fn key(write: &Write) -> String {
    match write {
        Write::PutAccount(stored, _) => format!("account {}", stored.account.account_id),
        Write::DeleteAccount(account, _) | Write::CheckAccount(account, _) => format!("account {account}"),
        Write::PutAddress(address, _) => format!("address {} {}", address.division, address.email),
        Write::PutRecipient(stored) | Write::UpdateRecipient(stored, _) => stored.recipient.recipient_id.to_string(),
        Write::PutLink(id, link) => format!("{id} {}", link.account_id),
        Write::DeleteLink(id, account) => format!("{id} {account}"),
    }
}

impl Table for Model {
    type Error = Died;

    async fn read(&self, changes: &[Change]) -> Result<Snapshot, Died> {
        Ok(self.items.lock().expect("nobody panicked").read(changes))
    }

    async fn first_links(&self, wanted: &[(RecipientId, usize)]) -> Result<HashMap<RecipientId, Vec<Link>>, Died> {
        let items = self.items();
        let first = |&(id, limit): &(RecipientId, usize)| {
            let rows = items.links.iter().filter(|((recipient, _), _)| *recipient == id);
            (id, rows.take(limit).map(|(_, link)| link.clone()).collect())
        };
        Ok(wanted.iter().map(first).collect())
    }

    async fn transact(&self, writes: &[Write]) -> Result<bool, Died> {
        let disturbance = self.next_disturbance();
        match &disturbance {
            Disturbance::Race(changes) => drop(self.undisturbed(|| self.import(changes))),
            Disturbance::Crash => return Err(Died),
            Disturbance::None | Disturbance::LostAnswer => {}
        }
        let written = self.items.lock().expect("nobody panicked").transact(writes);
        if matches!(disturbance, Disturbance::LostAnswer) { Err(Died) } else { Ok(written) }
    }

    async fn pause(&self, _attempt: u32) {}

    fn has_time(&self) -> bool {
        true
    }
}
