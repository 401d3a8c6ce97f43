//! Keys of items.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// An item in the form of DynamoDB's API.
pub type Item = HashMap<String, AttributeValue>;

/// The attribute of the partition key.
pub(super) const PK: &str = "pk";

/// The attribute of the sort key.
pub(super) const SK: &str = "sk";

/// The key of an item in either table, with the type of the item.
pub struct Key<T> {
    pub(super) pk: String,
    pub(super) sk: String,
    of: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

impl<T> Key<T> {
    /// The item with this partition key and sort key.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into(), of: PhantomData }
    }

    /// The same item, read as a `U`.
    pub fn seen_as<U>(self) -> Key<U> {
        Key::new(self.pk, self.sk)
    }

    pub(super) fn item(&self) -> Item {
        key(&self.pk, &self.sk)
    }

    /// The item with this key and the attributes of `value`.
    pub(super) fn with(&self, value: &T) -> Result<Item, StoreError>
    where
        T: Serialize,
    {
        let mut item: Item = serde_dynamo::to_item(value)?;
        item.extend(self.item());
        Ok(item)
    }
}

/// The key of an item, as a query that reads no other attributes shows it.
#[derive(Debug, Deserialize)]
pub struct ItemKey {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl ItemKey {
    /// The key with the type of its item.
    pub fn typed<T>(self) -> Key<T> {
        Key::new(self.pk, self.sk)
    }
}

/// A string attribute.
pub fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub fn n(value: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The key of an item in either table.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([(PK.to_owned(), s(pk)), (SK.to_owned(), s(sk))])
}
