//! One transaction of an import.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Address, Change, Linked, Snapshot, Stage, Step, StoredRecipient, Write};
use crate::link::Link;
use crate::recipient::Links;
use crate::recipient::links::{Known, Relink};
use crate::{AccountId, PortalStatus, Recipient, RecipientId};

/// Most bytes that are planned into one transaction. DynamoDB's limit is 4 MB; the count here is approximate.
const BYTES: usize = 2_000_000;

/// Bytes of a recipient's item besides its links.
const RECIPIENT_BYTES: usize = 1_000;

/// The result of adding a change to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is in the batch.
    Yes,
    /// There is nothing to write for it.
    Unchanged,
    /// It must wait for the next batch.
    Full,
    /// It fits into no batch, or an earlier change of the account is not finished: it must be made in steps.
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
    /// The accounts whose change is written to it here, and whether it names each as changing from now on.
    left_out: BTreeMap<AccountId, bool>,
    rows: Vec<Write>,
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
        let steps = snapshot.steps(change, Stage::Whole);
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

    /// The next batch of an announced change, with as many recipients as fit into `limit` actions. `None` when this
    /// stage is done.
    pub(super) fn next_in_steps(limit: usize, snapshot: &Snapshot, change: &Change, stage: Stage) -> Option<Self> {
        let announced = snapshot.accounts.get(&change.account_id)?;
        let steps = snapshot.steps(change, stage);
        if steps.is_empty() {
            return None;
        }
        let mut batch = Self::new(limit);
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

    /// The recipients whose first link rows [`Batch::finish`] needs, and how many. They must be read consistently,
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
            match (snapshot.recipients.get(&id), touched.new.clone()) {
                (Some(stored), _) => writes.extend(changed(stored, &touched, rows)),
                (None, Some(address)) => {
                    let recipient = created(id, &address, &touched);
                    writes.push(Write::CheckNotErased(address.clone()));
                    writes.push(Write::PutAddress(address, id));
                    writes.push(Write::PutRecipient(Box::new(StoredRecipient { recipient, version: 1 })));
                }
                // A recipient listed by an abandoned announcement never existed, so there is nothing to unlink.
                (None, None) => {}
            }
            writes.extend(touched.rows);
        }
        writes
    }

    fn take(&mut self, account: &AccountId, step: Step) {
        let touched = self.touched.entry(step.recipient_id).or_default();
        touched.new = touched.new.take().or(step.new);
        touched.status = touched.status.max(step.status);
        touched.rows.extend(step.row);
        touched.left_out.insert(account.clone(), step.left_out);
        touched.changes.insert(account.clone(), step.relink);
    }

    /// The actions that an account's own write and its steps add to this batch.
    fn cost_of(&self, own: Option<&Write>, steps: &[Step], snapshot: &Snapshot) -> Cost {
        let mut cost = Cost::default();
        if let Some(own) = own {
            cost = cost.plus(Cost { actions: 1, bytes: account_bytes(own) });
        }
        for step in steps {
            let link_bytes = step.relink.after.as_ref().map_or(0, Link::stored_bytes);
            // The link row; and what its profiles and names add to the recipient's item.
            cost = cost.plus(Cost { actions: usize::from(step.row.is_some()), bytes: 2 * link_bytes });
            if !self.touched.contains_key(&step.recipient_id) {
                let stored = snapshot.recipients.get(&step.recipient_id);
                // A possible event for the portal about an accepted recipient counts too, and the address row that is
                // deleted with a recipient.
                let more = stored.is_some_and(|StoredRecipient { recipient, .. }| {
                    let may_go = recipient.links.known() == Known::New && step.relink.after.is_none();
                    recipient.status == PortalStatus::Accepted || may_go
                });
                let actions = if step.new.is_some() { 3 } else { 1 + usize::from(more) };
                let bytes = RECIPIENT_BYTES + stored.map_or(0, |stored| stored.recipient.links.stored_bytes());
                cost = cost.plus(Cost { actions, bytes });
            }
        }
        cost
    }
}

/// The new state of an existing recipient.
fn changed(stored: &StoredRecipient, touched: &Touched, rows: Option<&[Link]>) -> Vec<Write> {
    let recipient = &stored.recipient;
    let mut left_out = recipient.links.changing.accounts.clone();
    for (account, is_left_out) in &touched.left_out {
        if *is_left_out {
            left_out.insert(account.clone());
        } else {
            left_out.remove(account);
        }
    }
    let links = recipient.links.relinked(&touched.changes, rows).leaving_out(left_out);
    if recipient.links.known() == Known::New && links.known() == Known::Unlinked && recipient.is_untouched() {
        return vec![
            Write::DeleteRecipient(recipient.recipient_id, stored.version),
            Write::DeleteAddress(recipient.division.clone(), recipient.email.clone()),
        ];
    }
    let mut writes = Vec::from_iter(told(recipient, &links));
    let status = touched.status.map_or(recipient.status, |status| recipient.status.merged_with(status));
    let next = Recipient { status, links, ..recipient.clone() };
    writes.push(Write::UpdateRecipient(
        Box::new(StoredRecipient { recipient: next, version: stored.version + 1 }),
        stored.version,
    ));
    writes
}

/// The event for the company's portal when a recipient's links become these.
fn told(before: &Recipient, links: &Links) -> Option<Write> {
    let linked = match (before.links.known() == Known::Linked, links.known() == Known::Linked) {
        (true, false) => Linked::NoMore,
        (false, true) => Linked::Again,
        _ => return None,
    };
    let accepted = before.status == PortalStatus::Accepted;
    accepted.then(|| Write::Tell(before.recipient_id, before.division.clone(), linked))
}

fn created(recipient_id: RecipientId, address: &Address, touched: &Touched) -> Recipient {
    let left_out = touched.left_out.iter().filter(|(_, is_left_out)| **is_left_out).map(|(account, _)| account.clone());
    let left_out: BTreeSet<_> = left_out.collect();
    let links = Links::of_new(left_out.clone()).relinked(&touched.changes, None).leaving_out(left_out);
    let recipient =
        Recipient::never_invited(recipient_id, address.division.clone(), address.email.clone().into(), links);
    Recipient { status: touched.status.unwrap_or(PortalStatus::NotSent), ..recipient }
}

fn account_bytes(write: &Write) -> usize {
    match write {
        Write::PutAccount(stored, _) => stored.account.stored_bytes() + 40 * stored.recipients.len(),
        _ => 0,
    }
}
