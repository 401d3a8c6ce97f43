//! Reads untrusted JSON objects field by field, so that all faults are reported at once (guarantee 12).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RecipientId;
use crate::email::{EmailAddress, Unusable};
use crate::text::{self, Cleaned, Found};

/// Most characters of an id. Ids stand in sort keys, which end at 1,024 bytes (DynamoDB); a character takes up to four.
pub const ID_CHARS: usize = 128;

/// Noncharacters, which SQS refuses in a message (see its `SendMessage`).
const NO_CHARACTERS: [char; 2] = ['\u{FFFE}', '\u{FFFF}'];

const CONTROL_CHARACTERS: &str = "must not contain control characters";

/// The fault of a cleaned id ([`text::clean_id`]), if any. Ids are segments of the API's paths. `.` and `..` can't be,
/// because clients remove them, escaped or not (RFC 3986, 5.2.4; WHATWG URL).
pub fn id_fault(id: &str) -> Option<String> {
    if id.is_empty() {
        Some("must not be empty".to_owned())
    } else if id.chars().count() > ID_CHARS {
        Some(format!("must have at most {ID_CHARS} characters"))
    } else if let Some((at, c)) = id.chars().enumerate().find(|(_, c)| c.is_control()) {
        Some(format!("must not contain control characters, and has {}", Found::at(c, at)))
    } else if matches!(id, "." | "..") {
        Some("must not be . or .., which can't stand in a path".to_owned())
    } else {
        None
    }
}

/// One fault in one field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// Path of the field, such as `contacts[2].email`.
    pub field: String,
    /// What is wrong with it, for a person.
    pub message: String,
    /// Where in the field it is, for texts of several lines.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A place in a text. Both numbers count from 1; columns count characters (Unicode scalar values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The line; lines end with a line feed.
    pub line: usize,
    /// The character in its line.
    pub column: usize,
}

impl FieldError {
    /// A fault in `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), place: None }
    }

    /// A fault at one place of the text that `field` is.
    pub fn at(field: impl Into<String>, place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::new(field, message) }
    }
}

