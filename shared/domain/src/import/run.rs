//! Running an import: read, plan, write, and when something changed meanwhile, read and plan anew.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use super::{Added, Batch, Change, Snapshot, Write};
use crate::RecipientId;
use crate::link::Link;
use crate::permission::Divisions;

/// How often a transaction is planned before its accounts are given up, if there is time for so many. Each time that it is
/// refused somebody else has come further, so that it needs as many as there are others who write to the same recipients.
const TRIES: u32 = 60;

/// The table, as an import uses it.
pub trait Table: Sync {
    /// Why a call failed.
    type Error: Send;

    /// Most actions that one transaction holds, at least 4: a condition on an account, and a new recipient with address and
    /// link.
    const TRANSACTION_ACTIONS: usize;

    /// Reads all that a [`Snapshot`] of these accounts holds, consistently: the accounts first, then those whom they link and
    /// their link rows. Reserves an id for every address that has no recipient.
    fn read(&self, changes: &[Change]) -> impl Future<Output = Result<Snapshot, Self::Error>> + Send;

    /// The first link rows of recipients in order of account, as many as are wanted, consistently.
    fn first_links(
        &self,
        wanted: &[(RecipientId, usize)],
    ) -> impl Future<Output = Result<HashMap<RecipientId, Vec<Link>>, Self::Error>> + Send;

    /// Writes all or nothing. Answers `false` when a condition failed.
    fn transact(&self, writes: &[Write]) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Waits a while before try number `attempt`, so that those who disturb each other come apart.
    fn pause(&self, attempt: u32) -> impl Future<Output = ()> + Send;

    /// Whether there is time for another transaction.
    fn has_time(&self) -> bool;
}

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, or was before.
    Stored,
    /// Others kept changing the same. It may be made again.
    Contended,
    /// The account belongs to a division that the import may not change. Nothing of it was changed.
    Forbidden,
    /// The import ended before. If it was a change in steps, a part of it may be stored; it is to be made again.
    NotReached,
}

/// What became of an import.
#[derive(Debug)]
pub struct Report<E> {
    /// One outcome per change.
    pub outcomes: Vec<Outcome>,
    /// Why the import ended early, if not for want of time.
    pub error: Option<E>,
}

/// Makes `changes` in their order; of one account there may be several. An account that is stored in a division beyond `reach` stays
/// as it is; those that the changes put have to be within it.
pub async fn run<T: Table>(table: &T, changes: &[Change], reach: &Divisions) -> Report<T::Error> {
    let mut run = Run {
        table,
        changes,
        reach,
        snapshot: Snapshot::default(),
        outcomes: vec![Outcome::NotReached; changes.len()],
        queue: (0..changes.len()).collect(),
    };
    let error = run.all().await.err();
    Report { outcomes: run.outcomes, error }
}

struct Run<'a, T> {
    table: &'a T,
    changes: &'a [Change],
    reach: &'a Divisions,
    snapshot: Snapshot,
    outcomes: Vec<Outcome>,
    /// Changes still to be made, by their place.
    queue: VecDeque<usize>,
}

impl<T: Table> Run<'_, T> {
    async fn all(&mut self) -> Result<(), T::Error> {
        self.snapshot = self.table.read(self.changes).await?;
        let mut refusals = 0;
        while !self.queue.is_empty() && self.table.has_time() {
            let (batch, members) = self.next_batch();
            if members.is_empty() {
                if let Some(place) = self.queue.pop_front() {
                    self.outcomes[place] = self.in_steps(&self.changes[place]).await?;
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
            let refused: Vec<_> = members.iter().map(|&place| self.changes[place].clone()).collect();
            self.renew(&refused).await?;
        }
        Ok(())
    }

    /// Takes from the queue what goes into one transaction. Empty when the first in the queue is to be made in steps, or
    /// nothing is left.
    fn next_batch(&mut self) -> (Batch, Vec<usize>) {
        let mut batch = Batch::new(T::TRANSACTION_ACTIONS);
        let mut members = Vec::new();
        while let Some(&place) = self.queue.front() {
            if self.is_forbidden(&self.changes[place]) {
                self.outcomes[place] = Outcome::Forbidden;
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

    fn is_forbidden(&self, change: &Change) -> bool {
        let stored = self.snapshot.accounts.get(&change.account_id);
        stored.is_some_and(|stored| !self.reach.includes(&stored.account.division))
    }

    /// Makes a change that fits into no transaction: announces it, changes its links, finishes it.
    async fn in_steps(&mut self, change: &Change) -> Result<Outcome, T::Error> {
        'announce: for attempt in 1..=TRIES {
            if attempt > 1 {
                if !self.table.has_time() {
                    return Ok(Outcome::NotReached);
                }
                self.table.pause(attempt).await;
            }
            self.renew(std::slice::from_ref(change)).await?;
            if self.is_forbidden(change) {
                return Ok(Outcome::Forbidden);
            }
            if self.snapshot.is_done(change) {
                return Ok(Outcome::Stored);
            }
            let Some((announcement, version)) = self.snapshot.announcement(change) else { return Ok(Outcome::Stored) };
            if !self.table.transact(&[announcement]).await? {
                continue;
            }
            // Only what is read from now on can't be changed by whoever announced before.
            self.renew(std::slice::from_ref(change)).await?;
            if !self.snapshot.is_announced(change, version) {
                continue;
            }
            while let Some(batch) = Batch::next_in_steps(T::TRANSACTION_ACTIONS, &self.snapshot, change) {
                if !self.table.has_time() {
                    return Ok(Outcome::NotReached);
                }
                if !self.write(batch).await? {
                    continue 'announce;
                }
            }
            return Ok(Outcome::Stored);
        }
        Ok(Outcome::Contended)
    }

    async fn write(&mut self, batch: Batch) -> Result<bool, T::Error> {
        let wanted = batch.rows_needed(&self.snapshot);
        let rows = if wanted.is_empty() { HashMap::new() } else { self.table.first_links(&wanted).await? };
        let writes = batch.finish(&self.snapshot, &rows);
        let written = self.table.transact(&writes).await?;
        if written {
            self.snapshot.apply(writes);
        }
        Ok(written)
    }

    async fn renew(&mut self, changes: &[Change]) -> Result<(), T::Error> {
        let read = self.table.read(changes).await?;
        self.snapshot.renew(changes, read);
        Ok(())
    }
}
