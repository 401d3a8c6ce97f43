//! Transactions and batch reads of the stores that do not use [`crate::table`] yet.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, KeysAndAttributes, TransactWriteItem, Update};

use crate::clock;
use crate::table::error::{TRIES, is_throttle};
pub use crate::table::{BATCH_KEYS, Item, StoreError, TRANSACTION_ACTIONS, back_off, key, n, s};

/// How a transaction ended.
#[derive(Debug)]
pub enum Transacted {
    /// All of it is written.
    Done,
    /// Nothing is written, since a condition failed; one reason per action, in order.
    Refused(Vec<CancellationReason>),
}

/// Whether the condition of this action failed.
pub fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// Writes all of `actions` or nothing. Conflicts with other transactions and throttling are retried.
///
/// All tries carry the same token, by which DynamoDB knows a transaction for ten minutes: if the answer to one was lost and the
/// next are throttled, a later one learns that all is written. Only what DynamoDB cancelled, and so has not written, gets a new
/// one.
pub async fn transact(
    client: &Client,
    what: &'static str,
    actions: Vec<TransactWriteItem>,
) -> Result<Transacted, StoreError> {
    let mut token = clock::new_token();
    for attempt in 1..=TRIES {
        let request = client.transact_write_items().set_transact_items(Some(actions.clone()));
        let error = match request.client_request_token(&token).send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            let reasons = cancelled.cancellation_reasons();
            if reasons.iter().any(condition_failed) {
                return Ok(Transacted::Refused(reasons.to_vec()));
            }
            let passing = |code: &str| code == "None" || code == "TransactionConflict" || is_throttle(code);
            if !reasons.iter().filter_map(CancellationReason::code).all(passing) {
                return Err(StoreError::of(what, error));
            }
            token = clock::new_token();
        } else if !error.code().is_some_and(is_throttle) {
            return Err(StoreError::of(what, error));
        }
        back_off(attempt).await;
    }
    Err(StoreError::Busy(what))
}

/// Reads the items with these keys, consistently, from any tables, in no particular order; what doesn't exist is absent.
/// `keys` holds the name of a table with each key; any number of keys.
pub async fn batch_get(client: &Client, keys: Vec<(String, Item)>) -> Result<Vec<(String, Item)>, StoreError> {
    // Boxed, since futures nest deeper here than the compiler computes the layout of (its recursion limit).
    Box::pin(batch_get_only(client, keys, &[])).await
}

/// As [`batch_get`], but the answer holds only these attributes of each item; all if none is named. What is read costs as much,
/// far less of large items comes over the net, and a role may be kept from the other attributes.
pub async fn batch_get_only(
    client: &Client,
    keys: Vec<(String, Item)>,
    only: &[&str],
) -> Result<Vec<(String, Item)>, StoreError> {
    let what = "read items";
    let mut found = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(BATCH_KEYS) {
        let mut tables: HashMap<String, Vec<Item>> = HashMap::new();
        for (table, key) in chunk {
            tables.entry(table.clone()).or_default().push(key.clone());
        }
        let mut request = HashMap::new();
        for (table, keys) in tables {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            let keys = match only {
                [] => keys,
                only => keys.projection_expression(projection(only)).set_expression_attribute_names(aliases(only)),
            };
            request.insert(table, keys.build().map_err(StoreError::request)?);
        }
        let mut attempt = 0;
        while !request.is_empty() {
            if attempt > 0 {
                back_off(attempt).await;
            }
            attempt += 1;
            if attempt > TRIES {
                return Err(StoreError::Busy(what));
            }
            let answer = client.batch_get_item().set_request_items(Some(request)).send().await;
            let answer = answer.map_err(|error| StoreError::of(what, error))?;
            for (table, items) in answer.responses.unwrap_or_default() {
                found.extend(items.into_iter().map(|item| (table.clone(), item)));
            }
            request = answer.unprocessed_keys.unwrap_or_default();
        }
    }
    Ok(found)
}

/// The expression that reads only these attributes. Each has the alias `#<name>`, since some are reserved words.
pub(crate) fn projection(attributes: &[&str]) -> String {
    attributes.iter().map(|name| format!("#{name}")).collect::<Vec<_>>().join(", ")
}

/// The aliases in a [`projection`].
pub(crate) fn aliases(attributes: &[&str]) -> Option<HashMap<String, String>> {
    Some(attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect())
}

/// The action of a put.
pub(crate) fn put(builder: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().put(builder.build().map_err(StoreError::request)?).build())
}

/// The action of an update.
pub(crate) fn update(builder: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().update(builder.build().map_err(StoreError::request)?).build())
}

/// An update with the expression that sets the attributes that have a value and removes the others. Each name has the alias
/// `#<name>`, since some are reserved words, and each value is `:<name>`.
pub(crate) fn set_or_remove(attributes: Vec<(&'static str, Option<AttributeValue>)>) -> (UpdateBuilder, String) {
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
