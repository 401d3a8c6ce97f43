//! What was read of the table, and what a change means given that.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Address, Change, Phase, Step, StoredAccount, StoredRecipient, Write};
use crate::link::Link;
use crate::{AccountId, RecipientId};

/// Everything that is stored about some accounts and those whom they link. What is absent here is absent in the table.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Accounts.
    pub accounts: HashMap<AccountId, StoredAccount>,
    /// Recipients of addresses.
    pub addresses: HashMap<Address, RecipientId>,
    /// Ids for the addresses that have no recipient yet.
    pub reserved: HashMap<Address, RecipientId>,
    /// Recipients.
    pub recipients: HashMap<RecipientId, StoredRecipient>,
    /// Link rows.
    pub links: HashMap<(RecipientId, AccountId), Link>,
    /// Version of an account that is new, higher than any account had before: one that is deleted and posted again must
    /// not be taken for the one that was there. Milliseconds since 1970 are, since no account changes that often.
    pub first_version: u64,
}

impl Snapshot {
    /// Whether what the change asks for is stored already.
    pub(super) fn is_done(&self, change: &Change) -> bool {
        match (self.accounts.get(&change.account_id), &change.account) {
            (Some(stored), Some(wanted)) => stored.phase == Phase::Settled && stored.account == *wanted,
            (None, None) => true,
            _ => false,
        }
    }

    /// The changes whose recipients and links have to be read, given that the accounts have been: all changes of those
    /// accounts that are not yet as all of them ask for.
    pub fn to_do<'a>(&self, changes: &'a [Change]) -> Vec<&'a Change> {
        let undone = changes.iter().filter(|change| !self.is_done(change));
        let accounts: HashSet<_> = undone.map(|change| &change.account_id).collect();
        changes.iter().filter(|change| accounts.contains(&change.account_id)).collect()
    }

    /// Whether an earlier change of this account ended before it was done.
    pub(super) fn is_unsettled(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|stored| stored.phase != Phase::Settled)
    }

    /// What the change means for each recipient. Recipients for whom nothing changes are left out.
    pub(super) fn steps(&self, change: &Change) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut linked = BTreeSet::new();
        if let Some(account) = &change.account {
            for (email, on_account) in account.links() {
                let address = Address { division: account.division.clone(), email };
                let recipient_id = self.recipient_of(&address);
                linked.insert(recipient_id);
                steps.push(Step {
                    recipient_id,
                    new: (!self.recipients.contains_key(&recipient_id)).then_some(address),
                    before: self.link(recipient_id, &change.account_id),
                    after: Some(on_account.link),
                    status: Some(on_account.status),
                });
            }
        }
        let listed = self.accounts.get(&change.account_id).map(|stored| &stored.recipients);
        for &recipient_id in listed.into_iter().flatten().filter(|id| !linked.contains(id)) {
            let before = self.link(recipient_id, &change.account_id);
            steps.push(Step { recipient_id, new: None, before, after: None, status: None });
        }
        steps.retain(|step| step.before != step.after || self.moves_status(step));
        steps
    }

    fn moves_status(&self, step: &Step) -> bool {
        let stored = self.recipients.get(&step.recipient_id).map(|stored| stored.recipient.status);
        step.status.is_some_and(|imported| stored.is_none_or(|stored| stored.merged_with(imported) != stored))
    }

    fn link(&self, recipient: RecipientId, account: &AccountId) -> Option<Link> {
        self.links.get(&(recipient, account.clone())).cloned()
    }

    fn recipient_of(&self, address: &Address) -> RecipientId {
        let known = self.addresses.get(address).or_else(|| self.reserved.get(address));
        *known.expect("whoever reads a snapshot reserves an id for every address that has none")
    }

    /// The write that ends a change: the account as it is to be, or its deletion.
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

    /// The write that announces a change in steps: the account as it was, or as it is to be if it is new, under a new
    /// version, with the recipients listed that it links, has linked, or is to link. With it, that version.
    pub(super) fn announcement(&self, change: &Change) -> Option<(Write, u64)> {
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
        if let Some(Write::PutAccount(wanted, _)) = self.final_write(change) {
            announced.recipients.extend(wanted.recipients);
        }
        announced.version += 1;
        let version = announced.version;
        Some((Write::PutAccount(Box::new(announced), stored.map(|stored| stored.version)), version))
    }

    /// Whether the account still is what was announced under this version, and the announcement lists everybody whom the
    /// change links.
    pub(super) fn is_announced(&self, change: &Change, version: u64) -> bool {
        self.accounts.get(&change.account_id).is_some_and(|stored| {
            let listed = |step: &Step| stored.recipients.contains(&step.recipient_id);
            stored.version == version && self.steps(change).iter().all(listed)
        })
    }

    /// Takes note that these writes have been made.
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
                Write::CheckAccount(..) | Write::Tell(..) => {}
                Write::PutAddress(address, recipient) => {
                    self.addresses.insert(address, recipient);
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

    /// Replaces what is known about the accounts of `changes`, and those whom they link, by what was read since. Ids that are
    /// reserved stay reserved: an announcement may list them.
    pub(super) fn renew(&mut self, changes: &[Change], read: Self) {
        for change in changes {
            self.accounts.remove(&change.account_id);
            self.links.retain(|(_, account), _| *account != change.account_id);
        }
        self.first_version = self.first_version.max(read.first_version);
        self.accounts.extend(read.accounts);
        self.addresses.extend(read.addresses);
        for (address, id) in read.reserved {
            self.reserved.entry(address).or_insert(id);
        }
        self.recipients.extend(read.recipients);
        self.links.extend(read.links);
    }
}