/// Reads the fields of one JSON object and collects their faults. Every reader returns a value even for a faulty field,
/// so that reading can continue; [`Fields::finish`] adds unknown fields.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
    warnings: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Starts reading `value`, which stands at `path` (empty for the top). A value that is no object is a fault.
    pub fn of(value: &'a Value, path: &str) -> Result<Self, FieldError> {
        match value {
            Value::Object(object) => {
                Ok(Self { object, path: path.to_owned(), known: Vec::new(), errors: Vec::new(), warnings: Vec::new() })
            }
            _ => Err(FieldError::new(if path.is_empty() { "body" } else { path }, "must be a JSON object")),
        }
    }

    /// The path of a field of this object.
    pub fn path(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Records a fault in a field.
    pub fn fault(&mut self, field: &str, message: impl Into<String>) {
        let field = self.path(field);
        self.errors.push(FieldError::new(field, message));
    }

    /// Records a warning about a field.
    pub fn warn(&mut self, field: &str, message: impl Into<String>) {
        let field = self.path(field);
        self.warnings.push(FieldError::new(field, message));
    }

    /// Records faults whose paths are complete already.
    pub fn faults(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.errors.extend(errors);
    }

    /// The raw value of a field, `None` when it is absent or null.
    pub fn optional(&mut self, field: &'static str) -> Option<&'a Value> {
        self.known.push(field);
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// The raw value of a field; absent is a fault.
    pub fn required(&mut self, field: &'static str) -> Option<&'a Value> {
        let value = self.optional(field);
        if value.is_none() {
            self.fault(field, "is required");
        }
        value
    }

    /// A text of at most `max` characters without control characters, `None` when absent.
    pub fn optional_text(&mut self, field: &'static str, max: usize) -> Option<String> {
        let value = self.optional(field)?;
        self.check_text(field, value, max)
    }

    /// A text of 1 to `max` characters without control characters, not blank.
    pub fn required_text(&mut self, field: &'static str, max: usize) -> String {
        let Some(value) = self.required(field) else { return String::new() };
        match self.check_text(field, value, max) {
            Some(text) if text.trim().is_empty() => {
                self.fault(field, "must not be empty");
                String::new()
            }
            Some(text) => text,
            None => String::new(),
        }
    }

    /// A text exactly as typed, of at most `max` characters, `None` when absent. It may contain control characters.
    pub fn required_typed(&mut self, field: &'static str, max: usize) -> String {
        let Some(value) = self.required(field) else { return String::new() };
        match value {
            Value::String(text) if text.trim().is_empty() => self.fault(field, "must not be empty"),
            Value::String(text) if text.chars().count() > max => self.fault(field, at_most(max)),
            Value::String(text) => return text.clone(),
            _ => self.fault(field, "must be a string"),
        }
        String::new()
    }

    /// A name or a value, cleaned ([`text::clean`]), of at most `max` characters then; `None` when absent or blank.
    /// Empty if it has no visible character.
    pub fn optional_cleaned(&mut self, field: &'static str, max: usize) -> Option<String> {
        let text = self.optional_filled(field)?;
        let cleaned = self.taken(field, text::clean(text));
        if cleaned.chars().count() > max {
            self.fault(field, at_most(max));
            return None;
        }
        Some(cleaned)
    }

    /// The same; absent, or without a visible character, is a fault.
    pub fn required_cleaned(&mut self, field: &'static str, max: usize) -> String {
        let faults = self.errors.len();
        let text = self.optional_cleaned(field, max).unwrap_or_default();
        if text.is_empty() && self.errors.len() == faults {
            self.missing(field);
        }
        text
    }

    /// An id, cleaned ([`text::clean_id`]), as [`id_fault`] allows it then; `None` when absent or blank.
    pub fn optional_id(&mut self, field: &'static str) -> Option<String> {
        let text = self.optional_filled(field)?;
        let id = self.taken(field, text::clean_id(text));
        if let Some(fault) = id_fault(&id) {
            self.fault(field, fault);
        }
        Some(id)
    }

    /// The same; absent is a fault.
    pub fn required_id(&mut self, field: &'static str) -> String {
        let faults = self.errors.len();
        let id = self.optional_id(field);
        if id.is_none() && self.errors.len() == faults {
            self.missing(field);
        }
        id.unwrap_or_default()
    }

    /// The text of a field; `None` when absent, blank, or no text, which is a fault.
    fn optional_filled(&mut self, field: &'static str) -> Option<&'a str> {
        match self.optional(field)? {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            _ => {
                self.fault(field, "must be a string");
                None
            }
        }
    }

    /// The cleaned text; a noteworthy change becomes a warning.
    fn taken(&mut self, field: &str, Cleaned { text, changes }: Cleaned<'_>) -> String {
        if let Some(told) = text::told(&changes) {
            self.warn(field, told);
        }
        text.into_owned()
    }

    fn missing(&mut self, field: &'static str) {
        let is_there = self.object.get(field).is_some_and(|value| !value.is_null());
        self.fault(field, if is_there { "must not be empty" } else { "is required" });
    }

    /// The field as [`EmailAddress::read`] reads it; `None` when absent or blank, or if it is no address, which is a
    /// fault.
    pub fn optional_address(&mut self, field: &'static str) -> Option<EmailAddress> {
        let text = self.optional_filled(field)?;
        self.address(field, text)
    }

    /// The same; absent is a fault.
    pub fn required_address(&mut self, field: &'static str) -> Option<EmailAddress> {
        let faults = self.errors.len();
        let address = self.optional_address(field);
        if address.is_none() && self.errors.len() == faults {
            self.missing(field);
        }
        address
    }

    /// The address in `text`, the value of `field`; a fault if it is none.
    pub fn address(&mut self, field: &str, text: &str) -> Option<EmailAddress> {
        match EmailAddress::read(text) {
            Ok(read) => {
                if let Some(told) = text::told(&read.left_out) {
                    self.warn(field, told);
                }
                Some(read.address)
            }
            Err(refused) if refused.why == Unusable::Empty => {
                self.fault(field, "must not be empty");
                None
            }
            Err(refused) => {
                let detail = refused.detail.map(|detail| format!(": it {detail}")).unwrap_or_default();
                self.fault(field, format!("is not an e-mail address{detail}"));
                None
            }
        }
    }

    /// The id of a recipient, `None` when absent.
    pub fn optional_recipient_id(&mut self, field: &'static str) -> Option<RecipientId> {
        let id = self.optional_text(field, 36)?.parse().ok();
        if id.is_none() {
            self.fault(field, "is not the id of a recipient");
        }
        id
    }

    fn check_text(&mut self, field: &'static str, value: &Value, max: usize) -> Option<String> {
        let Value::String(text) = value else {
            self.fault(field, "must be a string");
            return None;
        };
        if text.chars().count() > max {
            self.fault(field, at_most(max));
        } else if text.chars().any(|c| c.is_control() || NO_CHARACTERS.contains(&c)) {
            self.fault(field, CONTROL_CHARACTERS);
        } else {
            return Some(text.clone());
        }
        None
    }

    /// A boolean, `false` when absent.
    pub fn optional_bool(&mut self, field: &'static str) -> bool {
        match self.optional(field) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(field, "must be true or false");
                false
            }
        }
    }

    /// A boolean; absent is a fault.
    pub fn required_bool(&mut self, field: &'static str) -> bool {
        self.required(field).is_some() && self.optional_bool(field)
    }

    /// A whole number in `range`, `None` when absent.
    pub fn optional_number(&mut self, field: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.optional(field)?;
        let number = whole_number(value).filter(|number| range.contains(number));
        if number.is_none() {
            self.fault(field, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A text that `parse` knows, `None` when absent; `expected` names what it knows, such as `accepted, pending`.
    pub fn optional_choice<T>(
        &mut self,
        field: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let choice = self.optional(field)?.as_str().and_then(parse);
        if choice.is_none() {
            self.fault(field, format!("must be one of {expected}"));
        }
        choice
    }

    /// A whole number in `range`; absent is a fault.
    pub fn required_number(&mut self, field: &'static str, range: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(value) = self.required(field) else { return *range.start() };
        match whole_number(value) {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.fault(field, format!("must be a whole number from {} to {}", range.start(), range.end()));
                *range.start()
            }
        }
    }

    /// The elements of a list of at most `max`; absent is a fault.
    pub fn required_list(&mut self, field: &'static str, max: usize) -> &'a [Value] {
        self.required(field);
        self.optional_list(field, max)
    }

    /// The elements of a list of at most `max`; none when absent.
    pub fn optional_list(&mut self, field: &'static str, max: usize) -> &'a [Value] {
        match self.optional(field) {
            None => &[],
            Some(Value::Array(list)) if list.len() <= max => list,
            Some(Value::Array(_)) => {
                self.fault(field, format!("must have at most {max} elements"));
                &[]
            }
            Some(_) => {
                self.fault(field, "must be a list");
                &[]
            }
        }
    }

    /// A field read by `parse` from its value and path; faults are collected. `None` when absent or at fault.
    pub fn optional_parsed<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&Value, &str) -> Result<T, Vec<FieldError>>,
    ) -> Option<T> {
        let value = self.optional(field)?;
        parse(value, &self.path(field)).map_err(|faults| self.errors.extend(faults)).ok()
    }

    /// The same; absent is a fault.
    pub fn required_parsed<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&Value, &str) -> Result<T, Vec<FieldError>>,
    ) -> Option<T> {
        self.required(field)?;
        self.optional_parsed(field, parse)
    }

    /// Reads each object of a list of at most `max` with `read`, and collects its faults; absent is a fault.
    pub fn required_objects<T>(
        &mut self,
        field: &'static str,
        max: usize,
        mut read: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<T> {
        let list = self.required_list(field, max);
        let path = self.path(field);
        let mut objects = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            match Fields::of(value, &format!("{path}[{index}]")) {
                Ok(mut object) => {
                    objects.push(read(&mut object));
                    self.errors.extend(object.finish_into(&mut self.warnings));
                }
                Err(fault) => self.errors.push(fault),
            }
        }
        objects
    }

    /// Adds every unknown field as a fault, and returns all faults. Warnings are dropped.
    pub fn finish(self) -> Vec<FieldError> {
        self.finish_into(&mut Vec::new())
    }

    /// The same, with warnings.
    pub fn finish_into(mut self, warnings: &mut Vec<FieldError>) -> Vec<FieldError> {
        for field in self.object.keys() {
            if !self.known.contains(&field.as_str()) {
                let path = self.path(field);
                self.errors.push(FieldError::new(path, "is not a known field"));
            }
        }
        warnings.append(&mut self.warnings);
        self.errors
    }
}

fn at_most(max: usize) -> String {
    format!("must have at most {max} characters")
}

/// The largest number below which a double represents every whole number (RFC 8259, section 6).
const EXACT_IN_A_DOUBLE: f64 = 9_007_199_254_740_991.0;

/// The value as a whole number from 0 on, however it is written: `1.0` is `1`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
fn whole_number(value: &Value) -> Option<u64> {
    let exact = |number: &f64| number.fract() == 0.0 && (0.0..=EXACT_IN_A_DOUBLE).contains(number);
    value.as_u64().or_else(|| value.as_f64().filter(exact).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        for (text, expected) in [("7", 7), ("7.0", 7), ("7e0", 7), ("0.7e1", 7), ("1E2", 100), ("-0.0", 0), ("0", 0)] {
            let value = serde_json::from_str(text).expect(text);
            assert_eq!(whole_number(&value), Some(expected), "{text}");
        }
        let most = json!(u64::MAX);
        assert_eq!(whole_number(&most), Some(u64::MAX));
        for text in ["7.5", "-1", "-1.0", "1e300", "9007199254740993.5", "\"7\"", "true", "null", "[7]"] {
            let value = serde_json::from_str(text).expect(text);
            assert_eq!(whole_number(&value), None, "{text}");
        }
    }
}
