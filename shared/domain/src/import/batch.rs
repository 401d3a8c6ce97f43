//! One transaction of an import.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Address, Change, Linked, Snapshot, Step, StoredRecipient, Write};
use crate::link::Link;
use crate::recipient::Links;
use crate::recipient::links::Relink;
use crate::{AccountId, PortalStatus, Recipient, RecipientId};

/// Most bytes that are planned into one transaction. DynamoDB's limit is 4 MB; what is counted here is approximate.
const BYTES: usize = 2_000_000;

/// Bytes of a recipient's item besides its links.
const RECIPIENT_BYTES: usize = 1_000;

/// What became of adding a change to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is in the batch.
    Yes,
    /// There is nothing to write for it.
    Unchanged,
    /// It must wait for the next batch.
    Full,
    /// It fits into no batch, or an earlier change of the account is not finished: it is to be made in steps.
    InSteps,
}

/// One transaction that is being planned from a [`Snapshot`]: all of it is written, or nothing.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Most actions of the transaction.
    limit: usize,
    accounts: HashSet<AccountId>,
    writes: Vec<Write>,
    touched: BTreeMap<RecipientId, Touched>,
    cost: Cost,
}

/// A recipient whose links change.
#[derive(Clone, Debug, Default)]
struct Touched {
    new: Option<Address>,
    changes: BTreeMap<AccountId, Relink>,
    status: Option<PortalStatus>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cost {
    actions: usize,
    bytes: usize,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self { actions: self.actions + other.actions, bytes: self.bytes + other.bytes }
    }

    fn fits(self, limit: usize) -> bool {
        self.actions <= limit && self.bytes <= BYTES
    }
}

impl Batch {
    /// A transaction of at most `limit` actions.
    pub(super) fn new(limit: usize) -> Self {
        let (accounts, writes, touched) = (HashSet::new(), Vec::new(), BTreeMap::new());
        Self { limit, accounts, writes, touched, cost: Cost::default() }
    }

    /// Adds a whole change, if there is room for it.
    pub(super) fn add(&mut self, snapshot: &Snapshot, change: &Change) -> Added {
        if self.accounts.contains(&change.account_id) {
            return Added::Full;
        }
        if snapshot.is_done(change) {
            return Added::Unchanged;
        }
        if snapshot.is_unsettled(&change.account_id) {
            return Added::InSteps;
        }
        let Some(own) = snapshot.final_write(change) else { return Added::Unchanged };
        let steps = snapshot.steps(change);
        if !Self::new(self.limit).cost_of(Some(&own), &steps, snapshot).fits(self.limit) {
            return Added::InSteps;
        }
        let cost = self.cost.plus(self.cost_of(Some(&own), &steps, snapshot));
        if !cost.fits(self.limit) {
            return Added::Full;
        }
        self.cost = cost;
        self.accounts.insert(change.account_id.clone());
        self.writes.push(own);
        steps.into_iter().for_each(|step| self.take(&change.account_id, step));
        Added::Yes
    }

    /// The next batch, of at most `limit` actions, of a change that was announced: as many links as fit, or the final write when all are as they should
    /// be. `None` when the change is done.
    pub(super) fn next_in_steps(limit: usize, snapshot: &Snapshot, change: &Change) -> Option<Self> {
        let announced = snapshot.accounts.get(&change.account_id)?;
        let steps = snapshot.steps(change);
        let mut batch = Self::new(limit);
        if steps.is_empty() {
            batch.writes.extend((!snapshot.is_done(change)).then(|| snapshot.final_write(change)).flatten());
            return (!batch.writes.is_empty()).then_some(batch);
        }
        let check = Write::CheckAccount(change.account_id.clone(), announced.version);
        batch.cost = batch.cost_of(Some(&check), &[], snapshot);
        batch.writes.push(check);
        for step in steps {
            let cost = batch.cost.plus(batch.cost_of(None, std::slice::from_ref(&step), snapshot));
            if !cost.fits(limit) {
                break;
            }
            batch.cost = cost;
            batch.take(&change.account_id, step);
        }
        Some(batch)
    }

    /// The recipients of whom [`Batch::finish`] needs to see the first link rows, and how many. Read them consistently, now:
    /// after the snapshot.
    pub(super) fn rows_needed(&self, snapshot: &Snapshot) -> Vec<(RecipientId, usize)> {
        let needed = |(id, touched): (&RecipientId, &Touched)| {
            let stored = snapshot.recipients.get(id)?;
            Some((*id, stored.recipient.links.rows_needed(&touched.changes)?))
        };
        self.touched.iter().filter_map(needed).collect()
    }

