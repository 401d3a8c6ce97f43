//! Reads an account from the import format, with all its faults.

use std::collections::HashSet;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Account, Contact, ContactAddress, Site};
use crate::email::Read;
use crate::input::{FieldError, Fields, id_fault};
use crate::text::{clean_id, told};
use crate::{AccountId, DivisionId, EmailAddress, PortalStatus};

/// Most characters of a name.
pub const NAME_CHARS: usize = 200;

/// Most characters of an account class, bill group, account source or site source. They stand in sort keys too.
pub const ATTRIBUTE_CHARS: usize = 100;

/// Most sites of an account.
pub const SITES: usize = 1_000;

/// Most contacts of an account.
pub const CONTACTS: usize = 1_000;

/// Most active services of one site.
pub const ACTIVE_SERVICES: u32 = 1_000_000;

/// Most digits after the point of an amount: no currency has more (ISO 4217).
pub const BALANCE_SCALE: u32 = 4;

/// Most digits before the point of an amount.
pub const BALANCE_DIGITS: u32 = 12;

/// Most bytes of an account as stored, and of one recipient's link to it. DynamoDB's limit for an item is 400 KB; the
/// rest is for keys and for the ids of the recipients that the account links or has linked.
pub const ACCOUNT_BYTES: usize = 300_000;

/// An account that can be stored, and warnings for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The account.
    pub account: Account,
    /// What was cleaned; contacts that are unreachable, and why.
    pub warnings: Vec<FieldError>,
}

impl Account {
    /// Reads an account. Returns all faults at once (guarantee 12). Unknown fields are faults; an unusable address is a
    /// warning.
    pub fn parse(value: &Value) -> Result<Parsed, Vec<FieldError>> {
        let mut fields = Fields::of(value, "").map_err(|fault| vec![fault])?;
        let mut account = Self {
            account_id: AccountId::new(fields.required_id("accountId")),
            name: fields.optional_cleaned("name", NAME_CHARS).unwrap_or_default(),
            division: DivisionId::new(fields.required_id("division")),
            account_class: fields.required_cleaned("accountClass", ATTRIBUTE_CHARS),
            bill_group: fields.required_cleaned("billGroup", ATTRIBUTE_CHARS),
            account_source: fields.required_cleaned("accountSource", ATTRIBUTE_CHARS),
            automatic_payment: fields.required_bool("automaticPayment"),
            balance_due: balance(&mut fields),
            sites: sites(&mut fields),
            contacts: Vec::new(),
        };
        account.contacts = contacts(&mut fields, &account.sites);
        let mut warnings = Vec::new();
        let mut faults = fields.finish_into(&mut warnings);
        account.sites.sort_by(|one, other| one.site_id.cmp(&other.site_id));
        account.contacts.sort_by(|one, other| one.contact_id.cmp(&other.contact_id));
        if faults.is_empty() {
            faults.extend(account.too_large());
        }
        if faults.is_empty() { Ok(Parsed { account, warnings }) } else { Err(faults) }
    }

    /// The fault of an account that would not fit where it is stored.
    fn too_large(&self) -> Option<FieldError> {
        let own = self.stored_bytes();
        if own > ACCOUNT_BYTES {
            let message = format!("the account takes {own} bytes to store, more than {ACCOUNT_BYTES}");
            return Some(FieldError::new("contacts", message));
        }
        let links = self.links();
        let longest = links.values().map(|on_account| on_account.link.stored_bytes()).max().unwrap_or_default();
        (longest > ACCOUNT_BYTES).then(|| {
            let message =
                format!("the contacts with one address take {longest} bytes to store, more than {ACCOUNT_BYTES}");
            FieldError::new("contacts", message)
        })
    }
}

/// Reads the id of an account where it stands alone.
pub fn account_id(text: &str) -> Result<AccountId, FieldError> {
    let id = clean_id(text).text;
    match id_fault(&id) {
        None => Ok(AccountId::new(id)),
        Some(fault) => Err(FieldError::new("accountId", fault)),
    }
}

