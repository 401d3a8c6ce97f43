//! Reads a filter from input, with the same names, limits and faults in every request.

use serde_json::Value;

use super::Filter;
use crate::DivisionId;
use crate::input::{FieldError, Fields};

/// Longest value of a text field, in characters.
const TEXT: usize = 256;

impl Filter {
    /// The conditions with a value that must be equal, by their names in the API.
    pub const VALUES: [&str; 4] = ["accountClass", "billGroup", "accountSource", "siteSource"];

    /// The conditions that are met or not, by their names in the API.
    pub const FLAGS: [&str; 4] =
        ["withActiveServices", "withBalanceDue", "billingContactsOnly", "withoutAutomaticPayment"];

    /// Reads the fields of a filter from an object that may have others beside them.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            division: DivisionId::new(fields.required_id("division")),
            account_class: value(fields, "accountClass"),
            bill_group: value(fields, "billGroup"),
            account_source: value(fields, "accountSource"),
            site_source: value(fields, "siteSource"),
            with_active_services: fields.optional_bool("withActiveServices"),
            with_balance_due: fields.optional_bool("withBalanceDue"),
            billing_contacts_only: fields.optional_bool("billingContactsOnly"),
            without_automatic_payment: fields.optional_bool("withoutAutomaticPayment"),
        }
    }

    /// The filter that a JSON value is; `path` is where it stands, such as `filter`.
    pub fn from_json(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(value, path).map_err(|fault| vec![fault])?;
        let filter = Self::read(&mut fields);
        let faults = fields.finish();
        if faults.is_empty() { Ok(filter) } else { Err(faults) }
    }

    /// The filter that the field `filter` of an object is; `None` is a fault.
    pub fn required(fields: &mut Fields<'_>) -> Option<Self> {
        fields.required_parsed("filter", Self::from_json)
    }
}

/// A value to compare with, cleaned as accounts' values are. A value that is empty after cleaning is a fault: as an
/// absent one it would widen the selection.
fn value(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let value = fields.optional_cleaned(field, TEXT)?;
    if value.is_empty() {
        fields.fault(field, "has hidden or control characters alone");
    }
    Some(value)
}
