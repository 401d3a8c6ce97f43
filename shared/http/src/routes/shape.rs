//! Shapes of what is read: JSON schemas of parameters and bodies. What a schema can't say, such as an address that is
//! one, the answer to a request does.

use std::ops::RangeInclusive;

use portal_domain::Filter;
use portal_domain::input::ID_CHARS;
use serde_json::{Map, Value, json};

/// A text of at most this many characters.
pub fn text(most: usize) -> Value {
    json!({"type": "string", "maxLength": most})
}

/// An id that callers choose.
pub fn id() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": ID_CHARS})
}

/// An e-mail address, as typed.
pub fn address() -> Value {
    json!({"type": "string", "minLength": 3})
}

/// A truth value.
pub fn flag() -> Value {
    json!({"type": "boolean"})
}

/// A whole number.
pub fn whole(range: RangeInclusive<u64>) -> Value {
    json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
}

/// One of these names.
pub fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

/// One or several of these names, in a query separated by commas.
pub fn several_of(names: &[&str]) -> Value {
    json!({"type": "array", "items": one_of(names), "minItems": 1})
}

/// A list of at most this many.
pub fn list(of: Value, most: usize) -> Value {
    json!({"type": "array", "items": of, "maxItems": most})
}

/// An object that has the first members, may have the others, also as `null`, and has no more.
pub fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    let optional = optional.iter().map(|(name, schema)| ((*name).to_owned(), or_null(schema)));
    let members: Map<_, _> =
        required.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).chain(optional).collect();
    json!({"type": "object", "properties": members, "required": names, "additionalProperties": false})
}

/// The filter, as in `POST /v1/campaigns`.
pub fn filter() -> Value {
    let values = Filter::VALUES.map(|name| (name, text(200)));
    let flags = Filter::FLAGS.map(|name| (name, flag()));
    object(&[("division", id())], &[&values[..], &flags[..]].concat())
}

fn or_null(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}
