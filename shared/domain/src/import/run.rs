//! Runs an import: read, plan, write; if something changed meanwhile, read and plan anew.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;

use super::{Added, Address, Batch, Change, Snapshot, Stage, Write};
use crate::link::Link;
use crate::permission::Divisions;
use crate::{AccountId, DivisionId, RecipientId};

/// How many times a transaction is planned before its accounts are given up, if time allows. Each conflict means that
/// another import has progressed, so as many tries are needed as there are others that write the same recipients.
const TRIES: u32 = 60;

/// The table, as an import uses it.
pub trait Table: Sync {
    /// Why a call failed.
    type Error: Send;

    /// Most actions of one transaction, at least 5: a condition on an account, and a new recipient with address, link
    /// and the condition that the address was not erased.
    const TRANSACTION_ACTIONS: usize;

    /// Reads a [`Snapshot`] of these accounts consistently: the accounts first, then the recipients that they link, and
    /// their link rows. Reserves an id for every address without a recipient, and reads which addresses were erased.
    fn read(&self, changes: &[Change]) -> impl Future<Output = Result<Snapshot, Self::Error>> + Send;

    /// The first link rows of recipients in order of account, as many as are wanted, consistently.
    fn first_links(
        &self,
        wanted: &[(RecipientId, usize)],
    ) -> impl Future<Output = Result<HashMap<RecipientId, Vec<Link>>, Self::Error>> + Send;

    /// Writes all or nothing. Returns `false` if a condition failed.
    fn transact(&self, writes: &[Write]) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Waits before try number `attempt`, so that conflicting imports drift apart.
    fn pause(&self, attempt: u32) -> impl Future<Output = ()> + Send;

    /// Whether there is time for another transaction.
    fn has_time(&self) -> bool;
}

/// The result of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, or was before.
    Stored,
    /// Conflicts with other imports did not end. The change may be repeated.
    Contended,
    /// The account belongs to a division that the import may not change. Nothing was written.
    Forbidden,
    /// Time ran out before. Nothing of the change is visible; it must be repeated.
    NotReached,
}

/// The result of an import.
#[derive(Debug)]
pub struct Report<E> {
    /// One outcome per change.
    pub outcomes: Vec<Outcome>,
    /// The addresses in the changes that were erased: contacts with these are planned without address and name.
    pub erased: HashSet<Address>,
    /// Accounts that a change puts into another division, with the division in which each was stored.
    pub moved_from: HashMap<AccountId, DivisionId>,
    /// Why the import ended early, unless time ran out.
    pub error: Option<E>,
}

/// Makes `changes` in their order; one account may have several. An account stored in a division outside of `reach` is
/// not changed; accounts that the changes put must be within it.
pub async fn run<T: Table>(table: &T, changes: &[Change], reach: &Divisions) -> Report<T::Error> {
    let mut run = Run::new(table, changes, reach);
    let error = run.all().await.err();
    Report { outcomes: run.outcomes, erased: run.snapshot.erased, moved_from: run.moved_from, error }
}

/// Removes an address, and the contact's name, from these accounts. The address must be marked as erased, so that it
/// gets no new recipient. [`Outcome::Stored`] once no account has it and none is under change.
pub async fn forget<T: Table>(table: &T, address: &Address, accounts: &[AccountId]) -> Result<Outcome, T::Error> {
    for attempt in 1..=TRIES {
        if !table.has_time() {
            return Ok(Outcome::NotReached);
        }
        if attempt > 1 {
            table.pause(attempt).await;
        }
        let placeholders: Vec<_> = accounts.iter().cloned().map(Change::delete).collect();
        let found = table.read(&placeholders).await?;
        let unsettled = accounts.iter().filter(|account| found.is_unsettled(account));
        let mut settled = true;
        for account in unsettled {
            settled = false;
            settle(table, account).await?;
        }
        if !settled {
            continue;
        }
        let changes: Vec<_> = accounts.iter().filter_map(|account| found.forgetting(account, address)).collect();
        if changes.is_empty() {
            return Ok(Outcome::Stored);
        }
        let mut run = Run::new(table, &changes, &Divisions::Every);
        let version =
            |change: &Change| Some((change.account_id.clone(), found.accounts.get(&change.account_id)?.version));
        run.as_read = changes.iter().filter_map(version).collect();
        run.all().await?;
    }
    Ok(Outcome::Contended)
}

/// Settles an account as it is in force, after a change in steps ended early. An import still working on it fails on
/// the version.
pub async fn settle<T: Table>(table: &T, account: &AccountId) -> Result<Outcome, T::Error> {
    Run::new(table, &[], &Divisions::Every).settle(account).await
}

