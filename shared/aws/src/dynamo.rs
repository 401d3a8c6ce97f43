//! What every store needs of DynamoDB beyond single calls: transactions that are retried where that is safe, batch
//! reads that answer everything, and errors that keep their cause.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, KeysAndAttributes, TransactWriteItem, Update};
use portal_domain::{Tell, Told};
use rand::RngExt;

use crate::clock;

/// An item as DynamoDB's API gives and takes it.
pub type Item = HashMap<String, AttributeValue>;

/// Most actions in one transaction (DynamoDB's limit).
pub const TRANSACTION_ACTIONS: usize = 100;

/// Most keys in one BatchGetItem (DynamoDB's limit).
pub const BATCH_KEYS: usize = 100;

/// How often a conflicting or throttled call is made before giving up: with the pauses below, about 5 seconds.
const TRIES: u32 = 9;

/// A store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A call to DynamoDB failed.
    #[error("DynamoDB could not {what}: {cause}")]
    Call {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        cause: Box<dyn Error + Send + Sync>,
        /// Nothing is wrong with the call: no answer came, or DynamoDB had a fault of its own.
        passing: bool,
    },
    /// The table or the call was throttled, or other transactions held the items, for as long as was bearable.
    #[error("DynamoDB is busy: gave up trying to {0}")]
    Busy(&'static str),
    /// An item does not have the form that this version writes. The cause may quote it, and so is not in the message.
    #[error("an item of the table is not in the expected form")]
    Form(#[from] serde_dynamo::Error),
    /// The address of a recipient is none by the rules of this version.
    #[error("the address of a recipient is not in the expected form")]
    NoAddress,
}

impl Tell for StoreError {
    fn tell(self) -> Told {
        if self.passes() { Told::Busy(self.into()) } else { Told::Broken(self.into()) }
    }
}

impl StoreError {
    /// Whether the same call may well succeed in a while.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Call { passing: true, .. })
    }

    /// The error of a request that lacks something the SDK insists on.
    pub fn request(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Call { what: "build a request", cause: Box::new(error), passing: false }
    }

    /// The error of a failed call; throttling becomes [`StoreError::Busy`].
    pub fn of<E>(what: &'static str, error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        if error.code().is_some_and(is_throttle) {
            return Self::Busy(what);
        }
        let passing = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(answer) => answer.raw().status().is_server_error(),
            _ => false,
        };
        Self::Call { what, cause: Box::new(Chain(error)), passing }
    }
}

/// Shows an SDK error with its causes, which its own `Display` leaves out. Neither this nor `Debug` shows the answer's body, as
/// the SDK's own would: a refused transaction answers with the items that were in its way, addresses and all.
struct Chain<E>(E);

impl<E: Error> fmt::Display for Chain<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl<E: Error> fmt::Debug for Chain<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: Error> Error for Chain<E> {}

fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "TransactionInProgressException"
    )
}

/// Waits before try number `attempt` (from 1), with full jitter, at most a second.
pub async fn back_off(attempt: u32) {
    let ceiling = 25_u64.saturating_mul(1 << attempt.min(10)).min(1_000);
    tokio::time::sleep(Duration::from_millis(clock::rng().random_range(0..=ceiling))).await;
}

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
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;

    /// The answer to a transaction that was cancelled for these reasons, one for each action.
    fn cancelled(codes: &[&str]) -> (u16, Value) {
        let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
        (
            400,
            json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons}),
        )
    }

    /// Writes a transaction; answers what came of it, and how often it was asked for.
    async fn transacted(answers: impl IntoIterator<Item = (u16, Value)>) -> (Result<Transacted, StoreError>, usize) {
        let (config, asked) = Scripted::answering(answers);
        let result = transact(&Client::new(&config), "test", Vec::new()).await;
        (result, asked.requests().len())
    }

    #[tokio::test(start_paused = true)]
    async fn conflicts_and_throttling_are_retried_until_the_transaction_is_written() {
        let conflict = || cancelled(&["None", "TransactionConflict"]);
        let answers = [conflict(), conflict(), conflict(), cancelled(&["ThrottlingError", "None"]), (200, json!({}))];
        assert!(matches!(transacted(answers).await, (Ok(Transacted::Done), 5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_condition_is_told_at_once_also_beside_a_conflict() {
        let answer = cancelled(&["TransactionConflict", "ConditionalCheckFailed"]);
        let (Ok(Transacted::Refused(reasons)), 1) = transacted([answer]).await else {
            panic!("it was refused at once");
        };
        assert_eq!(reasons.iter().map(condition_failed).collect::<Vec<_>>(), [false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_that_lasts_is_given_up_as_busy_and_an_invalid_item_at_once() {
        let (result, times) = transacted([cancelled(&["TransactionConflict"])]).await;
        assert!(result.is_err_and(|error| error.passes()));
        assert_eq!(times, TRIES as usize);
        let (result, times) = transacted([cancelled(&["ValidationError"])]).await;
        assert!(result.is_err_and(|error| !error.passes()));
        assert_eq!(times, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_a_batch_left_unprocessed_are_asked_for_again() {
        let left = json!({"t": {"Keys": [{"pk": {"S": "b"}, "sk": {"S": "x"}}]}});
        let found = |id: &str| json!({"t": [{"pk": {"S": id}}]});
        let answers = [
            (200, json!({"Responses": found("a"), "UnprocessedKeys": left})),
            (200, json!({"Responses": found("b"), "UnprocessedKeys": {}})),
        ];
        let (config, asked) = Scripted::answering(answers);
        let keys = vec![("t".to_owned(), key("a", "x")), ("t".to_owned(), key("b", "x"))];
        assert_eq!(batch_get(&Client::new(&config), keys).await.expect("both are found").len(), 2);
        assert_eq!(asked.requests()[1].body["RequestItems"]["t"]["Keys"], left["t"]["Keys"]);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Answer {
        source: fmt::Error,
        _body: &'static str,
    }

    #[test]
    fn an_error_shows_its_causes_and_nothing_of_an_answers_body() {
        let shown = Chain(Answer { source: fmt::Error, _body: "ann@example.com" });
        let expected = format!("service error: {}", fmt::Error);
        assert_eq!((format!("{shown}"), format!("{shown:?}")), (expected.clone(), expected));
    }
}
