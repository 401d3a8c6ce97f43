//! What the transactions of this table are built of.

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::Serialize;

use super::CampaignStore;
use crate::dynamo::{Item, StoreError, put};

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
