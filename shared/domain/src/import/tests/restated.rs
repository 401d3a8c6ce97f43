//! The required content of the directory, restated plainly from the existing accounts.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Items;
use crate::account::ContactAddress;
use crate::import::{Address, Change, InForce, Phase};
use crate::recipient::NAMED_ACCOUNTS;
use crate::{Account, AccountId, DivisionId, EmailAddress, LinkProfile, PortalStatus};

type Person = (DivisionId, EmailAddress);

/// The accounts, and the range of statuses of each recipient.
#[derive(Debug, Default)]
pub struct Restated {
    pub accounts: BTreeMap<AccountId, Account>,
    /// The furthest along of all imported statuses.
    furthest: BTreeMap<Person, PortalStatus>,
    /// The lowest possible status, where it can't be known exactly.
    at_least: Option<BTreeMap<Person, PortalStatus>>,
    any_status: bool,
}

impl Restated {
    pub fn apply(&mut self, change: &Change) {
        self.accounts.remove(&change.account_id);
        let Some(account) = &change.account else { return };
        for contact in &account.contacts {
            let ContactAddress::Usable(email) = &contact.address else { continue };
            let status = self.furthest.entry((account.division.clone(), email.clone())).or_insert(contact.portal);
            *status = (*status).max(contact.portal);
        }
        self.accounts.insert(change.account_id.clone(), account.clone());
    }

    /// Statuses are at least these, and at most what `everything` said.
    pub fn statuses_between(&mut self, everything: Self) {
        self.at_least = Some(std::mem::replace(&mut self.furthest, everything.furthest));
    }

    pub fn ignore_statuses(&mut self) {
        self.any_status = true;
    }

    fn profiles_of(&self, (division, email): &Person) -> BTreeMap<LinkProfile, u32> {
        let mut profiles = BTreeMap::new();
        for account in self.accounts.values().filter(|account| account.division == *division) {
            for contact in &account.contacts {
                if contact.address != ContactAddress::Usable(email.clone()) {
                    continue;
                }
                let mut site_sources = BTreeSet::new();
                let mut services = 0;
                for site in &account.sites {
                    services += site.active_services;
                    if contact.site_id.is_none() || contact.site_id.as_deref() == Some(&site.site_id) {
                        site_sources.insert(site.site_source.clone());
                    }
                }
                let profile = LinkProfile {
                    account_class: account.account_class.clone(),
                    bill_group: account.bill_group.clone(),
                    account_source: account.account_source.clone(),
                    site_sources,
                    active_services: services >= 1,
                    balance_due: account.balance_due > rust_decimal::Decimal::ZERO,
                    automatic_payment: account.automatic_payment,
                    billing_contact: contact.billing,
                };
                *profiles.entry(profile).or_insert(0) += 1;
            }
        }
        profiles
    }

    fn accounts_of(&self, (division, email): &Person) -> Vec<(AccountId, String, String)> {
        let mut found = Vec::new();
        for account in self.accounts.values().filter(|account| account.division == *division) {
            let usable = ContactAddress::Usable(email.clone());
            let mut names = account.contacts.iter().filter(|contact| contact.address == usable).map(|c| c.name.clone());
            let Some(first) = names.next() else { continue };
            let name = if first.is_empty() { names.find(|name| !name.is_empty()).unwrap_or_default() } else { first };
            found.push((account.account_id.clone(), account.name.clone(), name));
        }
        found
    }
}