struct Run<'a, T> {
    table: &'a T,
    /// The changes as requested.
    asked: &'a [Change],
    /// The changes to make, without erased contacts.
    changes: Vec<Change>,
    /// Versions of accounts that the changes were derived from. An account with another version is not changed.
    as_read: HashMap<AccountId, u64>,
    reach: &'a Divisions,
    snapshot: Snapshot,
    moved_from: HashMap<AccountId, DivisionId>,
    outcomes: Vec<Outcome>,
    /// Indexes of the changes still to be made.
    queue: VecDeque<usize>,
}

/// The result of a stage's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Done,
    /// The account no longer has the announced version.
    Superseded,
    NoTime,
}

impl<'a, T: Table> Run<'a, T> {
    fn new(table: &'a T, changes: &'a [Change], reach: &'a Divisions) -> Self {
        Self {
            table,
            asked: changes,
            changes: changes.to_vec(),
            as_read: HashMap::new(),
            reach,
            snapshot: Snapshot::default(),
            moved_from: HashMap::new(),
            outcomes: vec![Outcome::NotReached; changes.len()],
            queue: (0..changes.len()).collect(),
        }
    }

    async fn all(&mut self) -> Result<(), T::Error> {
        self.snapshot = self.table.read(self.asked).await?;
        self.leave_out_erased();
        self.moved_from = self.asked.iter().filter_map(|change| self.moves(change)).collect();
        let mut refusals = 0;
        while !self.queue.is_empty() && self.table.has_time() {
            let (batch, members) = self.next_batch();
            if members.is_empty() {
                if let Some(place) = self.queue.pop_front() {
                    self.in_steps(place).await?;
                }
                continue;
            }
            if self.write(batch).await? {
                members.iter().for_each(|&place| self.outcomes[place] = Outcome::Stored);
                refusals = 0;
                continue;
            }
            refusals += 1;
            if refusals == TRIES {
                members.iter().for_each(|&place| self.outcomes[place] = Outcome::Contended);
                refusals = 0;
            } else {
                members.iter().rev().for_each(|&place| self.queue.push_front(place));
                self.table.pause(refusals).await;
            }
            let refused: Vec<_> = members.iter().map(|&place| self.asked[place].clone()).collect();
            self.renew_all(&refused).await?;
            self.leave_out_erased();
        }
        Ok(())
    }

    /// Takes the changes for one transaction from the queue. Empty if the first must be made in steps, or nothing is
    /// left.
    fn next_batch(&mut self) -> (Batch, Vec<usize>) {
        let mut batch = Batch::new(T::TRANSACTION_ACTIONS);
        let mut members = Vec::new();
        while let Some(&place) = self.queue.front() {
            if self.is_forbidden(&self.changes[place]) {
                self.outcomes[place] = Outcome::Forbidden;
                self.queue.pop_front();
                continue;
            }
            if self.is_outdated(&self.changes[place]) {
                self.outcomes[place] = Outcome::Contended;
                self.queue.pop_front();
                continue;
            }
            match batch.add(&self.snapshot, &self.changes[place]) {
                Added::Yes => members.push(place),
                Added::Unchanged => self.outcomes[place] = Outcome::Stored,
                Added::Full | Added::InSteps => break,
            }
            self.queue.pop_front();
        }
        (batch, members)
    }

    /// The account of a change that puts it into another division, and the one in which it is stored.
    fn moves(&self, change: &Change) -> Option<(AccountId, DivisionId)> {
        let stored = &self.snapshot.accounts.get(&change.account_id)?.account.division;
        let moves = change.account.as_ref().is_some_and(|account| account.division != *stored);
        moves.then(|| (change.account_id.clone(), stored.clone()))
    }

    fn is_forbidden(&self, change: &Change) -> bool {
        let stored = self.snapshot.accounts.get(&change.account_id);
        stored.is_some_and(|stored| !self.reach.includes(&stored.account.division))
    }

    /// Whether the account has changed since the change was derived from it.
    fn is_outdated(&self, change: &Change) -> bool {
        let stored = self.snapshot.accounts.get(&change.account_id).map(|stored| stored.version);
        self.as_read.get(&change.account_id).is_some_and(|read| stored != Some(*read))
    }

    fn leave_out_erased(&mut self) {
        if !self.snapshot.erased.is_empty() {
            self.changes = self.asked.iter().map(|change| change.without(&self.snapshot.erased)).collect();
        }
    }

