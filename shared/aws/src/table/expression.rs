//! Names and values in expressions.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::StoreError;
use super::key::{PK, SK};

/// An attribute's value, or why it can't be stored. The error is reported when the request is sent, so that building an
/// action needs no check at each step.
pub(super) type Value = Result<AttributeValue, StoreError>;

pub(super) fn value(value: impl Serialize) -> Value {
    Ok(serde_dynamo::to_attribute_value(value)?)
}

/// The aliases in a request's expressions. Every attribute gets one, since some names are reserved words.
#[derive(Default)]
pub(super) struct Aliases {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Aliases {
    /// The alias of a path such as `status` or `earlier[0].digest`.
    pub fn name(&mut self, path: &str) -> String {
        let step = |step: &str| {
            let (name, index) = step.split_at(step.find('[').unwrap_or(step.len()));
            self.names.insert(format!("#{name}"), name.to_owned());
            format!("#{name}{index}")
        };
        path.split('.').map(step).collect::<Vec<_>>().join(".")
    }

    /// The alias of a value that belongs to the attribute at `path`: `:<attribute>`, with a number from the second on.
    pub fn value(&mut self, path: &str, value: Value) -> Result<String, StoreError> {
        let attribute = path.rsplit('.').next().unwrap_or(path);
        let attribute = attribute.split('[').next().unwrap_or(attribute);
        let mut alias = format!(":{attribute}");
        let mut number = 1;
        while self.values.contains_key(&alias) {
            number += 1;
            alias = format!(":{attribute}{number}");
        }
        self.values.insert(alias.clone(), value?);
        Ok(alias)
    }

    /// The names, or `None`: DynamoDB refuses an empty map.
    pub fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or `None`.
    pub fn values(self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then_some(self.values)
    }
}

/// The expression that reads these attributes and the key; `None`, which reads everything, if there are none.
pub(super) fn projection(aliases: &mut Aliases, only: &[&str]) -> Option<String> {
    let others = only.iter().filter(|name| ![PK, SK].contains(*name));
    let mut names = [&PK, &SK].into_iter().chain(others).map(|name| aliases.name(name));
    (!only.is_empty()).then(|| names.by_ref().collect::<Vec<_>>().join(", "))
}