/// Fails unless readers see exactly the accounts in force, each with all its people, at every moment, whatever is
/// unfinished (guarantee 12).
pub fn check_visible(items: &Items) {
    let in_force: BTreeMap<AccountId, InForce> =
        items.accounts.iter().filter_map(|(id, stored)| Some((id.clone(), stored.in_force()?))).collect();
    let visible = items.accounts.values().filter(|stored| stored.phase != Phase::Arriving);
    let mut restated = Restated::default();
    visible.for_each(|stored| restated.apply(&Change::put(stored.account.clone())));
    let mut ever = Restated::default();
    items.ever_in_force.iter().for_each(|account| ever.apply(&Change::put(account.clone())));
    for (address, id) in &items.addresses {
        let seen = items.recipients[id].recipient.as_in_force(|account| in_force.get(account));
        let person = (address.division.clone(), address.email.clone());
        let accounts = restated.accounts_of(&person);
        let named: Vec<_> = seen.links.accounts.iter().map(|named| named.account_id.clone()).collect();
        let first: Vec<_> = accounts.iter().take(NAMED_ACCOUNTS).map(|(account, ..)| account.clone()).collect();
        assert_eq!((&named, seen.links.account_count as usize), (&first, accounts.len()), "{address:?}");
        assert_eq!(seen.links.profiles.as_ref(), Some(&restated.profiles_of(&person)), "{address:?}");
        // No status comes from an account that never came in force, and those of an account in force count.
        let most = ever.furthest.get(&person).copied().unwrap_or(PortalStatus::NotSent);
        let least = restated.furthest.get(&person).copied().unwrap_or(PortalStatus::NotSent);
        assert!((least..=most).contains(&seen.status), "{address:?}: {}", seen.status);
    }
    for account in restated.accounts.values() {
        let reachable = account.links().into_keys();
        let division = account.division.clone();
        reachable
            .for_each(|email| assert!(items.addresses.contains_key(&Address { division: division.clone(), email })));
    }
    let unsettled = items.accounts.iter().filter(|(_, stored)| stored.phase != Phase::Settled).map(|(id, _)| id);
    assert!(unsettled.eq(&items.noted), "the sweep finds what is left to do");
}

/// Fails unless the table has the required content.
pub fn check(items: &Items, restated: &Restated) {
    let stored: BTreeMap<_, _> =
        items.accounts.iter().map(|(id, stored)| (id.clone(), stored.account.clone())).collect();
    assert_eq!(stored, restated.accounts);
    assert!(items.accounts.values().all(|stored| stored.phase == Phase::Settled));

    let mut link_rows = 0;
    for (address, id) in &items.addresses {
        let recipient = &items.recipients[id].recipient;
        assert!(recipient.links.changing.accounts.is_empty(), "nobody waits for an account that is settled");
        let person = (address.division.clone(), address.email.clone());
        assert_eq!((&recipient.division, recipient.email.as_str()), (&person.0, person.1.as_str()));
        let accounts = restated.accounts_of(&person);
        let named: Vec<_> = recipient
            .links
            .accounts
            .iter()
            .map(|named| (named.account_id.clone(), named.account_name.clone(), named.contact_name.clone()))
            .collect();
        assert_eq!(named, accounts[..accounts.len().min(NAMED_ACCOUNTS)]);
        assert_eq!(recipient.links.account_count as usize, accounts.len());
        assert_eq!(recipient.links.profiles.as_ref(), Some(&restated.profiles_of(&person)));
        for (account, _, _) in &accounts {
            assert!(items.links.contains_key(&(*id, account.clone())));
            assert!(items.accounts[account].recipients.contains(id));
        }
        link_rows += accounts.len();
        if !restated.any_status {
            let least = match &restated.at_least {
                None => restated.furthest[&person],
                Some(at_least) => at_least.get(&person).copied().unwrap_or(PortalStatus::NotSent),
            };
            assert!(
                (least..=restated.furthest[&person]).contains(&recipient.status),
                "{person:?}: {}",
                recipient.status
            );
        }
    }
    assert_eq!(items.links.len(), link_rows, "no link row is left over");
    assert_eq!(items.recipients.len(), items.addresses.len(), "no recipient without an address");
    let linked: usize = items.accounts.values().map(|stored| stored.recipients.len()).sum();
    assert_eq!(linked, link_rows);
    let reachable = restated.accounts.values().flat_map(|account| {
        let usable = |contact: &crate::account::Contact| match &contact.address {
            ContactAddress::Usable(email) => Some((account.division.clone(), email.clone())),
            ContactAddress::Unusable(_) => None,
        };
        account.contacts.iter().filter_map(usable)
    });
    for (division, email) in reachable {
        assert!(items.addresses.contains_key(&Address { division, email }));
    }
}
