//! A recipient's summary of its links, and how it is updated when accounts are linked and unlinked.
//!
//! All links of a recipient would not fit on its item: one address may be on 20,000 accounts. So each link has a row of
//! its own, and the recipient's item has a summary, which is updated by differences. In two cases a difference is not
//! enough, and [`Links::rows_needed`] asks for the first link rows:
//!
//! - a named account is unlinked and there are accounts beyond the named ones: the next one in order takes its place;
//! - the profiles had overflowed, and at most [`NAMED_ACCOUNTS`] accounts are left: the profiles are counted anew. A
//!   recipient with more accounts stays overflowed, even if fewer profiles are left, and its link rows decide as
//!   before.
//!
//! An account that is being changed in steps ([`crate::import`]) is not in the summary. The recipient only names it,
//! and the account's item says whom it links. So one write of that item changes all its recipients at the same moment
//! (guarantee 12).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::{AccountId, LinkProfile};

/// How many accounts a list or an e-mail names; beyond that only the number is given.
pub const NAMED_ACCOUNTS: usize = 20;

/// Most bytes of link profiles on a recipient's item; beyond that `profilesOverflow` is set. DynamoDB's limit for an
/// item is 400 KB, and every send reads and writes the item.
pub const PROFILE_BYTES: usize = 32 * 1024;

/// An account that is named in lists and e-mails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAccount {
    /// The account.
    #[serde(rename = "id")]
    pub account_id: AccountId,
    /// The account's name, may be empty.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub account_name: String,
    /// The name of the recipient's first named contact on this account, may be empty.
    #[serde(rename = "c", default, skip_serializing_if = "String::is_empty")]
    pub contact_name: String,
}

impl From<&Link> for NamedAccount {
    fn from(link: &Link) -> Self {
        let names = link.contacts.iter().map(|contact| &contact.name);
        Self {
            account_id: link.account_id.clone(),
            account_name: link.account_name.clone(),
            contact_name: names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default(),
        }
    }
}

/// Summary of all links of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// The distinct link profiles with their number of contacts on accounts. `None` if they took more than
    /// [`PROFILE_BYTES`]: then the link rows decide.
    pub profiles: Option<BTreeMap<LinkProfile, u32>>,
    /// Number of distinct accounts.
    pub account_count: u32,
    /// The [`NAMED_ACCOUNTS`] accounts with the smallest ids, in order.
    pub accounts: Vec<NamedAccount>,
    /// The accounts that this summary leaves out.
    pub changing: Changing,
}

/// The accounts that a recipient's summary leaves out because they are being changed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Changing {
    /// The accounts. Only their items say whether they link the recipient.
    pub accounts: BTreeSet<AccountId>,
    /// The recipient's linkage when the first of these accounts began to change; meaningless if there are none.
    pub known: Known,
}

/// Whether a recipient is linked to an account in lists and for the company's portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Known {
    /// The recipient was created for an account that is not in force yet, and has never been linked.
    New,
    /// Linked to none.
    #[default]
    Unlinked,
    /// Linked to one at least.
    Linked,
}

impl Default for Links {
    /// Of a recipient without links.
    fn default() -> Self {
        Self { profiles: Some(BTreeMap::new()), account_count: 0, accounts: Vec::new(), changing: Changing::default() }
    }
}

/// A change of a recipient's link to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relink {
    /// The link before, as its row holds it.
    pub before: Option<Link>,
    /// The link after.
    pub after: Option<Link>,
}

impl Links {
    /// The summary of a new recipient, perhaps of an account under change.
    pub fn of_new(left_out: BTreeSet<AccountId>) -> Self {
        Self { changing: Changing { accounts: left_out, known: Known::New }, ..Self::default() }
    }

    /// Whether the recipient is linked in lists and for the company's portal. A recipient becomes unlinked only when no
    /// account under change may link them.
    pub fn known(&self) -> Known {
        match (self.account_count, self.changing.accounts.is_empty()) {
            (0, true) => Known::Unlinked,
            (0, false) => self.changing.known,
            _ => Known::Linked,
        }
    }

    /// The same summary with these accounts left out.
    #[must_use]
    pub fn leaving_out(self, accounts: BTreeSet<AccountId>) -> Self {
        let known = if accounts.is_empty() { Known::default() } else { self.changing.known };
        Self { changing: Changing { accounts, known }, ..self }
    }