/// The uncleaned id under which an earlier release may have stored the account that `text` names, if it differs.
pub fn uncleaned_id(text: &str) -> Option<AccountId> {
    let could_be_stored = text.trim() == text && id_fault(text).is_none();
    (could_be_stored && clean_id(text).text != text).then(|| AccountId::new(text))
}

/// An exact decimal in a string. JSON numbers are refused, because most programs convert them from binary fractions.
fn balance(fields: &mut Fields<'_>) -> Decimal {
    let name = "balanceDue";
    let Some(value) = fields.required(name) else { return Decimal::ZERO };
    let Value::String(text) = value else {
        fields.fault(name, "must be a decimal in a string, such as \"10.25\", not a number");
        return Decimal::ZERO;
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        fields.fault(name, "must be a decimal such as \"10.25\" or \"-3.00\"");
        return Decimal::ZERO;
    }
    let limits = format!("must have at most {BALANCE_DIGITS} digits before the point and {BALANCE_SCALE} after it");
    let fits = whole.len() <= BALANCE_DIGITS as usize && fraction.len() <= BALANCE_SCALE as usize;
    match Decimal::from_str(text) {
        Ok(amount) if fits => amount,
        _ => {
            fields.fault(name, limits);
            Decimal::ZERO
        }
    }
}

fn sites(fields: &mut Fields<'_>) -> Vec<Site> {
    let mut seen = HashSet::new();
    fields.required_objects("sites", SITES, |site| {
        let id = site.required_id("siteId");
        if !id.is_empty() && !seen.insert(id.clone()) {
            site.fault("siteId", "is given to another site of this account too");
        }
        let services = site.required_number("activeServices", 0..=u64::from(ACTIVE_SERVICES));
        Site {
            site_id: id,
            site_source: site.required_cleaned("siteSource", ATTRIBUTE_CHARS),
            active_services: u32::try_from(services).unwrap_or(ACTIVE_SERVICES),
        }
    })
}

fn contacts(fields: &mut Fields<'_>, sites: &[Site]) -> Vec<Contact> {
    let sites: HashSet<&str> = sites.iter().map(|site| site.site_id.as_str()).collect();
    let mut seen = HashSet::new();
    fields.required_objects("contacts", CONTACTS, |contact| {
        let id = contact.required_id("contactId");
        if !id.is_empty() && !seen.insert(id.clone()) {
            contact.fault("contactId", "is given to another contact of this account too");
        }
        let site_id = contact.optional_id("siteId");
        if site_id.as_ref().is_some_and(|id| !sites.contains(id.as_str())) {
            contact.fault("siteId", "is not a site of this account");
        }
        Contact {
            contact_id: id,
            name: contact.optional_cleaned("name", NAME_CHARS).unwrap_or_default(),
            address: address(contact),
            billing: billing(contact),
            site_id,
            portal: portal(contact),
        }
    })
}

fn address(contact: &mut Fields<'_>) -> ContactAddress {
    let text = match contact.optional("email") {
        None => "",
        Some(Value::String(text)) => text,
        Some(_) => {
            contact.fault("email", "must be a string");
            ""
        }
    };
    match EmailAddress::read(text) {
        Ok(Read { address, left_out }) => {
            if let Some(told) = told(&left_out) {
                contact.warn("email", told);
            }
            ContactAddress::Usable(address)
        }
        Err(refused) => {
            contact.warn("email", format!("{refused}; the contact is unreachable"));
            ContactAddress::Unusable(refused.why)
        }
    }
}

/// An empty text is the same as an absent one, as in every optional field.
fn billing(contact: &mut Fields<'_>) -> bool {
    match contact.optional("billing").and_then(Value::as_str) {
        Some(text) if text.trim().is_empty() => false,
        _ => contact.optional_bool("billing"),
    }
}

fn portal(contact: &mut Fields<'_>) -> PortalStatus {
    let Some(value) = contact.optional_cleaned("portal", ATTRIBUTE_CHARS) else { return PortalStatus::NotSent };
    value.parse().unwrap_or_else(|_| {
        contact.fault("portal", "must be notSent, pending or accepted");
        PortalStatus::NotSent
    })
}

#[cfg(test)]
mod tests;
