//! A customer's account with its sites and contacts, as imported and as stored.

pub mod links;
pub mod parse;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::email::Unusable;
use crate::link::json_bytes;
use crate::{AccountId, DivisionId, EmailAddress, Filter, PortalStatus};

pub use links::{AddressOnAccount, Reach};

/// An account. Sites are sorted by `siteId` and contacts by `contactId`, so that two imports of the same account are
/// equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Unique in the whole system.
    pub account_id: AccountId,
    /// May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The division that it belongs to.
    pub division: DivisionId,
    /// What filters compare.
    pub account_class: String,
    /// What filters compare.
    pub bill_group: String,
    /// What filters compare.
    pub account_source: String,
    /// Whether it pays automatically.
    pub automatic_payment: bool,
    /// In the currency of the billing system; below zero is a credit.
    pub balance_due: Decimal,
    /// Where services are delivered.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// Persons.
    #[serde(default)]
    pub contacts: Vec<Contact>,
}

/// A place where an account's services are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Unique within the account.
    pub site_id: String,
    /// What filters compare.
    pub site_source: String,
    /// Number of services that are active there.
    pub active_services: u32,
}

/// A person on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Unique within the account.
    pub contact_id: String,
    /// May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where to write to.
    pub address: ContactAddress,
    /// A billing contact of this account.
    #[serde(default)]
    pub billing: bool,
    /// The site that the person belongs to; without it, the account as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<String>,
    /// Status taken over from the system before this one.
    pub portal: PortalStatus,
}

/// A contact's address at the import. An unusable address is not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContactAddress {
    /// The contact is linked to the recipient with this address.
    Usable(EmailAddress),
    /// The contact is unreachable.
    Unusable(Unusable),
}

impl ContactAddress {
    /// The address, if it is usable.
    pub fn usable(&self) -> Option<&EmailAddress> {
        match self {
            Self::Usable(email) => Some(email),
            Self::Unusable(_) => None,
        }
    }
}

impl Account {
    /// Active services of all sites together.
    pub fn active_services(&self) -> u64 {
        self.sites.iter().map(|site| u64::from(site.active_services)).sum()
    }

    /// The contacts without a usable address that a filter of the account's division selects, in order of `contactId`,
    /// each with the fault of the address.
    pub fn unreachable(&self, filter: &Filter) -> impl Iterator<Item = (&Contact, Unusable)> {
        let selected = self.contacts.iter().filter(|contact| filter.matches(&self.profile(contact)));
        selected.filter_map(|contact| match contact.address {
            ContactAddress::Usable(_) => None,
            ContactAddress::Unusable(why) => Some((contact, why)),
        })
    }

    /// The same account with contacts whose address was `erased` made unreachable, without address, name and status.
    #[must_use]
    pub fn without(mut self, erased: impl Fn(&EmailAddress) -> bool) -> Self {
        for contact in &mut self.contacts {
            if contact.address.usable().is_some_and(&erased) {
                contact.address = ContactAddress::Unusable(Unusable::Erased);
                contact.name.clear();
                contact.portal = PortalStatus::NotSent;
            }
        }
        self
    }

    /// Upper bound of the stored bytes, without keys and the ids of its recipients.
    pub fn stored_bytes(&self) -> usize {
        json_bytes(self) + self.profiles().keys().map(json_bytes).sum::<usize>()
    }
}
