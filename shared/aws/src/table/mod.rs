//! The only place that builds requests to DynamoDB.
//!
//! A store names its items by typed keys and queries ([`Key`], [`Query`]), and changes them by actions ([`Action`],
//! [`Update`]). An action runs alone ([`Table::run`]), or with those of any other store in a transaction ([`Tx`]), and
//! may depend on a [`Condition`]. Names and values in expressions get their aliases here, so that stores need not know
//! DynamoDB's reserved words.

mod action;
mod attempts;
mod attributes;
mod batch;
pub mod condition;
mod error;
mod expression;
mod key;
mod query;
mod scan;
mod tx;
mod update;

use std::pin::Pin;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::action::{Action, Updated};
pub use self::attempts::{Attempts, back_off};
pub use self::attributes::attributes_of;
pub use self::batch::{BATCH_KEYS, Batch, Found};
pub use self::condition::Condition;
pub use self::error::StoreError;
pub use self::key::{Item, ItemKey, Key, key, n, s};
pub use self::query::{Page, Query};
pub use self::scan::{ItemName, NamePage};
pub use self::tx::{Part, Refused, TRANSACTION_ACTIONS, Transacted, Tx};
pub use self::update::Update;

/// Puts the future of a request on the heap. Otherwise the functions' futures nest more deeply than the compiler's
/// recursion limit for their layout.
fn boxed<F: Future>(request: F) -> Pin<Box<F>> {
    Box::pin(request)
}

/// A table. Both tables of the stack have the keys `pk` and `sk`.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table with this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// An item, read consistently.
    pub async fn get<T: DeserializeOwned>(&self, what: &'static str, key: &Key<T>) -> Result<Option<T>, StoreError> {
        self.get_item(what, key, true).await
    }

    /// An item, possibly as it was a moment ago, for half the price.
    pub async fn get_stale<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key<T>,
    ) -> Result<Option<T>, StoreError> {
        self.get_item(what, key, false).await
    }

    async fn get_item<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key<T>,
        consistent: bool,
    ) -> Result<Option<T>, StoreError> {
        let request =
            self.client.get_item().table_name(&self.name).set_key(Some(key.item())).consistent_read(consistent);
        let answer = boxed(request.send()).await.map_err(|error| StoreError::of(what, error))?;
        Ok(answer.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Puts an item, and answers the one that it replaced.
    pub async fn replace<T: Serialize + DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key<T>,
        item: &T,
    ) -> Result<Option<T>, StoreError> {
        let item = key.with(item)?;
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = boxed(request.return_values(ReturnValue::AllOld).send()).await;
        let before = answer.map_err(|error| StoreError::of(what, error))?.attributes;
        Ok(before.map(serde_dynamo::from_item).transpose()?)
    }

    /// The action that puts an item, and replaces any other.
    pub fn put<T: Serialize>(&self, key: Key<T>, item: &T) -> Action {
        Action::put(&self.name, key.with(item))
    }

    /// The action that puts an item if there is none.
    pub fn put_new<T: Serialize>(&self, key: Key<T>, item: &T) -> Action {
        self.put(key, item).when(condition::absent())
    }

    /// A change of an item's attributes. It creates the item if there is none.
    pub fn update<T>(&self, key: Key<T>) -> Update {
        Update::new(&self.name, key.item())
    }

    /// The action that deletes an item, if it is there.
    pub fn delete<T>(&self, key: Key<T>) -> Action {
        Action::delete(&self.name, key.item())
    }

    /// The action that writes nothing, and makes its transaction fail unless `condition` holds.
    pub fn check<T>(&self, key: Key<T>, condition: Condition) -> Action {
        Action::check(&self.name, key.item()).when(condition)
    }

    /// A transaction, of actions in this and other tables.
    pub fn tx(&self, what: &'static str) -> Tx {
        Tx::new(self.client.clone(), what)
    }

    /// Runs one action alone. `false`, and nothing is written, if its condition does not hold.
    pub async fn run(&self, what: &'static str, action: impl Into<Action>) -> Result<bool, StoreError> {
        boxed(action.into().run(&self.client, what)).await
    }

    /// Runs an update alone, and answers the new item; if its condition does not hold, the present item.
    pub async fn run_and_get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        update: Update,
    ) -> Result<Updated<T>, StoreError> {
        boxed(update.run_and_get(&self.client, what)).await
    }
}
