//! Transactions, which are retried where that is safe.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use serde::de::DeserializeOwned;

use super::error::is_throttle;
use super::{Action, Attempts, StoreError};
use crate::clock;

/// Most actions in one transaction (DynamoDB's limit).
pub const TRANSACTION_ACTIONS: usize = 100;

/// Actions that are written all together or not at all.
#[must_use = "a transaction does nothing until it is written"]
pub struct Tx {
    client: Client,
    what: &'static str,
    actions: Vec<Action>,
}

/// One action of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part(usize);

/// How a transaction ended.
#[derive(Debug)]
pub enum Transacted {
    /// All of it is written.
    Done,
    /// Nothing is written, since a condition failed.
    Refused(Refused),
}

/// Which conditions of a transaction failed.
#[derive(Debug)]
pub struct Refused(Vec<CancellationReason>);

impl Tx {
    pub(super) fn new(client: Client, what: &'static str) -> Self {
        Self { client, what, actions: Vec::new() }
    }

    /// Adds an action.
    pub fn add(&mut self, action: impl Into<Action>) -> Part {
        self.actions.push(action.into());
        Part(self.actions.len() - 1)
    }

    /// Adds actions whose conditions the caller does not ask about.
    pub fn extend(&mut self, actions: impl IntoIterator<Item = impl Into<Action>>) {
        self.actions.extend(actions.into_iter().map(Into::into));
    }

    /// The number of actions.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Writes all of it or nothing. Conflicts with other transactions and throttling are retried.
    ///
    /// All tries carry the same token, by which DynamoDB recognises a transaction for ten minutes: if the answer to one
    /// try is lost and the next ones are throttled, a later one learns that all is written. Only a transaction that
    /// DynamoDB cancelled, and so did not write, gets a new token.
    pub async fn write(self) -> Result<Transacted, StoreError> {
        let Self { client, what, actions } = self;
        let parts = actions.into_iter().map(Action::into_part).collect::<Result<Vec<_>, _>>()?;
        super::boxed(transact(&client, what, parts)).await
    }
}

async fn transact(
    client: &Client,
    what: &'static str,
    parts: Vec<TransactWriteItem>,
) -> Result<Transacted, StoreError> {
    let mut token = clock::new_token();
    let mut attempts = Attempts::default();
    while attempts.begin().await {
        let request = client.transact_write_items().set_transact_items(Some(parts.clone()));
        let error = match request.client_request_token(&token).send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            let reasons = cancelled.cancellation_reasons();
            if reasons.iter().any(is_failed_condition) {
                return Ok(Transacted::Refused(Refused(reasons.to_vec())));
            }
            let passing = |code: &str| code == "None" || code == "TransactionConflict" || is_throttle(code);
            if !reasons.iter().filter_map(CancellationReason::code).all(passing) {
                return Err(StoreError::of(what, error));
            }
            token = clock::new_token();
        } else if !error.code().is_some_and(is_throttle) {
            return Err(StoreError::of(what, error));
        }
    }
    Err(StoreError::Busy(what))
}