    /// How many of the first link rows, in order of account, [`Links::relinked`] needs to see besides this summary.
    pub fn rows_needed(&self, changes: &BTreeMap<AccountId, Relink>) -> Option<usize> {
        let unlinks = |account: &AccountId| changes.get(account).is_some_and(|change| change.after.is_none());
        let named_is_unlinked = self.accounts.iter().any(|named| unlinks(&named.account_id));
        let unnamed = self.account_count as usize > self.accounts.len();
        let recount = self.profiles.is_none() && self.count_after(changes) as usize <= NAMED_ACCOUNTS;
        // As many rows as accounts are named, plus those that don't count and those that these changes may remove.
        let others = changes.len() + self.changing.accounts.len();
        (recount || named_is_unlinked && unnamed).then_some(NAMED_ACCOUNTS + others)
    }

    /// The summary after `changes`, one per account. `rows` are the first link rows as they were before, in order of
    /// account, when [`Links::rows_needed`] asked for them.
    #[must_use]
    pub fn relinked(&self, changes: &BTreeMap<AccountId, Relink>, rows: Option<&[Link]>) -> Self {
        let account_count = self.count_after(changes);
        let left_out = &self.changing.accounts;
        let stay = |account: &AccountId| !changes.contains_key(account) && !left_out.contains(account);
        let mut accounts: Vec<NamedAccount> = match rows {
            Some(rows) => rows.iter().filter(|row| stay(&row.account_id)).map(NamedAccount::from).collect(),
            None => self.accounts.iter().filter(|named| stay(&named.account_id)).cloned().collect(),
        };
        accounts.extend(changes.values().filter_map(|change| change.after.as_ref()).map(NamedAccount::from));
        accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        accounts.truncate(NAMED_ACCOUNTS);
        let profiles = match (&self.profiles, rows) {
            (Some(profiles), _) => Some(profiles.clone()).map(|mut profiles| {
                changes.values().for_each(|change| count(&mut profiles, change));
                profiles
            }),
            (None, Some(rows)) if account_count as usize <= NAMED_ACCOUNTS => {
                let staying = rows.iter().filter(|row| stay(&row.account_id));
                let linked = changes.values().filter_map(|change| change.after.as_ref());
                Some(counted(staying.chain(linked)))
            }
            (None, _) => None,
        };
        let linked = if account_count > 0 { Known::Linked } else { Known::New };
        let changing = Changing { accounts: left_out.clone(), known: self.known().max(linked) };
        let profiles = profiles.filter(|profiles| bytes(profiles) <= PROFILE_BYTES);
        Self { profiles, account_count, accounts, changing }
    }

    /// Approximate stored size in bytes.
    pub fn stored_bytes(&self) -> usize {
        let texts = |named: &NamedAccount| {
            named.account_id.as_str().len() + named.account_name.len() + named.contact_name.len() + 15
        };
        self.profiles.as_ref().map_or(0, bytes) + self.accounts.iter().map(texts).sum::<usize>()
    }

    fn count_after(&self, changes: &BTreeMap<AccountId, Relink>) -> u32 {
        changes.values().fold(self.account_count, |count, change| match (&change.before, &change.after) {
            (None, Some(_)) => count.saturating_add(1),
            (Some(_), None) => count.saturating_sub(1),
            _ => count,
        })
    }
}

fn counted<'a>(links: impl Iterator<Item = &'a Link>) -> BTreeMap<LinkProfile, u32> {
    let mut profiles = BTreeMap::new();
    for contact in links.flat_map(|link| &link.contacts) {
        *profiles.entry(contact.profile.clone()).or_default() += 1;
    }
    profiles
}

fn count(profiles: &mut BTreeMap<LinkProfile, u32>, change: &Relink) {
    for (profile, n) in counted(change.after.iter()) {
        *profiles.entry(profile).or_default() += n;
    }
    for (profile, n) in counted(change.before.iter()) {
        if let Some(count) = profiles.get_mut(&profile) {
            *count = count.saturating_sub(n);
        }
    }
    profiles.retain(|_, n| *n > 0);
}

