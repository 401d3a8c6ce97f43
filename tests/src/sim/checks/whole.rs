//! Guarantee 12: an account is whole or not there. At every moment everybody is seen on exactly the accounts that are
//! in force, however far an import has come and wherever it was killed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use portal_aws::directory::account_item::AccountItem;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::keys;
use portal_domain::import::{InForce, StoredAccount};
use portal_domain::recipient::NAMED_ACCOUNTS;
use portal_domain::{AccountId, DivisionId, LinkProfile, Recipient, RecipientId};

use super::Checks;
use crate::cloud::DIRECTORY;
use crate::cloud::tables::{Change, Image};
use crate::sim::system::State;

/// Longer than the time from a decision to its write, also if a function stands still in between.
const DECIDED: SignedDuration = SignedDuration::from_mins(10);

/// Division and address.
type Person = (DivisionId, String);

/// The accounts in force, and everybody's own items.
#[derive(Debug, Default)]
pub(super) struct Whole {
    in_force: BTreeMap<AccountId, InForce>,
    changed_at: BTreeMap<AccountId, Timestamp>,
    /// The links of the accounts in force.
    linked: BTreeMap<Person, BTreeSet<AccountId>>,
    people: BTreeMap<Person, Recipient>,
}

impl Whole {
    /// A recipient as readers must see them.
    pub(super) fn seen(&self, recipient: &Recipient) -> Recipient {
        recipient.as_in_force(|account| self.in_force.get(account))
    }

    /// Whether an account that the recipient names as changing came in force so recently that the decision may not have
    /// seen it.
    pub(super) fn changed_just_now(&self, recipient: &Recipient, now: Timestamp) -> bool {
        let mut changing = recipient.links.changing.accounts.iter().filter_map(|account| self.changed_at.get(account));
        changing.any(|at| now.duration_since(*at) < DECIDED)
    }

    /// Applies the writes of one call; returns recipients seen on other accounts than those in force.
    fn note(&mut self, changes: &[Change], now: Timestamp) -> Option<(Option<RecipientId>, String)> {
        let mut affected = BTreeSet::new();
        for change in changes.iter().filter(|change| change.name.table == DIRECTORY) {
            match change.name.sk.as_str() {
                keys::ACCOUNT => affected.extend(self.account(change, now)),
                keys::RECIPIENT => affected.extend(self.recipient(change)),
                _ => {}
            }
        }
        affected.iter().find_map(|person| self.fault(person))
    }

    fn account(&mut self, change: &Change, now: Timestamp) -> BTreeSet<Person> {
        let read = |image: &Option<Image>| image.as_ref().map(|image| StoredAccount::from(image.read::<AccountItem>()));
        let links = |stored: &StoredAccount| -> BTreeSet<Person> {
            let division = &stored.account.division;
            stored.account.links().into_keys().map(|email| (division.clone(), email.into())).collect()
        };
        let mut affected = BTreeSet::new();
        if let Some(before) = read(&change.before) {
            let id = &before.account.account_id;
            self.in_force.remove(id);
            for person in links(&before) {
                self.linked.entry(person.clone()).or_default().remove(id);
                affected.insert(person);
            }
        }
        if let Some(after) = read(&change.after)
            && let Some(in_force) = after.in_force()
        {
            let id = &after.account.account_id;
            self.in_force.insert(id.clone(), in_force);
            for person in links(&after) {
                self.linked.entry(person.clone()).or_default().insert(id.clone());
                affected.insert(person);
            }
        }
        let either = read(&change.after).or_else(|| read(&change.before));
        self.changed_at.extend(either.map(|stored| (stored.account.account_id, now)));
        affected
    }

    fn recipient(&mut self, change: &Change) -> Option<Person> {
        let read = |image: &Option<Image>| image.as_ref().map(|image| Recipient::from(image.read::<RecipientItem>()));
        let person = |recipient: &Recipient| (recipient.division.clone(), recipient.email.clone());
        match (read(&change.before), read(&change.after)) {
            (_, Some(after)) => {
                self.people.insert(person(&after), after.clone());
                Some(person(&after))
            }
            (Some(before), None) => {
                self.people.remove(&person(&before));
                Some(person(&before))
            }
            (None, None) => None,
        }
    }

    fn fault(&self, person: &Person) -> Option<(Option<RecipientId>, String)> {
        let none = BTreeSet::new();
        let linked = self.linked.get(person).unwrap_or(&none);
        let Some(recipient) = self.people.get(person) else {
            return (!linked.is_empty()).then(|| (None, format!("guarantee 12: {person:?} is linked, and not there")));
        };
        let seen = self.seen(recipient).links;
        let named: Vec<_> = seen.accounts.iter().map(|named| &named.account_id).collect();
        let mut profiles: BTreeMap<LinkProfile, u32> = BTreeMap::new();
        let links = linked.iter().filter_map(|account| self.in_force[account].link_of(recipient));
        for contact in links.flat_map(|on_account| &on_account.link.contacts) {
            *profiles.entry(contact.profile.clone()).or_default() += 1;
        }
        let first: Vec<_> = linked.iter().take(NAMED_ACCOUNTS).collect();
        let whole = seen.account_count as usize == linked.len() && named == first;
        let whole = whole && seen.profiles.is_none_or(|seen| seen == profiles);
        (!whole).then(|| {
            let what = format!("guarantee 12: is seen on {named:?} and linked by {linked:?}");
            (Some(recipient.recipient_id), what)
        })
    }
}

impl Checks {
    /// The writes of one call show no account in part.
    pub(super) fn whole_accounts(&mut self, changes: &[Change], now: Timestamp) {
        match self.whole.note(changes, now) {
            Some((Some(recipient), what)) => self.broken_for(now, recipient, what),
            Some((None, what)) => self.broken(now, what),
            None => {}
        }
    }
}

impl State {
    /// Nothing remains of killed imports.
    pub(super) fn check_settled(&mut self, now: Timestamp) {
        let changing = self.cloud.tables.partition(DIRECTORY, keys::CHANGING, "").len();
        let waiting =
            self.checks.whole.people.values().filter(|person| !person.links.changing.accounts.is_empty()).count();
        if changing + waiting > 0 {
            let what = format!("guarantee 12: {changing} accounts are not settled, and {waiting} people wait for that");
            self.checks.broken(now, what);
        }
    }
}
