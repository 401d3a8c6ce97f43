//! A snapshot of the table, and the effect of a change given it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Address, Change, Phase, Stage, Step, StoredAccount, StoredRecipient, Write};
use crate::account::AddressOnAccount;
use crate::link::Link;
use crate::recipient::links::Relink;
use crate::{AccountId, PortalStatus, RecipientId};

/// Everything stored about some accounts and their recipients. What is absent here is absent in the table.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Accounts.
    pub accounts: HashMap<AccountId, StoredAccount>,
    /// Recipients of addresses.
    pub addresses: HashMap<Address, RecipientId>,
    /// Ids for the addresses that have no recipient yet.
    pub reserved: HashMap<Address, RecipientId>,
    /// Those of the addresses that were erased.
    pub erased: HashSet<Address>,
    /// Recipients.
    pub recipients: HashMap<RecipientId, StoredRecipient>,
    /// Link rows.
    pub links: HashMap<(RecipientId, AccountId), Link>,
    /// Version of a new account, higher than any earlier account's, so that an account deleted and posted again differs
    /// from the earlier one. Milliseconds since 1970 are high enough, because no account changes every millisecond.
    pub first_version: u64,
}

impl Snapshot {
    /// Whether the change is stored already.
    pub(super) fn is_done(&self, change: &Change) -> bool {
        match (self.accounts.get(&change.account_id), &change.account) {
            (Some(stored), Some(wanted)) => stored.phase == Phase::Settled && stored.account == *wanted,
            (None, None) => true,
            _ => false,
        }
    }

