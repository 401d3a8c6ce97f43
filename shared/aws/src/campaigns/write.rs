//! What the transactions of this table are built of.

use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use serde::Serialize;

use super::CampaignStore;
use crate::dynamo::{Item, StoreError};

impl CampaignStore {
    /// Puts `value` as the item with this key; a condition may be added.
    pub(super) fn put_item(&self, key: Item, value: &impl Serialize) -> Result<PutBuilder, StoreError> {
        let mut item: Item = serde_dynamo::to_item(value)?;
        item.extend(key);
        Ok(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// Puts an item on the condition that there is none.
    pub(super) fn put_new(&self, key: Item, value: &impl Serialize) -> Result<TransactWriteItem, StoreError> {
        put(self.put_item(key, value)?.condition_expression("attribute_not_exists(pk)"))
    }
}

/// The action of a put.
pub(super) fn put(builder: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().put(builder.build().map_err(StoreError::request)?).build())
}

/// The action of an update.
pub(super) fn update(builder: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().update(builder.build().map_err(StoreError::request)?).build())
}

/// An update with the expression that sets the attributes that have a value and removes the others. Each name has the alias
/// `#<name>`, since some are reserved words, and each value is `:<name>`.
pub(super) fn set_or_remove(attributes: Vec<(&'static str, Option<AttributeValue>)>) -> (UpdateBuilder, String) {
    let mut builder = Update::builder();
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (name, value) in attributes {
        builder = builder.expression_attribute_names(format!("#{name}"), name);
        match value {
            Some(value) => {
                set.push(format!("#{name} = :{name}"));
                builder = builder.expression_attribute_values(format!(":{name}"), value);
            }
            None => remove.push(format!("#{name}")),
        }
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !remove.is_empty() {
        expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
    }
    (builder, expression)
}
