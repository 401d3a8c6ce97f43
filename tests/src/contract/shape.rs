//! Whether a value is what a schema says. Stricter than JSON Schema: a member that no schema names is a fault, since a
//! client would not know it; and a keyword that is unknown here panics, so that none is passed over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A document with schemas.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a>(pub &'a Value);

/// Keywords that describe, and decide nothing.
const ANNOTATIONS: [&str; 7] =
    ["title", "description", "default", "deprecated", "format", "examples", "additionalProperties"];

/// What the schemas of one value say of it.
#[derive(Default)]
struct Found {
    faults: Vec<String>,
    /// The members that are named.
    known: BTreeSet<String>,
    /// Any member is allowed.
    open: bool,
}

impl<'a> Shapes<'a> {
    /// What is wrong with a value.
    pub fn faults(self, schema: &'a Value, value: &Value) -> Vec<String> {
        let mut found = Found::default();
        self.judge(schema, value, &mut found);
        let members = value.as_object().into_iter().flat_map(Map::keys);
        let unknown = members.filter(|name| !found.open && !found.known.contains(*name));
        found.faults.extend(unknown.map(|name| format!("{name} is not documented")));
        found.faults
    }

    /// The value that a reference leads to.
    pub fn resolved(self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|pointer| self.0.pointer(pointer.trim_start_matches('#'))) {
            Some(target) => target,
            None => value,
        }
    }

    fn judge(self, schema: &'a Value, value: &Value, found: &mut Found) {
        let Some(schema) = schema.as_object() else {
            found.open = true;
            return;
        };
        if schema.keys().all(|keyword| ANNOTATIONS.contains(&keyword.as_str())) {
            found.open = true;
        }
        for (keyword, wanted) in schema {
            let fits = match keyword.as_str() {
                "$ref" => {
                    let target = wanted.as_str().and_then(|pointer| self.0.pointer(pointer.trim_start_matches('#')));
                    self.judge(target.unwrap_or_else(|| panic!("nothing is at {wanted}")), value, found);
                    true
                }
                "type" => match wanted.as_array() {
                    Some(types) => types.iter().any(|wanted| is_of_type(wanted, value)),
                    None => is_of_type(wanted, value),
                },
                "const" => value == wanted,
                "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
                "format" if wanted == "date-time" => value.as_str().is_none_or(is_in_seconds),
                "minimum" => value.as_f64().is_none_or(|number| Some(number) >= wanted.as_f64()),
                "maximum" => value.as_f64().is_none_or(|number| Some(number) <= wanted.as_f64()),
                "minLength" => characters(value).is_none_or(|length| Some(length) >= wanted.as_u64()),
                "maxLength" => characters(value).is_none_or(|length| Some(length) <= wanted.as_u64()),
                "maxItems" => value.as_array().is_none_or(|items| Some(items.len() as u64) <= wanted.as_u64()),
                "uniqueItems" => value
                    .as_array()
                    .is_none_or(|items| items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))),
                "minProperties" => value.as_object().is_none_or(|map| Some(map.len() as u64) >= wanted.as_u64()),
                "maxProperties" => value.as_object().is_none_or(|map| Some(map.len() as u64) <= wanted.as_u64()),
                "required" => value.as_object().is_none_or(|members| {
                    wanted.as_array().into_iter().flatten().all(|name| members.contains_key(name.as_str().unwrap()))
                }),
                "properties" => {
                    for (name, schema) in wanted.as_object().into_iter().flatten() {
                        found.known.insert(name.clone());
                        let faults = value.get(name).map(|value| self.faults(schema, value)).unwrap_or_default();
                        found.faults.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
                    }
                    true
                }
                "items" => {
                    let faults = value.as_array().into_iter().flatten().flat_map(|value| self.faults(wanted, value));
                    found.faults.extend(faults);
                    true
                }
                "anyOf" | "oneOf" => self.judge_one(wanted, value, found),
                other => {
                    assert!(ANNOTATIONS.contains(&other), "the keyword {other} is not known here: {wanted}");
                    true
                }
            };
            if !fits {
                found.faults.push(format!("{keyword} must be {wanted}"));
            }
            found.open |= keyword == "additionalProperties" && *wanted == Value::Bool(true);
        }
    }

    /// Whether a value fits one of several schemas, whose members it may then have.
    fn judge_one(self, schemas: &'a Value, value: &Value, found: &mut Found) -> bool {
        for schema in schemas.as_array().into_iter().flatten() {
            let mut one = Found::default();
            self.judge(schema, value, &mut one);
            if one.faults.is_empty() {
                found.known.extend(one.known);
                found.open |= one.open;
                return true;
            }
        }
        false
    }
}

/// Every time in an answer is in UTC and whole seconds, such as `2026-11-26T09:00:00Z`.
fn is_in_seconds(text: &str) -> bool {
    text.len() == "2026-11-26T09:00:00Z".len() && text.ends_with('Z') && text.parse::<Timestamp>().is_ok()
}

fn characters(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    match wanted.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => panic!("{wanted} is no type"),
    }
}
