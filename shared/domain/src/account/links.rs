//! What an account links: the profiles of its contacts, and the recipients that they belong to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, Contact, ContactAddress};
use crate::link::{Link, LinkedContact};
use crate::{EmailAddress, LinkProfile, PortalStatus};

/// The contacts of one account that share an address, which become one recipient's link to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressOnAccount {
    /// The recipient's link to this account.
    pub link: Link,
    /// The furthest along of the contacts' statuses.
    pub status: PortalStatus,
}

/// How many contacts of an account have the same profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// With a usable address.
    pub reachable: u32,
    /// Without one.
    pub unreachable: u32,
}

impl Account {
    /// What a filter sees of a contact on this account (see [`crate::Filter::matches`]).
    pub fn profile(&self, contact: &Contact) -> LinkProfile {
        LinkProfile {
            account_class: self.account_class.clone(),
            bill_group: self.bill_group.clone(),
            account_source: self.account_source.clone(),
            site_sources: self.site_sources(contact),
            active_services: self.active_services() > 0,
            balance_due: self.balance_due.is_sign_positive() && !self.balance_due.is_zero(),
            automatic_payment: self.automatic_payment,
            billing_contact: contact.billing,
        }
    }

    /// For a contact on a site that site's source, for one of the whole account those of all sites.
    fn site_sources(&self, contact: &Contact) -> BTreeSet<String> {
        let seen = self.sites.iter().filter(|site| contact.site_id.as_ref().is_none_or(|id| *id == site.site_id));
        seen.map(|site| site.site_source.clone()).collect()
    }

    /// Everybody whom this account links, by address.
    pub fn links(&self) -> BTreeMap<EmailAddress, AddressOnAccount> {
        let mut links = BTreeMap::new();
        for contact in &self.contacts {
            let ContactAddress::Usable(email) = &contact.address else { continue };
            let entry = links.entry(email.clone()).or_insert_with(|| AddressOnAccount {
                link: Link {
                    account_id: self.account_id.clone(),
                    account_name: self.name.clone(),
                    contacts: Vec::new(),
                },
                status: contact.portal,
            });
            entry.status = entry.status.merged_with(contact.portal);
            entry.link.contacts.push(LinkedContact {
                contact_id: contact.contact_id.clone(),
                name: contact.name.clone(),
                profile: self.profile(contact),
            });
        }
        links
    }

    /// The values that drop-downs offer for the conditions of a filter, each with the name of its condition.
    pub fn filter_values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let own = [
            ("accountClass", &self.account_class),
            ("billGroup", &self.bill_group),
            ("accountSource", &self.account_source),
        ];
        let sites = self.sites.iter().map(|site| ("siteSource", &site.site_source));
        own.into_iter().chain(sites).map(|(name, value)| (name, value.as_str()))
    }

    /// The distinct profiles of all contacts, and how many have each.
    pub fn profiles(&self) -> BTreeMap<LinkProfile, Reach> {
        let mut profiles = BTreeMap::<_, Reach>::new();
        for contact in &self.contacts {
            let reach = profiles.entry(self.profile(contact)).or_default();
            match contact.address {
                ContactAddress::Usable(_) => reach.reachable += 1,
                ContactAddress::Unusable(_) => reach.unreachable += 1,
            }
        }
        profiles
    }
}
