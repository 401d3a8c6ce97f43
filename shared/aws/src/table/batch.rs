//! Reads items of any tables together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, TransactGetItem};
use serde::de::DeserializeOwned;

use super::expression::{self, Aliases};
use super::key::{PK, SK};
use super::{Attempts, Item, Key, StoreError, Table, boxed, key};

/// Most keys in one BatchGetItem (DynamoDB's limit).
pub const BATCH_KEYS: usize = 100;

/// An item's table, partition key and sort key.
type Name = (String, String, String);

/// Wanted items. Each is read once, even if it is added several times.
#[derive(Debug)]
pub struct Batch {
    what: &'static str,
    wanted: BTreeSet<Name>,
    only: Vec<&'static str>,
}

/// Items that were found.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<Name, Item>);

impl Batch {
    /// No items yet.
    pub fn new(what: &'static str) -> Self {
        Self { what, wanted: BTreeSet::new(), only: Vec::new() }
    }

    /// Reads only these attributes and the key of each item. This costs the same, but transfers far less of large
    /// items, and a role may be denied the other attributes.
    #[must_use]
    pub fn only(self, attributes: impl IntoIterator<Item = &'static str>) -> Self {
        Self { only: attributes.into_iter().collect(), ..self }
    }

    /// Adds an item.
    pub fn want<T>(&mut self, table: &Table, key: &Key<T>) {
        self.wanted.insert(name(table, key));
    }

    /// Reads any number of items, each consistently.
    pub async fn read(self, table: &Table) -> Result<Found, StoreError> {
        boxed(self.read_all(table)).await
    }

    async fn read_all(self, table: &Table) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let wanted: Vec<_> = self.wanted.iter().collect();
        for chunk in wanted.chunks(BATCH_KEYS) {
            let mut request = self.request(chunk)?;
            let mut attempts = Attempts::default();
            while !request.is_empty() {
                if !attempts.begin().await {
                    return Err(StoreError::Busy(self.what));
                }
                let answer = table.client.batch_get_item().set_request_items(Some(request)).send().await;
                let answer = answer.map_err(|error| StoreError::of(self.what, error))?;
                for (table, items) in answer.responses.unwrap_or_default() {
                    items.into_iter().for_each(|item| found.add(&table, item));
                }
                request = answer.unprocessed_keys.unwrap_or_default();
            }
        }
        Ok(found)
    }

    fn request(&self, chunk: &[&Name]) -> Result<HashMap<String, KeysAndAttributes>, StoreError> {
        let mut tables: HashMap<&str, Vec<Item>> = HashMap::new();
        for (table, pk, sk) in chunk {
            tables.entry(table).or_default().push(key(pk, sk));
        }
        let of_table = |(table, keys): (&str, _)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            let mut aliases = Aliases::default();
            let keys = keys.set_projection_expression(expression::projection(&mut aliases, &self.only));
            let keys = keys.set_expression_attribute_names(aliases.names());
            Ok((table.to_owned(), keys.build().map_err(StoreError::request)?))
        };
        tables.into_iter().map(of_table).collect()
    }

    /// Reads at most 100 items as they are at one instant; `None` if one of them is being written.
    pub async fn read_at_once(self, table: &Table) -> Result<Option<Found>, StoreError> {
        let get = |(table, pk, sk): &Name| {
            let get =
                Get::builder().table_name(table).set_key(Some(key(pk, sk))).build().map_err(StoreError::request)?;
            Ok(TransactGetItem::builder().get(get).build())
        };
        let gets = self.wanted.iter().map(get).collect::<Result<Vec<_>, StoreError>>()?;
        let answer = match boxed(table.client.transact_get_items().set_transact_items(Some(gets)).send()).await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_transaction_canceled_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::of(self.what, error)),
        };
        let items = answer.responses.unwrap_or_default().into_iter().map(|response| response.item);
        let found = self.wanted.into_iter().zip(items).filter_map(|(name, item)| Some((name, item?)));
        Ok(Some(Found(found.collect())))
    }
}

impl Found {
    fn add(&mut self, table: &str, item: Item) {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        if let (Some(pk), Some(sk)) = (text(PK), text(SK)) {
            self.0.insert((table.to_owned(), pk, sk), item);
        }
    }

    /// Takes out the item with this key, if there is one.
    pub fn take<T: DeserializeOwned>(&mut self, table: &Table, key: &Key<T>) -> Result<Option<T>, StoreError> {
        Ok(self.0.remove(&name(table, key)).map(serde_dynamo::from_item).transpose()?)
    }
}

impl Table {
    /// The existing items with these keys, read consistently, in order of the keys. Any number of keys.
    pub async fn get_each<T: DeserializeOwned>(
        &self,
        what: &'static str,
        keys: impl IntoIterator<Item = Key<T>>,
    ) -> Result<Vec<T>, StoreError> {
        self.get_each_of(Batch::new(what), keys).await
    }

    /// As [`Self::get_each`], with a batch that selects the attributes.
    pub async fn get_each_of<T: DeserializeOwned>(
        &self,
        mut batch: Batch,
        keys: impl IntoIterator<Item = Key<T>>,
    ) -> Result<Vec<T>, StoreError> {
        let keys: Vec<_> = keys.into_iter().collect();
        keys.iter().for_each(|key| batch.want(self, key));
        let mut found = batch.read(self).await?;
        keys.iter().filter_map(|key| found.take(self, key).transpose()).collect()
    }
}

fn name<T>(table: &Table, key: &Key<T>) -> Name {
    (table.name.clone(), key.pk.clone(), key.sk.clone())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;

    fn wanted(pk: &str) -> Key<Value> {
        Key::new(pk, "x")
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_a_batch_left_unprocessed_are_asked_for_again() {
        let left = json!({"t": {"Keys": [{"pk": {"S": "b"}, "sk": {"S": "x"}}]}});
        let found = |id: &str| json!({"t": [{"pk": {"S": id}, "sk": {"S": "x"}}]});
        let answers = [
            (200, json!({"Responses": found("a"), "UnprocessedKeys": left})),
            (200, json!({"Responses": found("b"), "UnprocessedKeys": {}})),
        ];
        let (context, asked) = Scripted::answering(answers);
        let table = Table::new(Client::new(&context.config), "t");
        let items = table.get_each("test", [wanted("a"), wanted("b")]).await.expect("both are found");
        assert_eq!(items.len(), 2);
        assert_eq!(asked.requests()[1].body["RequestItems"]["t"]["Keys"], left["t"]["Keys"]);
    }

    #[tokio::test]
    async fn an_item_that_is_wanted_twice_is_read_once_and_with_its_key() {
        let answer = json!({"Responses": {"t": [{"pk": {"S": "a"}, "sk": {"S": "x"}, "name": {"S": "n"}}]}});
        let (context, asked) = Scripted::answering([(200, answer)]);
        let table = Table::new(Client::new(&context.config), "t");
        let wanted = [wanted("a"), wanted("a"), wanted("b")];
        let items = table.get_each_of(Batch::new("test").only(["name"]), wanted).await.expect("found");
        assert_eq!(items, [json!({"pk": "a", "sk": "x", "name": "n"})]);
        let request = &asked.requests()[0].body["RequestItems"]["t"];
        assert_eq!(request["Keys"].as_array().map(Vec::len), Some(2));
        assert_eq!(request["ProjectionExpression"], "#pk, #sk, #name");
        assert_eq!(request["ConsistentRead"], true);
    }
}
