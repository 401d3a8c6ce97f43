//! A table in memory with the conditions of every write, and concurrent imports, interleaved call by call in any order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::restated::check_visible;
use crate::import::{
    Address, Change, Linked, Outcome, Phase, Report, Snapshot, StoredAccount, StoredRecipient, Table, Write, forget,
    run, settle,
};
use crate::link::Link;
use crate::permission::Divisions;
use crate::{Account, AccountId, RecipientId};

/// What happens next when several imports run at the same time.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// This import makes its next calls, this many.
    Go(usize, usize),
    /// This import dies without the answer to its last call.
    Die(usize),
}

/// The items of the table.
#[derive(Clone, Debug, Default)]
pub struct Items {
    pub accounts: BTreeMap<AccountId, StoredAccount>,
    pub addresses: BTreeMap<Address, RecipientId>,
    pub recipients: BTreeMap<RecipientId, StoredRecipient>,
    pub links: BTreeMap<(RecipientId, AccountId), Link>,
    /// The addresses that were erased.
    pub erased: HashSet<Address>,
    /// Events for the company's portal about each recipient, in order.
    pub told: BTreeMap<RecipientId, Vec<Linked>>,
    /// The accounts that are noted as being changed.
    pub noted: BTreeSet<AccountId>,
    /// Every account that was ever in force.
    pub ever_in_force: Vec<Account>,
    /// Accounts of an earlier release may be visible in part.
    pub as_earlier_release: bool,
    randoms: u128,
    time: u64,
    pub transactions: usize,
}

/// A table whose transactions hold this many actions; DynamoDB's hold 100.
#[derive(Debug, Default)]
pub struct Model<const LIMIT: usize = 100> {
    pub items: Mutex<Items>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Report<Infallible>> + 'a>>;

/// Waits until it is this import's turn again.
struct NextTurn(bool);

impl Future for NextTurn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn next_turn() {
    NextTurn(false).await;
}

impl<const LIMIT: usize> Model<LIMIT> {
    /// Runs one import alone.
    pub fn import(&self, changes: &[Change]) -> Report<Infallible> {
        self.import_within(&Divisions::Every, changes)
    }

    /// Runs one import alone, which may change only accounts of these divisions.
    pub fn import_within(&self, reach: &Divisions, changes: &[Change]) -> Report<Infallible> {
        self.import_counted(reach, changes).0
    }

    /// The same, and the number of turns that it takes.
    pub fn import_counted(&self, reach: &Divisions, changes: &[Change]) -> (Report<Infallible>, usize) {
        let mut running = std::pin::pin!(run(self, changes, reach));
        let mut turns = 1;
        loop {
            if let Poll::Ready(report) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return (report, turns);
            }
            turns += 1;
        }
    }