    /// Makes a change that fits into no transaction. It is stored as soon as it is in force; any later import or the
    /// sweep can do the rest.
    async fn in_steps(&mut self, place: usize) -> Result<(), T::Error> {
        for attempt in 1..=TRIES {
            if !self.is_time_for(attempt).await {
                return Ok(());
            }
            self.renew(&self.asked[place]).await?;
            self.leave_out_erased();
            let change = &self.changes[place].clone();
            if self.is_outdated(change) {
                self.outcomes[place] = Outcome::Contended;
                return Ok(());
            }
            if self.snapshot.is_settling(&change.account_id) {
                if self.snapshot.in_force(&change.account_id).as_ref() == Some(change) {
                    self.outcomes[place] = Outcome::Stored;
                }
                if self.settle(&change.account_id).await? != Outcome::Stored {
                    return Ok(());
                }
            }
            // Derived from the account as last read: the announcement is conditional on that version.
            if self.is_forbidden(change) {
                self.outcomes[place] = Outcome::Forbidden;
                return Ok(());
            }
            if self.snapshot.is_done(change) {
                self.outcomes[place] = Outcome::Stored;
                return Ok(());
            }
            let Some(version) = self.announce(change).await? else { continue };
            match self.all_of(change, version, Stage::LeaveOut).await? {
                Ended::Done => {}
                Ended::Superseded => continue,
                Ended::NoTime => return Ok(()),
            }
            let Some(write) = self.snapshot.coming_in_force(change) else { continue };
            if self.transact(vec![write]).await? {
                self.outcomes[place] = Outcome::Stored;
                self.settle_announced(change, version + 1).await?;
                return Ok(());
            }
        }
        self.outcomes[place] = Outcome::Contended;
        Ok(())
    }

    /// Settles an account, if it is not settled.
    async fn settle(&mut self, account: &AccountId) -> Result<Outcome, T::Error> {
        for attempt in 1..=TRIES {
            if !self.is_time_for(attempt).await {
                return Ok(Outcome::NotReached);
            }
            // Only the account's item knows its recipients.
            self.renew(&Change::delete(account.clone())).await?;
            let Some(change) = self.snapshot.in_force(account) else { return Ok(Outcome::Stored) };
            self.renew(&change).await?;
            if self.snapshot.in_force(account).as_ref() != Some(&change) {
                continue;
            }
            let Some(version) = self.announce(&change).await? else { continue };
            match self.settle_announced(&change, version).await? {
                Ended::Done => return Ok(Outcome::Stored),
                Ended::Superseded => {}
                Ended::NoTime => return Ok(Outcome::NotReached),
            }
        }
        Ok(Outcome::Contended)
    }

    /// Announces a change. Returns the version that its steps are conditional on; `None` if another import was faster.
    async fn announce(&mut self, change: &Change) -> Result<Option<u64>, T::Error> {
        let Some((announcement, version)) = self.snapshot.announcement(change) else { return Ok(None) };
        if !self.table.transact(&announcement).await? {
            return Ok(None);
        }
        // Only data read from now on can't be changed by an earlier announcer.
        self.renew(change).await?;
        Ok(Some(version))
    }

    /// Settles an account that this run gave this version.
    async fn settle_announced(&mut self, change: &Change, version: u64) -> Result<Ended, T::Error> {
        match self.all_of(change, version, Stage::Settle).await? {
            Ended::Done => {}
            ended => return Ok(ended),
        }
        let mut last = vec![Write::ForgetChange(change.account_id.clone())];
        last.extend(self.snapshot.final_write(change));
        Ok(if self.transact(last).await? { Ended::Done } else { Ended::Superseded })
    }

    /// Applies one stage to all recipients, some in each transaction, as long as the account has this version.
    async fn all_of(&mut self, change: &Change, version: u64, stage: Stage) -> Result<Ended, T::Error> {
        for attempt in 1..=TRIES {
            if !self.snapshot.is_ours(change, version, stage) {
                break;
            }
            loop {
                let Some(batch) = Batch::next_in_steps(T::TRANSACTION_ACTIONS, &self.snapshot, change, stage) else {
                    return Ok(Ended::Done);
                };
                if !self.table.has_time() {
                    return Ok(Ended::NoTime);
                }
                if !self.write(batch).await? {
                    break;
                }
            }
            self.table.pause(attempt).await;
            self.renew(change).await?;
        }
        Ok(Ended::Superseded)
    }

    /// Waits before every try but the first; `false` if time does not allow it.
    async fn is_time_for(&self, attempt: u32) -> bool {
        if !self.table.has_time() {
            return false;
        }
        if attempt > 1 {
            self.table.pause(attempt).await;
        }
        true
    }

    async fn write(&mut self, batch: Batch) -> Result<bool, T::Error> {
        let wanted = batch.rows_needed(&self.snapshot);
        let rows = if wanted.is_empty() { HashMap::new() } else { self.table.first_links(&wanted).await? };
        let writes = batch.finish(&self.snapshot, &rows);
        self.transact(writes).await
    }

    async fn transact(&mut self, writes: Vec<Write>) -> Result<bool, T::Error> {
        let written = self.table.transact(&writes).await?;
        if written {
            self.snapshot.apply(writes);
        }
        Ok(written)
    }

    async fn renew(&mut self, change: &Change) -> Result<(), T::Error> {
        self.renew_all(std::slice::from_ref(change)).await
    }

    async fn renew_all(&mut self, changes: &[Change]) -> Result<(), T::Error> {
        let read = self.table.read(changes).await?;
        self.snapshot.renew(changes, read);
        Ok(())
    }
}