fn is_failed_condition(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

impl Transacted {
    /// Whether it is written.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl Refused {
    /// Whether the condition of this action failed.
    pub fn failed(&self, part: Part) -> bool {
        self.0.get(part.0).is_some_and(is_failed_condition)
    }

    /// The item of this action, whose condition failed, if the action was to return it and there is one.
    pub fn item<T: DeserializeOwned>(&self, part: Part) -> Result<Option<T>, StoreError> {
        let item = self.0.get(part.0).and_then(|reason| reason.item().cloned());
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::attempts::MOST_ATTEMPTS;
    use super::*;
    use crate::scripted::Scripted;
    use crate::table::condition::is;
    use crate::table::{Key, Table};

    /// The answer to a transaction that was cancelled for these reasons, one for each action.
    fn cancelled(codes: &[&str]) -> (u16, Value) {
        let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
        (
            400,
            json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons}),
        )
    }

    /// Writes a transaction of two actions; returns the result, and the tokens of its requests.
    async fn transacted(
        answers: impl IntoIterator<Item = (u16, Value)>,
    ) -> (Result<Transacted, StoreError>, Vec<Value>) {
        let (context, asked) = Scripted::answering(answers);
        let table = Table::new(Client::new(&context.config), "t");
        let mut tx = table.tx("test");
        tx.extend([table.delete(Key::<()>::new("a", "x")), table.delete(Key::<()>::new("b", "x"))]);
        let result = tx.write().await;
        (result, asked.requests().into_iter().map(|request| request.body["ClientRequestToken"].clone()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn conflicts_and_throttling_are_retried_until_the_transaction_is_written() {
        let conflict = || cancelled(&["None", "TransactionConflict"]);
        let answers = [conflict(), conflict(), conflict(), cancelled(&["ThrottlingError", "None"]), (200, json!({}))];
        let (result, tokens) = transacted(answers).await;
        assert!(matches!(result, Ok(Transacted::Done)));
        assert_eq!(tokens.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_stands_for_one_transaction_until_dynamodb_cancelled_it() {
        let throttled = (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}));
        // More than the SDK retries by itself.
        let throttled = vec![throttled; 4];
        let conflict = vec![cancelled(&["None", "TransactionConflict"])];
        let answers = [throttled.clone(), conflict, throttled, vec![(200, json!({}))]].concat();
        let (result, tokens) = transacted(answers).await;
        assert!(matches!(result, Ok(Transacted::Done)));
        let (before, after) = tokens.split_at(5);
        assert!(before.iter().all(|token| *token == before[0]), "{before:?}");
        assert!(after.len() == 5 && after.iter().all(|token| *token == after[0] && *token != before[0]), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_condition_is_told_at_once_also_beside_a_conflict() {
        let answer = cancelled(&["TransactionConflict", "ConditionalCheckFailed"]);
        let (Ok(Transacted::Refused(refused)), tokens) = transacted([answer]).await else {
            panic!("it was refused");
        };
        assert_eq!(tokens.len(), 1);
        assert_eq!([0, 1, 2].map(|part| refused.failed(Part(part))), [false, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_that_lasts_is_given_up_as_busy_and_an_invalid_item_at_once() {
        let (result, tokens) = transacted([cancelled(&["TransactionConflict"])]).await;
        assert!(result.is_err_and(|error| error.is_transient()));
        assert_eq!(tokens.len(), MOST_ATTEMPTS as usize);
        let (result, tokens) = transacted([cancelled(&["ValidationError"])]).await;
        assert!(result.is_err_and(|error| !error.is_transient()));
        assert_eq!(tokens.len(), 1);
    }

    #[tokio::test]
    async fn actions_are_put_in_order_each_with_its_condition() {
        let (context, asked) = Scripted::answering([(200, json!({}))]);
        let table = Table::new(Client::new(&context.config), "t");
        let key = || Key::<Value>::new("a", "x");
        let mut tx = table.tx("test");
        tx.add(table.put_new(key(), &json!({"n": 1})).with("ttl", 5));
        let changed = table.update(key()).set("status", "sent").remove("reason").add("version", 1);
        let changed = changed.append("walks", &["w"]).set_unless_there("next", 0).when(is("version", 3)).showing_item();
        tx.add(changed);
        tx.add(table.delete(key()).when(is("version", 3)));
        tx.add(table.check(key(), is("version", 3)));
        assert!(tx.write().await.expect("an answer").is_done());
        let (at, version) = (json!({"pk": {"S": "a"}, "sk": {"S": "x"}}), json!({"#version": "version"}));
        let is_3 = json!({"ConditionExpression": "#version = :version", "ExpressionAttributeNames": version,
            "ExpressionAttributeValues": {":version": {"N": "3"}}, "Key": at, "TableName": "t"});
        let put = json!({"pk": {"S": "a"}, "sk": {"S": "x"}, "n": {"N": "1"}, "ttl": {"N": "5"}});
        let names = json!({"#status": "status", "#reason": "reason", "#version": "version", "#walks": "walks", "#next": "next"});
        let values = json!({":status": {"S": "sent"}, ":version": {"N": "1"}, ":walks": {"L": [{"S": "w"}]}, ":next": {"N": "0"},
            ":version2": {"N": "3"}});
        let update = "SET #status = :status, #walks = list_append(#walks, :walks), #next = if_not_exists(#next, :next) \
                      REMOVE #reason ADD #version :version";
        let expected = json!([
            {"Put": {"Item": put, "TableName": "t", "ConditionExpression": "attribute_not_exists(#pk)",
                "ExpressionAttributeNames": {"#pk": "pk"}}},
            {"Update": {"Key": at, "TableName": "t", "UpdateExpression": update, "ConditionExpression": "#version = :version2",
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
            {"Delete": is_3},
            {"ConditionCheck": is_3},
        ]);
        assert_eq!(asked.requests()[0].body["TransactItems"], expected);
    }
}