    /// Settles an account, alone.
    pub fn sweep(&self, account: &AccountId) {
        let mut sweeping = std::pin::pin!(settle(self, account));
        let outcome = loop {
            if let Poll::Ready(outcome) = sweeping.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break outcome;
            }
        };
        assert_eq!(outcome, Ok(Outcome::Stored));
    }

    /// Runs concurrent imports, in these turns and then alternating to their end. An import that died has no report.
    pub fn import_at_once(&self, calls: &[Vec<Change>], turns: &[Turn]) -> Vec<Option<Report<Infallible>>> {
        let calls: Vec<_> = calls.iter().map(|changes| (Divisions::Every, changes.clone())).collect();
        self.import_at_once_within(&calls, turns)
    }

    /// The same, each of which may change only accounts of these divisions.
    pub fn import_at_once_within(
        &self,
        calls: &[(Divisions, Vec<Change>)],
        turns: &[Turn],
    ) -> Vec<Option<Report<Infallible>>> {
        let start = |(reach, changes): &(Divisions, Vec<Change>)| -> Option<Running<'_>> {
            let (reach, changes) = (reach.clone(), changes.clone());
            Some(Box::pin(async move { run(self, &changes, &reach).await }))
        };
        Self::by_turns(calls.iter().map(start).collect(), turns)
    }

    /// Erases a person while imports run in these turns, in which the erasure is the last participant. If it dies it is
    /// repeated alone.
    pub fn erase_at_once(&self, address: &Address, calls: &[Vec<Change>], turns: &[Turn]) {
        let erasing = || -> Option<Running<'_>> { Some(Box::pin(self.erase(address))) };
        let start = |changes: &Vec<Change>| -> Option<Running<'_>> {
            let changes = changes.clone();
            Some(Box::pin(async move { run(self, &changes, &Divisions::Every).await }))
        };
        let mut reports = Self::by_turns(calls.iter().map(start).chain([erasing()]).collect(), turns);
        if reports.pop().flatten().is_none() {
            Self::by_turns(vec![erasing()], &[]);
        }
    }

    /// Erases a person: marks the address as erased, removes it from all accounts, and deletes the recipient.
    async fn erase(&self, address: &Address) -> Report<Infallible> {
        next_turn().await;
        self.with(|items| {
            items.erased.insert(address.clone());
            let stored = items.addresses.get(address).and_then(|id| items.recipients.get_mut(id));
            if let Some(stored) = stored {
                stored.recipient.undeliverable = Some("erased".to_owned());
                stored.version += 1;
            }
        });
        loop {
            next_turn().await;
            let found = self.with(|items| {
                let id = items.addresses.get(address)?;
                let stored = items.recipients.get(id)?;
                let linked = items.links.keys().filter(|(recipient, _)| recipient == id).map(|(_, account)| account);
                let accounts = linked.chain(&stored.recipient.links.changing.accounts).cloned();
                Some((*id, stored.version, accounts.collect::<BTreeSet<_>>()))
            });
            let Some((id, version, accounts)) = found else { break };
            if !accounts.is_empty() {
                let Ok(_) = forget(self, address, &Vec::from_iter(accounts)).await;
                continue;
            }
            next_turn().await;
            self.with(|items| {
                if items.recipients.get(&id).is_some_and(|stored| stored.version == version) {
                    items.recipients.remove(&id);
                    items.addresses.remove(address);
                    items.told.remove(&id);
                }
            });
        }
        Report { outcomes: Vec::new(), erased: HashSet::new(), moved_from: HashMap::new(), error: None }
    }

    fn by_turns<'a>(mut running: Vec<Option<Running<'a>>>, turns: &[Turn]) -> Vec<Option<Report<Infallible>>> {
        let calls = running.len();
        let mut reports: Vec<_> = running.iter().map(|_| None).collect();
        let by_turns = (0..calls).cycle().map(|i| Turn::Go(i, 1));
        for turn in turns.iter().copied().chain(by_turns) {
            match turn {
                Turn::Die(i) => running[i % calls] = None,
                Turn::Go(i, times) => {
                    let i = i % calls;
                    for _ in 0..times {
                        let Some(import) = &mut running[i] else { break };
                        if let Poll::Ready(report) = import.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                            reports[i] = Some(report);
                            running[i] = None;
                        }
                    }
                }
            }
            if running.iter().all(Option::is_none) {
                break;
            }
        }
        reports
    }

    pub fn items(&self) -> Items {
        self.items.lock().expect("nobody panicked").clone()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Items) -> T) -> T {
        act(&mut self.items.lock().expect("nobody panicked"))
    }
}

impl Items {
    fn holds(&self, write: &Write) -> bool {
        let version = |account: &AccountId| self.accounts.get(account).map(|stored| stored.version);
        let recipient = |id: &RecipientId| self.recipients.get(id).map(|stored| stored.version);
        match write {
            Write::PutAccount(stored, expected) => version(&stored.account.account_id) == *expected,
            Write::DeleteAccount(account, expected) | Write::CheckAccount(account, expected) => {
                version(account) == Some(*expected)
            }
            Write::NoteChange(..) | Write::ForgetChange(..) | Write::DeleteAddress(..) => true,
            Write::CheckNotErased(address) => !self.erased.contains(address),
            Write::PutAddress(address, _) => !self.addresses.contains_key(address),
            Write::PutRecipient(stored) => !self.recipients.contains_key(&stored.recipient.recipient_id),
            Write::UpdateRecipient(stored, expected) => recipient(&stored.recipient.recipient_id) == Some(*expected),
            Write::DeleteRecipient(id, expected) => recipient(id) == Some(*expected),
            Write::PutLink(..) | Write::DeleteLink(..) | Write::Tell(..) => true,
        }
    }

    fn write(&mut self, write: &Write) {
        match write.clone() {
            Write::PutAccount(stored, _) => {
                self.ever_in_force.extend((stored.phase != Phase::Arriving).then(|| stored.account.clone()));
                self.accounts.insert(stored.account.account_id.clone(), *stored);
            }
            Write::NoteChange(account, _) => drop(self.noted.insert(account)),
            Write::ForgetChange(account) => drop(self.noted.remove(&account)),
            Write::DeleteAddress(division, email) => {
                self.addresses.retain(|address, _| address.division != division || address.email.as_str() != email);
            }
            Write::DeleteRecipient(id, _) => drop(self.recipients.remove(&id)),
            Write::DeleteAccount(account, _) => drop(self.accounts.remove(&account)),
            Write::CheckAccount(..) | Write::CheckNotErased(..) => {}
            Write::PutAddress(address, id) => drop(self.addresses.insert(address, id)),
            Write::PutRecipient(stored) | Write::UpdateRecipient(stored, _) => {
                drop(self.recipients.insert(stored.recipient.recipient_id, *stored));
            }
            Write::PutLink(id, link) => drop(self.links.insert((id, link.account_id.clone()), link)),
            Write::DeleteLink(id, account) => assert!(self.links.remove(&(id, account)).is_some()),
            Write::Tell(id, _, linked) => self.told.entry(id).or_default().push(linked),
        }
    }