/// Approximate size of the profiles in an item, by DynamoDB's documented sizes of maps and lists, rounded up.
fn bytes(profiles: &BTreeMap<LinkProfile, u32>) -> usize {
    let element = |text: &String| text.len() + 3;
    let profile = |profile: &LinkProfile| {
        let texts = [&profile.account_class, &profile.bill_group, &profile.account_source];
        let sources = profile.site_sources.iter().map(element).sum::<usize>();
        texts.into_iter().map(element).sum::<usize>() + sources + 30
    };
    profiles.keys().map(profile).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::link::LinkedContact;

    fn link(account: &str, classes: &[&str]) -> Link {
        let contact = |(i, class): (usize, &&str)| LinkedContact {
            contact_id: i.to_string(),
            name: if i == 0 { String::new() } else { format!("{account} {i}") },
            profile: LinkProfile {
                account_class: (*class).to_owned(),
                bill_group: "G".to_owned(),
                account_source: "S".to_owned(),
                site_sources: BTreeSet::new(),
                active_services: false,
                balance_due: false,
                automatic_payment: false,
                billing_contact: false,
            },
        };
        Link {
            account_id: AccountId::new(account),
            account_name: format!("Account {account}"),
            contacts: classes.iter().enumerate().map(contact).collect(),
        }
    }

    /// The link rows of one recipient, and the summary that follows them.
    #[derive(Default)]
    struct Rows {
        rows: BTreeMap<AccountId, Link>,
        links: Links,
    }

    impl Rows {
        fn set(&mut self, changes: Vec<(&str, Option<Link>)>) {
            let changes: BTreeMap<_, _> = changes
                .into_iter()
                .map(|(account, after)| (AccountId::new(account), after))
                .map(|(account, after)| (account.clone(), Relink { before: self.rows.get(&account).cloned(), after }))
                .collect();
            let needed = self.links.rows_needed(&changes);
            let rows: Option<Vec<_>> = needed.map(|limit| self.rows.values().take(limit).cloned().collect());
            self.links = self.links.relinked(&changes, rows.as_deref());
            for (account, change) in changes {
                match change.after {
                    Some(link) => self.rows.insert(account, link),
                    None => self.rows.remove(&account),
                };
            }
        }

        /// The summary computed from the rows.
        fn check(&self) {
            assert_eq!(self.links.account_count as usize, self.rows.len());
            let first: Vec<_> = self.rows.values().take(NAMED_ACCOUNTS).map(NamedAccount::from).collect();
            assert_eq!(self.links.accounts, first);
            let all = counted(self.rows.values());
            match &self.links.profiles {
                Some(profiles) => assert_eq!(*profiles, all),
                None => assert!(self.rows.len() > NAMED_ACCOUNTS || bytes(&all) > PROFILE_BYTES),
            }
        }
    }

    #[test]
    fn the_first_named_contact_of_an_account_gives_the_name() {
        assert_eq!(NamedAccount::from(&link("A", &["X", "X", "X"])).contact_name, "A 1");
        assert_eq!(NamedAccount::from(&link("A", &["X"])).contact_name, "");
    }

    #[test]
    fn profiles_that_take_too_much_room_are_counted_anew_when_few_accounts_are_left() {
        let mut rows = Rows::default();
        let ids: Vec<String> = (0..200).map(|i| format!("{i:03}")).collect();
        for id in &ids {
            rows.set(vec![(id, Some(link(id, &[&id.repeat(60)])))]);
            rows.check();
        }
        assert_eq!(rows.links.profiles, None);
        for id in &ids[..ids.len() - NAMED_ACCOUNTS - 1] {
            rows.set(vec![(id, None)]);
            rows.check();
        }
        assert_eq!(rows.links.profiles, None, "sticky as long as there are more accounts than are named");
        rows.set(vec![(&ids[199], None)]);
        rows.check();
        assert_eq!(rows.links.profiles.as_ref().map(BTreeMap::len), Some(NAMED_ACCOUNTS));
    }

    proptest! {
        #[test]
        fn the_summary_follows_the_rows_in_any_order(
            steps in prop::collection::vec(
                prop::collection::btree_map("[0-4][0-9]", prop::option::weighted(0.6, prop::collection::vec("[ABC]", 1..3)), 1..30),
                1..30,
            )
        ) {
            let mut rows = Rows::default();
            for step in &steps {
                let change = |classes: &Vec<String>, id: &str| link(id, &classes.iter().map(String::as_str).collect::<Vec<_>>());
                rows.set(step.iter().map(|(id, classes)| (id.as_str(), classes.as_ref().map(|c| change(c, id)))).collect());
                rows.check();
            }
        }
    }
}