    /// The actions of the transaction, no more than it can hold. `rows` holds the link rows that were asked for.
    pub(super) fn finish(self, snapshot: &Snapshot, rows: &HashMap<RecipientId, Vec<Link>>) -> Vec<Write> {
        let mut writes = self.writes;
        for (id, touched) in self.touched {
            let rows = rows.get(&id).map(Vec::as_slice);
            match (snapshot.recipients.get(&id), touched.new) {
                (Some(stored), _) => {
                    let recipient = &stored.recipient;
                    let status = touched.status.map_or(recipient.status, |status| recipient.status.merged_with(status));
                    let links = recipient.links.relinked(&touched.changes, rows);
                    writes.extend(told(recipient, &links));
                    let recipient = Recipient { status, links, ..recipient.clone() };
                    let next = StoredRecipient { recipient, version: stored.version + 1 };
                    writes.push(Write::UpdateRecipient(Box::new(next), stored.version));
                }
                (None, Some(address)) => {
                    let recipient = created(id, &address, touched.status, &touched.changes);
                    writes.push(Write::PutAddress(address, id));
                    writes.push(Write::PutRecipient(Box::new(StoredRecipient { recipient, version: 1 })));
                }
                // Listed by an announcement that came to nothing: it never existed, so there is nothing to unlink.
                (None, None) => {}
            }
            writes.extend(touched.changes.into_iter().filter_map(|(account, change)| match change.after {
                Some(after) if change.before.as_ref() != Some(&after) => Some(Write::PutLink(id, after)),
                None if change.before.is_some() => Some(Write::DeleteLink(id, account)),
                _ => None,
            }));
        }
        writes
    }

    fn take(&mut self, account: &AccountId, step: Step) {
        let touched = self.touched.entry(step.recipient_id).or_default();
        touched.new = touched.new.take().or(step.new);
        touched.status = touched.status.max(step.status);
        touched.changes.insert(account.clone(), Relink { before: step.before, after: step.after });
    }

    /// What an account's own write and its steps add to this batch.
    fn cost_of(&self, own: Option<&Write>, steps: &[Step], snapshot: &Snapshot) -> Cost {
        let mut cost = Cost::default();
        if let Some(own) = own {
            cost = cost.plus(Cost { actions: 1, bytes: account_bytes(own) });
        }
        for step in steps {
            let link_bytes = step.after.as_ref().map_or(0, Link::stored_bytes);
            // The link row; and what its profiles and names add to the recipient's item.
            cost = cost.plus(Cost { actions: usize::from(step.before != step.after), bytes: 2 * link_bytes });
            if !self.touched.contains_key(&step.recipient_id) {
                let stored = snapshot.recipients.get(&step.recipient_id);
                // What the portal may have to be told of who has accepted counts too.
                let accepted = stored.is_some_and(|stored| stored.recipient.status == PortalStatus::Accepted);
                let actions = if step.new.is_some() || accepted { 2 } else { 1 };
                let bytes = RECIPIENT_BYTES + stored.map_or(0, |stored| stored.recipient.links.stored_bytes());
                cost = cost.plus(Cost { actions, bytes });
            }
        }
        cost
    }
}

/// What the company's portal is told when somebody's links become these.
fn told(before: &Recipient, links: &Links) -> Option<Write> {
    let linked = match (before.links.account_count > 0, links.account_count > 0) {
        (true, false) => Linked::NoMore,
        (false, true) => Linked::Again,
        _ => return None,
    };
    let accepted = before.status == PortalStatus::Accepted;
    accepted.then(|| Write::Tell(before.recipient_id, before.division.clone(), linked))
}

fn created(
    recipient_id: RecipientId,
    address: &Address,
    status: Option<PortalStatus>,
    changes: &BTreeMap<AccountId, Relink>,
) -> Recipient {
    let links = Links::default().relinked(changes, None);
    let recipient =
        Recipient::never_invited(recipient_id, address.division.clone(), address.email.clone().into(), links);
    Recipient { status: status.unwrap_or(PortalStatus::NotSent), ..recipient }
}

fn account_bytes(write: &Write) -> usize {
    match write {
        Write::PutAccount(stored, _) => stored.account.stored_bytes() + 40 * stored.recipients.len(),
        _ => 0,
    }
}