    fn transact(&mut self, limit: usize, writes: &[Write]) -> bool {
        assert!(!writes.is_empty() && writes.len() <= limit, "{} actions", writes.len());
        let distinct: HashSet<_> = writes.iter().map(key).collect();
        assert_eq!(distinct.len(), writes.len(), "DynamoDB refuses two actions on one item");
        if !writes.iter().all(|write| self.holds(write)) {
            return false;
        }
        writes.iter().for_each(|write| self.write(write));
        self.transactions += 1;
        if !self.as_earlier_release {
            check_visible(self);
        }
        true
    }

    fn first_version(&mut self) -> u64 {
        self.time += 1_000;
        self.time
    }

    /// The next number of a fixed sequence without repetition.
    fn random(&mut self) -> u128 {
        self.randoms += 1;
        self.randoms.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).swap_bytes()
    }

    fn new_id(&mut self) -> RecipientId {
        RecipientId::from_random(self.random().to_be_bytes())
    }
}

fn key(write: &Write) -> String {
    match write {
        Write::PutAccount(stored, _) => format!("account {}", stored.account.account_id),
        Write::DeleteAccount(account, _) | Write::CheckAccount(account, _) => format!("account {account}"),
        Write::NoteChange(account, _) | Write::ForgetChange(account) => format!("note {account}"),
        Write::CheckNotErased(address) => format!("erased {} {}", address.division, address.email),
        Write::PutAddress(address, _) => format!("address {} {}", address.division, address.email),
        Write::DeleteAddress(division, email) => format!("address {division} {email}"),
        Write::PutRecipient(stored) | Write::UpdateRecipient(stored, _) => stored.recipient.recipient_id.to_string(),
        Write::DeleteRecipient(id, _) => id.to_string(),
        Write::PutLink(id, link) => format!("{id} {}", link.account_id),
        Write::DeleteLink(id, account) => format!("{id} {account}"),
        Write::Tell(id, ..) => format!("event {id}"),
    }
}

impl<const LIMIT: usize> Table for Model<LIMIT> {
    type Error = Infallible;
    const TRANSACTION_ACTIONS: usize = LIMIT;

    async fn read(&self, changes: &[Change]) -> Result<Snapshot, Infallible> {
        next_turn().await;
        let mut snapshot = Snapshot { first_version: self.with(Items::first_version), ..Snapshot::default() };
        self.with(|items| {
            for change in changes {
                let stored = items.accounts.get(&change.account_id).cloned();
                snapshot.accounts.extend(stored.map(|stored| (change.account_id.clone(), stored)));
            }
        });
        let to_do = snapshot.to_do(changes);
        let accounts: HashSet<_> = to_do.iter().map(|change| &change.account_id).collect();
        let listed: BTreeSet<(RecipientId, AccountId)> = accounts
            .iter()
            .filter_map(|account| snapshot.accounts.get(account))
            .flat_map(|stored| stored.recipients.iter().map(|id| (*id, stored.account.account_id.clone())))
            .collect();

        next_turn().await;
        self.with(|items| {
            for address in to_do.iter().flat_map(|change| change.addresses()) {
                snapshot.erased.extend(items.erased.get(&address).cloned());
                match items.addresses.get(&address) {
                    Some(&id) => drop(snapshot.addresses.insert(address, id)),
                    None => drop(snapshot.reserved.entry(address).or_insert_with(|| items.new_id())),
                }
            }
        });

        let recipients: BTreeSet<_> =
            listed.iter().map(|(id, _)| id).chain(snapshot.addresses.values()).copied().collect();
        next_turn().await;
        self.with(|items| {
            let found = recipients.iter().filter_map(|id| Some((*id, items.recipients.get(id)?.clone())));
            snapshot.recipients = found.collect();
        });
        next_turn().await;
        self.with(|items| {
            snapshot.links =
                listed.into_iter().filter_map(|key| Some((key.clone(), items.links.get(&key)?.clone()))).collect();
        });
        Ok(snapshot)
    }

    async fn first_links(
        &self,
        wanted: &[(RecipientId, usize)],
    ) -> Result<HashMap<RecipientId, Vec<Link>>, Infallible> {
        next_turn().await;
        let items = self.items();
        let first = |&(id, limit): &(RecipientId, usize)| {
            let rows = items.links.iter().filter(|((recipient, _), _)| *recipient == id);
            (id, rows.take(limit).map(|(_, link)| link.clone()).collect())
        };
        Ok(wanted.iter().map(first).collect())
    }

    async fn transact(&self, writes: &[Write]) -> Result<bool, Infallible> {
        next_turn().await;
        Ok(self.with(|items| items.transact(LIMIT, writes)))
    }

    async fn pause(&self, attempt: u32) {
        let longest = 1 << attempt.min(6);
        let turns = self.with(|items| items.random()) % longest;
        for _ in 0..turns {
            next_turn().await;
        }
    }

    fn has_time(&self) -> bool {
        true
    }
}