    /// The changes whose recipients and links have to be read, after the accounts: all changes of accounts that do not
    /// yet agree with every one of them.
    pub fn to_do<'a>(&self, changes: &'a [Change]) -> Vec<&'a Change> {
        let undone = changes.iter().filter(|change| !self.is_done(change));
        let accounts: HashSet<_> = undone.map(|change| &change.account_id).collect();
        changes.iter().filter(|change| accounts.contains(&change.account_id)).collect()
    }

    /// Whether an earlier change of this account is unfinished.
    pub(super) fn is_unsettled(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|stored| stored.phase != Phase::Settled)
    }

    /// Whether an earlier change of this account is in force, and not settled.
    pub(super) fn is_settling(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|stored| stored.phase == Phase::Settling)
    }

    /// The step for each recipient that needs one.
    pub(super) fn steps(&self, change: &Change, stage: Stage) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut linked = BTreeSet::new();
        if let Some(account) = &change.account {
            for (email, on_account) in account.links() {
                let address = Address { division: account.division.clone(), email };
                let recipient_id = self.recipient_of(&address);
                linked.insert(recipient_id);
                let new = (!self.recipients.contains_key(&recipient_id)).then_some(address);
                steps.extend(self.step(&change.account_id, stage, recipient_id, new, Some(on_account)));
            }
        }
        let listed = self.accounts.get(&change.account_id).map(|stored| &stored.recipients);
        let others = listed.into_iter().flatten().filter(|id| !linked.contains(id));
        steps.extend(others.filter_map(|&id| self.step(&change.account_id, stage, id, None, None)));
        steps
    }

    /// The step for one recipient, given the account's link to it; `None` if nothing is left to do.
    fn step(
        &self,
        account: &AccountId,
        stage: Stage,
        recipient_id: RecipientId,
        new: Option<Address>,
        given: Option<AddressOnAccount>,
    ) -> Option<Step> {
        let stored = self.recipients.get(&recipient_id);
        let is_left_out = stored.is_some_and(|stored| stored.recipient.links.changing.accounts.contains(account));
        let before = self.links.get(&(recipient_id, account.clone())).cloned();
        let (after, status) = given.map_or((None, None), |given| (Some(given.link), Some(given.status)));
        // An account that never came in force moves no status.
        let is_taken_back =
            stage == Stage::Settle && self.accounts.get(account).is_none_or(|stored| stored.phase != Phase::Settling);
        let status = status.filter(|_| !is_taken_back);
        let differs = before != after || self.moves_status(recipient_id, status);
        if stage == Stage::LeaveOut {
            let relink = Relink { before, after: None };
            let step = Step { recipient_id, new, relink, left_out: true, row: None, status: None };
            return (differs && !is_left_out).then_some(step);
        }
        let row = match (&before, &after) {
            (before, Some(link)) if before.as_ref() != Some(link) => Some(Write::PutLink(recipient_id, link.clone())),
            (Some(_), None) => Some(Write::DeleteLink(recipient_id, account.clone())),
            _ => None,
        };
        let relink = Relink { before: before.filter(|_| !is_left_out), after };
        (differs || is_left_out).then_some(Step { recipient_id, new, relink, left_out: false, row, status })
    }

    fn moves_status(&self, recipient: RecipientId, status: Option<PortalStatus>) -> bool {
        let stored = self.recipients.get(&recipient).map(|stored| stored.recipient.status);
        status.is_some_and(|imported| stored.is_none_or(|stored| stored.merged_with(imported) != stored))
    }

    fn recipient_of(&self, address: &Address) -> RecipientId {
        let known = self.addresses.get(address).or_else(|| self.reserved.get(address));
        *known.expect("whoever reads a snapshot reserves an id for every address that has none")
    }

    /// The write that ends a change: the account's new form, or its deletion.
    pub(super) fn final_write(&self, change: &Change) -> Option<Write> {
        let stored = self.accounts.get(&change.account_id);
        let expected = stored.map(|stored| stored.version);
        match &change.account {
            Some(account) => {
                let recipients = account
                    .links()
                    .into_keys()
                    .map(|email| self.recipient_of(&Address { division: account.division.clone(), email }));
                let account = StoredAccount {
                    account: account.clone(),
                    version: expected.map_or(self.first_version, |version| version + 1),
                    recipients: recipients.collect(),
                    phase: Phase::Settled,
                };
                Some(Write::PutAccount(Box::new(account), expected))
            }
            None => expected.map(|version| Write::DeleteAccount(change.account_id.clone(), version)),
        }
    }

    /// The change that completes an unfinished earlier one and leaves the account as it is in force. `None` if there is
    /// nothing to do.
    pub(super) fn in_force(&self, account: &AccountId) -> Option<Change> {
        let stored = self.accounts.get(account).filter(|stored| stored.phase != Phase::Settled)?;
        let account = (stored.phase != Phase::Arriving).then(|| stored.account.clone());
        Some(Change { account_id: stored.account.account_id.clone(), account })
    }

    /// The change that removes an address and its contact's name from an account; `None` if the account doesn't have
    /// it.
    pub(super) fn forgetting(&self, account: &AccountId, address: &Address) -> Option<Change> {
        let stored = self.accounts.get(account)?;
        let change = Change::put(stored.account.clone());
        let forgotten = change.without(&HashSet::from([address.clone()]));
        (forgotten != change).then_some(forgotten)
    }

    /// The writes that announce a change in steps, and the new version: the account unchanged (or in its new form if it
    /// is new) under that version, with a list of the recipients that it links, has linked or will link.
    pub(super) fn announcement(&self, change: &Change) -> Option<(Vec<Write>, u64)> {
        let stored = self.accounts.get(&change.account_id);
        let mut announced = match (stored, &change.account) {
            (Some(stored), _) => stored.clone(),
            (None, Some(account)) => StoredAccount {
                account: account.clone(),
                version: self.first_version,
                recipients: BTreeSet::new(),
                phase: Phase::Arriving,
            },
            (None, None) => return None,
        };
        if announced.phase == Phase::Settled {
            announced.phase = Phase::Changing;
        }
        let wanted = change.account.as_ref().map(|account| &account.division);
        let divisions = wanted.into_iter().chain([&announced.account.division]).cloned().collect();
        let note = Write::NoteChange(change.account_id.clone(), divisions);
        if let Some(Write::PutAccount(wanted, _)) = self.final_write(change) {
            announced.recipients.extend(wanted.recipients);
        }
        announced.version += 1;
        let version = announced.version;
        Some((vec![Write::PutAccount(Box::new(announced), stored.map(|stored| stored.version)), note], version))
    }

    /// The write that puts an announced change in force.
    pub(super) fn coming_in_force(&self, change: &Change) -> Option<Write> {
        let announced = self.accounts.get(&change.account_id)?;
        let (account, phase) = match &change.account {
            Some(account) => (account.clone(), Phase::Settling),
            None => (announced.account.clone(), Phase::Arriving),
        };
        let recipients = announced.recipients.clone();
        let account = StoredAccount { account, version: announced.version + 1, recipients, phase };
        Some(Write::PutAccount(Box::new(account), Some(announced.version)))
    }

    /// Whether the account still has this version, and lists every recipient that needs a step.
    pub(super) fn is_ours(&self, change: &Change, version: u64, stage: Stage) -> bool {
        self.accounts.get(&change.account_id).is_some_and(|stored| {
            let listed = |step: &Step| stored.recipients.contains(&step.recipient_id);
            // A contact erased meanwhile must not be linked. An account in force that still has them is settled first.
            let erased = stage == Stage::LeaveOut && change.addresses().any(|address| self.erased.contains(&address));
            !erased && stored.version == version && self.steps(change, stage).iter().all(listed)
        })
    }

    /// Applies writes that were made to the snapshot.
    pub(super) fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::PutAccount(account, _) => {
                    self.accounts.insert(account.account.account_id.clone(), *account);
                }
                Write::DeleteAccount(account, version) => {
                    self.accounts.remove(&account);
                    self.first_version = self.first_version.max(version + 1);
                }
                Write::CheckAccount(..)
                | Write::CheckNotErased(..)
                | Write::NoteChange(..)
                | Write::ForgetChange(..)
                | Write::Tell(..) => {}
                Write::PutAddress(address, recipient) => {
                    self.addresses.insert(address, recipient);
                }
                Write::DeleteAddress(division, email) => {
                    let is_it = |address: &Address| address.division == division && address.email.as_str() == email;
                    let gone: Vec<_> = self.addresses.extract_if(|address, _| is_it(address)).collect();
                    self.reserved.extend(gone);
                }
                Write::DeleteRecipient(recipient, _) => {
                    self.recipients.remove(&recipient);
                }
                Write::PutRecipient(stored) | Write::UpdateRecipient(stored, _) => {
                    self.recipients.insert(stored.recipient.recipient_id, *stored);
                }
                Write::PutLink(recipient, link) => {
                    self.links.insert((recipient, link.account_id.clone()), link);
                }
                Write::DeleteLink(recipient, account) => {
                    self.links.remove(&(recipient, account));
                }
            }
        }
    }

    /// Replaces the data of the accounts of `changes` and their recipients by newer reads. Reserved ids stay reserved,
    /// because an announcement may list them.
    pub(super) fn renew(&mut self, changes: &[Change], read: Self) {
        for change in changes {
            self.accounts.remove(&change.account_id);
            self.links.retain(|(_, account), _| *account != change.account_id);
        }
        self.first_version = self.first_version.max(read.first_version);
        // A recipient that was read and not found is deleted. Recipients of accounts that need no change were not read.
        let to_do = read.to_do(changes).into_iter().filter_map(|change| read.accounts.get(&change.account_id));
        let looked_for = to_do.flat_map(|stored| &stored.recipients).chain(read.addresses.values());
        for gone in looked_for.filter(|id| !read.recipients.contains_key(id)) {
            self.recipients.remove(gone);
        }
        for address in read.reserved.keys() {
            self.addresses.remove(address);
        }
        self.erased.extend(read.erased);
        self.accounts.extend(read.accounts);
        self.addresses.extend(read.addresses);
        for (address, id) in read.reserved {
            self.reserved.entry(address).or_insert(id);
        }
        self.recipients.extend(read.recipients);
        self.links.extend(read.links);
    }
}
