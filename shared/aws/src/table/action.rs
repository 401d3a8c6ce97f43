//! Writes of one item, run alone or in a transaction.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use serde::de::DeserializeOwned;

use super::expression::{Aliases, Value, value};
use super::update::{self, Change};
use super::{Condition, Item, StoreError};

/// A write of one item.
#[must_use = "an action does nothing until it is run"]
pub struct Action {
    verb: Verb,
    table: String,
    /// The item of a put, the key of everything else.
    item: Result<Item, StoreError>,
    pub(super) changes: Vec<(String, Change)>,
    condition: Option<Condition>,
    shows_item: bool,
}

enum Verb {
    Put,
    Update,
    Delete,
    Check,
}

/// The result of an update that was run alone.
#[derive(Debug)]
pub enum Updated<T> {
    /// The update is written; this is the item.
    Done(T),
    /// The condition does not hold for this item, if there is one. Nothing is written.
    Refused(Option<T>),
}

/// The parts of any kind of request.
struct Parts {
    table: String,
    item: Item,
    update: Option<String>,
    condition: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
    on_failure: Option<ReturnValuesOnConditionCheckFailure>,
}

/// Sets the parts on a request's builder. The builders of all requests have these setters, but no common trait.
macro_rules! filled {
    ($builder:expr, $set_item:ident, $parts:ident) => {
        $builder
            .table_name($parts.table)
            .$set_item(Some($parts.item))
            .set_condition_expression($parts.condition)
            .set_expression_attribute_names($parts.names)
            .set_expression_attribute_values($parts.values)
            .set_return_values_on_condition_check_failure($parts.on_failure)
    };
}

impl Action {
    fn new(verb: Verb, table: &str, item: Result<Item, StoreError>) -> Self {
        Self { verb, table: table.to_owned(), item, changes: Vec::new(), condition: None, shows_item: false }
    }

    pub(super) fn put(table: &str, item: Result<Item, StoreError>) -> Self {
        Self::new(Verb::Put, table, item)
    }

    pub(super) fn update(table: &str, key: Item) -> Self {
        Self::new(Verb::Update, table, Ok(key))
    }

    pub(super) fn delete(table: &str, key: Item) -> Self {
        Self::new(Verb::Delete, table, Ok(key))
    }

    pub(super) fn check(table: &str, key: Item) -> Self {
        Self::new(Verb::Check, table, Ok(key))
    }

    /// Replaces the condition.
    pub fn when(self, condition: Condition) -> Self {
        Self { condition: Some(condition), ..self }
    }

    /// Adds to a put an attribute that its type does not have.
    pub fn with(self, name: &str, attribute: impl serde::Serialize) -> Self {
        let with = |mut item: Item, attribute: Value| {
            item.insert(name.to_owned(), attribute?);
            Ok(item)
        };
        Self { item: self.item.and_then(|item| with(item, value(attribute))), ..self }
    }

    /// Removes null attributes from a put: the key of an index can't be null.
    pub fn without_nulls(self) -> Self {
        let without = |mut item: Item| {
            item.retain(|_, value| !value.is_null());
            item
        };
        Self { item: self.item.map(without), ..self }
    }

    pub(super) fn broken(self, error: StoreError) -> Self {
        Self { item: Err(error), ..self }
    }

    pub(super) fn showing_item(self) -> Self {
        Self { shows_item: true, ..self }
    }

    fn into_parts(self) -> Result<(Verb, Parts), StoreError> {
        let mut aliases = Aliases::default();
        let update = update::write(self.changes, &mut aliases)?;
        let condition = self.condition.map(|condition| condition.write(&mut aliases)).transpose()?;
        let parts = Parts {
            table: self.table,
            item: self.item?,
            update,
            condition,
            names: aliases.names(),
            values: aliases.values(),
            on_failure: self.shows_item.then_some(ReturnValuesOnConditionCheckFailure::AllOld),
        };
        Ok((self.verb, parts))
    }

    /// Runs it alone. `false`, and nothing is written, if its condition does not hold.
    pub(super) async fn run(self, client: &Client, what: &'static str) -> Result<bool, StoreError> {
        let (verb, parts) = self.into_parts()?;
        match verb {
            Verb::Put => is_done(what, filled!(client.put_item(), set_item, parts).send().await),
            Verb::Delete => is_done(what, filled!(client.delete_item(), set_key, parts).send().await),
            Verb::Update => {
                let update = client.update_item().set_update_expression(parts.update);
                is_done(what, filled!(update, set_key, parts).send().await)
            }
            Verb::Check => {
                let error = "it checks a condition, which only a transaction does";
                Err(StoreError::Call { what, cause: error.into(), passing: false })
            }
        }
    }

    /// Runs an update alone, and answers the item.
    pub(super) async fn run_and_get<T: DeserializeOwned>(
        self,
        client: &Client,
        what: &'static str,
    ) -> Result<Updated<T>, StoreError> {
        let (_, parts) = self.showing_item().into_parts()?;
        let update = client.update_item().set_update_expression(parts.update).return_values(ReturnValue::AllNew);
        match filled!(update, set_key, parts).send().await {
            Ok(answer) => Ok(Updated::Done(serde_dynamo::from_item(answer.attributes.unwrap_or_default())?)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Updated::Refused(failed.item().cloned().map(serde_dynamo::from_item).transpose()?))
                }
                _ => Err(StoreError::of(what, error)),
            },
        }
    }

    pub(crate) fn into_part(self) -> Result<TransactWriteItem, StoreError> {
        let (verb, parts) = self.into_parts()?;
        let whole = TransactWriteItem::builder();
        let whole = match verb {
            Verb::Put => whole.put(filled!(Put::builder(), set_item, parts).build().map_err(StoreError::request)?),
            Verb::Delete => {
                whole.delete(filled!(Delete::builder(), set_key, parts).build().map_err(StoreError::request)?)
            }
            Verb::Check => {
                let check = filled!(ConditionCheck::builder(), set_key, parts);
                whole.condition_check(check.build().map_err(StoreError::request)?)
            }
            Verb::Update => {
                let update = Update::builder().set_update_expression(parts.update);
                whole.update(filled!(update, set_key, parts).build().map_err(StoreError::request)?)
            }
        };
        Ok(whole.build())
    }
}

fn is_done<T, E>(what: &'static str, answer: Result<T, SdkError<E>>) -> Result<bool, StoreError>
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(StoreError::of(what, error)),
    }
}
