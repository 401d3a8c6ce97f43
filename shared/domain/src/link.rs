//! The meaning of a filter: its conditions, and the profile of a link (a contact on an account) that they look at.

mod read;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::clean;
use crate::{AccountId, DivisionId};

/// The part of a link that filters look at. Links with equal profiles meet exactly the same filters.
///
/// Serialised with one-letter names, because a recipient's item and its index entry contain its profiles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkProfile {
    /// Account class of the account.
    #[serde(rename = "c")]
    pub account_class: String,
    /// Bill group of the account.
    #[serde(rename = "g")]
    pub bill_group: String,
    /// Account source of the account.
    #[serde(rename = "s")]
    pub account_source: String,
    /// For a contact on a site, that site's source; for an account-level contact, the sources of all sites.
    #[serde(rename = "t", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub site_sources: BTreeSet<String>,
    /// The account's sites together have at least one active service.
    #[serde(rename = "v", default, skip_serializing_if = "is_false")]
    pub active_services: bool,
    /// The account's balance due is above zero.
    #[serde(rename = "d", default, skip_serializing_if = "is_false")]
    pub balance_due: bool,
    /// The account pays automatically.
    #[serde(rename = "p", default, skip_serializing_if = "is_false")]
    pub automatic_payment: bool,
    /// The contact is a billing contact on this account.
    #[serde(rename = "b", default, skip_serializing_if = "is_false")]
    pub billing_contact: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One contact of an account as its recipient's link row keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedContact {
    /// Unique within the account.
    pub contact_id: String,
    /// The contact's name, may be empty.
    pub name: String,
    /// The profile of this contact on this account.
    pub profile: LinkProfile,
}

/// Everything that links one recipient to one account: the contacts there that carry the recipient's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The account.
    pub account_id: AccountId,
    /// The account's name, may be empty.
    pub account_name: String,
    /// At least one contact, ordered by `contactId`.
    pub contacts: Vec<LinkedContact>,
}

impl Link {
    /// Whether one of the contacts meets all conditions of a filter.
    pub fn matches(&self, filter: &Filter) -> bool {
        self.contacts.iter().any(|contact| filter.matches(&contact.profile))
    }

    /// Upper bound of the stored bytes, without keys.
    pub fn stored_bytes(&self) -> usize {
        json_bytes(self)
    }
}

/// Length of a value's JSON, which is never shorter than the form in which DynamoDB stores it.
pub(crate) fn json_bytes(value: &impl Serialize) -> usize {
    // A value that can't be serialised counts as longer than any limit; a quarter of the maximum, so that sums don't
    // overflow.
    serde_json::to_vec(value).map_or(usize::MAX / 4, |json| json.len())
}

/// The operator's filter: the division, and conditions that each narrow it. An absent condition does not restrict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// The division; always required.
    pub division: DivisionId,
    /// Equal on the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_class: Option<String>,
    /// Equal on the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_group: Option<String>,
    /// Equal on the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_source: Option<String>,
    /// Among the link's site sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_source: Option<String>,
    /// Only accounts with at least one active service.
    #[serde(default, skip_serializing_if = "is_false")]
    pub with_active_services: bool,
    /// Only accounts with a balance due above zero.
    #[serde(default, skip_serializing_if = "is_false")]
    pub with_balance_due: bool,
    /// Only billing contacts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub billing_contacts_only: bool,
    /// Only accounts without automatic payment.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_automatic_payment: bool,
}

impl Filter {
    /// The filter that takes the whole division.
    pub fn whole(division: DivisionId) -> Self {
        Self {
            division,
            account_class: None,
            bill_group: None,
            account_source: None,
            site_source: None,
            with_active_services: false,
            with_balance_due: false,
            billing_contacts_only: false,
            without_automatic_payment: false,
        }
    }

    /// The same filter, on accounts with active services only.
    #[must_use]
    pub fn on_active_services(self) -> Self {
        Self { with_active_services: true, ..self }
    }

    /// Whether a link in this filter's division with this profile meets all conditions at once.
    pub fn matches(&self, link: &LinkProfile) -> bool {
        let equal = |wanted: &Option<String>, actual: &String| wanted.as_ref().is_none_or(|w| is_same(w, actual));
        equal(&self.account_class, &link.account_class)
            && equal(&self.bill_group, &link.bill_group)
            && equal(&self.account_source, &link.account_source)
            && self.site_source.as_ref().is_none_or(|source| link.site_sources.iter().any(|s| is_same(source, s)))
            && (!self.with_active_services || link.active_services)
            && (!self.with_balance_due || link.balance_due)
            && (!self.billing_contacts_only || link.billing_contact)
            && (!self.without_automatic_payment || !link.automatic_payment)
    }
}

/// Whether two values are equal once cleaned. An earlier release stored values and filters uncleaned (guarantee 17).
fn is_same(one: &str, other: &str) -> bool {
    one == other || clean(one).text == clean(other).text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_trimmed_and_in_one_normal_form() {
        let spellings =
            ["K\u{e4}rnten Süd", "K\u{e4}rnten Süd ", "\tKa\u{308}rnten \u{a0} Süd", "\u{feff}K\u{e4}rnten\nSüd"];
        for wanted in spellings {
            for stored in spellings {
                let link = LinkProfile {
                    account_class: stored.to_owned(),
                    bill_group: String::new(),
                    account_source: String::new(),
                    site_sources: ["A".to_owned(), stored.to_owned()].into(),
                    active_services: false,
                    balance_due: false,
                    automatic_payment: false,
                    billing_contact: false,
                };
                let whole = Filter::whole(DivisionId::new("D"));
                let by_class = Filter { account_class: Some(wanted.to_owned()), ..whole.clone() };
                let by_site = Filter { site_source: Some(wanted.to_owned()), ..whole.clone() };
                assert!(by_class.matches(&link) && by_site.matches(&link), "{wanted:?} {stored:?}");
                assert!(!Filter { account_class: Some("KärntenSüd".to_owned()), ..whole }.matches(&link));
            }
        }
    }

    #[test]
    fn a_value_of_which_nothing_is_seen_is_a_fault_and_widens_no_selection() {
        for (value, faults) in [("\0", 1), ("\u{200b}", 1), ("", 0), (" \t", 0), ("A\0", 0)] {
            for field in ["accountClass", "billGroup", "accountSource", "siteSource"] {
                let read = Filter::from_json(&serde_json::json!({"division": "D", field: value}), "");
                assert_eq!(read.err().map_or(0, |faults| faults.len()), faults, "{field} {value:?}");
            }
        }
    }
}
