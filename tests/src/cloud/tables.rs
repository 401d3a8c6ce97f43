//! DynamoDB in memory: the crate dynoxide, which is held against AWS by a conformance suite of its own.
//!
//! Two databases hold the same items. The second one gets every write after a lag and answers queries of indexes,
//! because indexes of DynamoDB are eventually consistent, which immediately consistent ones would hide.

use std::collections::{BTreeMap, HashMap};

use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::errors::DynoxideError;
use dynoxide::types::{AttributeValue, Item};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Reply;

/// DynamoDB recognises a transaction by its token for this long.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// An item's name: table, partition key and sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Name {
    pub table: String,
    pub pk: String,
    pub sk: String,
}

/// A write that took effect.
#[derive(Clone, Debug)]
pub struct Change {
    /// The item.
    pub name: Name,
    /// What it was; nothing if there was none.
    pub before: Option<Image>,
    /// What it is; nothing if it is gone.
    pub after: Option<Image>,
}

/// An item as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Image(Item);

/// The tables of one region.
pub struct Tables {
    newest: Database,
    lagging: Database,
    /// Writes that the lagging database will get, by time. Writes of one item keep their order.
    backlog: BTreeMap<(Timestamp, u64), (Name, Option<Item>)>,
    latest: HashMap<Name, Timestamp>,
    writes: u64,
    /// The key attributes of each table's indexes.
    index_keys: HashMap<String, Vec<String>>,
    /// Tokens of written transactions: when, and how many times they were used again.
    tokens: HashMap<String, (Timestamp, u64)>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            newest: Database::memory().unwrap(),
            lagging: Database::memory().unwrap(),
            backlog: BTreeMap::new(),
            latest: HashMap::new(),
            writes: 0,
            index_keys: HashMap::new(),
            tokens: HashMap::new(),
        }
    }
}

impl Tables {
    /// Creates a table as CreateTable of the API does.
    pub fn create(&mut self, request: &Value) {
        for database in [&self.newest, &self.lagging] {
            let request: CreateTableRequest = serde_json::from_value(request.clone()).unwrap();
            database.create_table(request).unwrap();
        }
        let indexes = request["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
        let keys = indexes.flat_map(|index| index["KeySchema"].as_array().into_iter().flatten());
        let keys = keys.map(|key| key["AttributeName"].as_str().unwrap().to_owned()).collect();
        self.index_keys.insert(request["TableName"].as_str().unwrap().to_owned(), keys);
    }

    /// Answers a call, and returns its writes. Indexes show them after `lag`.
    pub fn answer(
        &mut self,
        operation: &str,
        mut request: Value,
        now: Timestamp,
        lag: SignedDuration,
    ) -> (Reply, Vec<Change>) {
        // Reads name a key too.
        let reads = matches!(operation, "GetItem" | "Query" | "BatchGetItem" | "TransactGetItems");
        let names = if reads { Vec::new() } else { written(&request) };
        let before: Vec<_> = names.iter().map(|name| self.item(name)).collect();
        let token = self.renew_token(&mut request, now);
        let database = match request.get("IndexName") {
            Some(_) => {
                self.catch_up(now);
                &self.lagging
            }
            None => &self.newest,
        };
        let reply = match perform(database, operation, request) {
            Ok(body) => Reply { status: 200, body },
            Err(error) => return (Reply { status: error.status_code(), body: error.to_json() }, Vec::new()),
        };
        if let Some(token) = token {
            self.tokens.entry(token).or_insert((now, 0));
        }
        let mut changes = Vec::new();
        for (name, before) in names.into_iter().zip(before) {
            let after = self.item(&name);
            if after == before {
                continue;
            }
            self.defer(&name, before.as_ref(), after.as_ref(), now + lag);
            changes.push(Change { name, before: before.map(Image), after: after.map(Image) });
        }
        (reply, changes)
    }

    /// An item as it is now.
    pub fn get(&self, name: &Name) -> Option<Image> {
        self.item(name).map(Image)
    }

    /// The items of a partition whose sort keys begin with `prefix`, in order.
    pub fn partition(&self, table: &str, pk: &str, prefix: &str) -> Vec<Image> {
        let mut items = Vec::new();
        let mut from = Value::Null;
        loop {
            let mut request = json!({
                "TableName": table, "ConsistentRead": true,
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
                "ExpressionAttributeValues": {":pk": {"S": pk}, ":prefix": {"S": prefix}},
            });
            if prefix.is_empty() {
                request["KeyConditionExpression"] = json!("pk = :pk");
                request["ExpressionAttributeValues"] = json!({":pk": {"S": pk}});
            }
            if !from.is_null() {
                request["ExclusiveStartKey"] = from;
            }
            let answer = self.newest.query(serde_json::from_value(request).unwrap()).unwrap();
            items.extend(answer.items.unwrap_or_default().into_iter().map(Image));
            match answer.last_evaluated_key {
                Some(key) => from = serde_json::to_value(key).unwrap(),
                None => return items,
            }
        }
    }

    /// Every item of a table.
    pub fn all(&self, table: &str) -> Vec<(Name, Image)> {
        let mut items = Vec::new();
        let mut request = json!({"TableName": table});
        loop {
            let answer = self.newest.scan(serde_json::from_value(request.clone()).unwrap()).unwrap();
            items.extend(answer.items.unwrap_or_default().into_iter().map(Image));
            match answer.last_evaluated_key {
                Some(key) => request["ExclusiveStartKey"] = serde_json::to_value(key).unwrap(),
                None => break,
            }
        }
        let named = |image: Image| {
            let part = |name: &str| image.text(name).unwrap_or_default().to_owned();
            (Name { table: table.to_owned(), pk: part("pk"), sk: part("sk") }, image)
        };
        items.into_iter().map(named).collect()
    }

    /// Whether a call is a transaction that was written already, by its token.
    pub fn has_written(&self, request: &Value) -> bool {
        request["ClientRequestToken"].as_str().is_some_and(|token| self.tokens.contains_key(token))
    }

    fn item(&self, name: &Name) -> Option<Item> {
        let request = GetItemRequest {
            table_name: name.table.clone(),
            key: key(name),
            consistent_read: Some(true),
            ..GetItemRequest::default()
        };
        self.newest.get_item(request).unwrap().item
    }

    fn defer(&mut self, name: &Name, before: Option<&Item>, after: Option<&Item>, at: Timestamp) {
        let Some(keys) = self.index_keys.get(&name.table) else { return };
        let indexed = |item: Option<&Item>| item.is_some_and(|item| keys.iter().any(|key| item.contains_key(key)));
        if !indexed(before) && !indexed(after) {
            return;
        }
        let at = self.latest.get(name).map_or(at, |latest| at.max(*latest));
        self.latest.insert(name.clone(), at);
        self.writes += 1;
        self.backlog.insert((at, self.writes), (name.clone(), after.cloned()));
    }

    /// Applies due writes to the lagging database.
    fn catch_up(&mut self, now: Timestamp) {
        while let Some(entry) = self.backlog.first_entry().filter(|entry| entry.key().0 <= now) {
            let (name, item) = entry.remove();
            match item {
                Some(item) => {
                    let request = PutItemRequest { table_name: name.table.clone(), item, ..PutItemRequest::default() };
                    self.lagging.put_item(request).unwrap();
                }
                None => {
                    let request = DeleteItemRequest {
                        table_name: name.table.clone(),
                        key: key(&name),
                        ..DeleteItemRequest::default()
                    };
                    self.lagging.delete_item(request).unwrap();
                }
            }
        }
    }

    /// A token used again after its lifetime belongs to another transaction. Dynoxide would use the system's clock for
    /// that.
    fn renew_token(&mut self, request: &mut Value, now: Timestamp) -> Option<String> {
        let token = request.get("ClientRequestToken").and_then(Value::as_str)?.to_owned();
        if let Some(known) = self.tokens.get_mut(&token) {
            if now.duration_since(known.0) >= TOKEN_LIFETIME {
                *known = (now, known.1 + 1);
            }
            if known.1 > 0 {
                let start: String = token.chars().take(28).collect();
                request["ClientRequestToken"] = json!(format!("{start}~{}", known.1));
            }
        }
        Some(token)
    }
}

impl Image {
    /// The item as a type of the project.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        let attributes = self.0.iter().map(|(name, value)| (name.clone(), attribute(value)));
        serde_dynamo::from_item(serde_dynamo::Item::from(attributes.collect::<HashMap<_, _>>())).unwrap()
    }

    /// A string attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            AttributeValue::S(text) => Some(text),
            _ => None,
        }
    }

    /// The item as JSON of DynamoDB.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap()
    }

    /// Whether it has this attribute.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A number attribute that is whole; zero if there is none.
    pub fn number(&self, name: &str) -> i64 {
        match self.0.get(name) {
            Some(AttributeValue::N(number)) => number.parse().unwrap_or_default(),
            _ => 0,
        }
    }
}

fn key(name: &Name) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text(&name.pk)), ("sk".to_owned(), text(&name.sk))])
}

/// The items that a call writes if it succeeds, each once, in order.
fn written(request: &Value) -> Vec<Name> {
    fn name(action: &Map<String, Value>) -> Option<Name> {
        let key = action.get("Key").or_else(|| action.get("Item"))?;
        let text = |attribute: &str| key[attribute]["S"].as_str().map(str::to_owned);
        Some(Name { table: action.get("TableName")?.as_str()?.to_owned(), pk: text("pk")?, sk: text("sk")? })
    }
    let actions = match request.get("TransactItems").and_then(Value::as_array) {
        Some(actions) => actions.iter().filter_map(Value::as_object).collect(),
        None => Vec::new(),
    };
    if actions.is_empty() {
        return request.as_object().and_then(name).into_iter().collect();
    }
    let writes = |action: &&String| matches!(action.as_str(), "Put" | "Update" | "Delete");
    let parts = actions.iter().flat_map(|action| action.iter().filter(|(kind, _)| writes(kind)));
    parts.filter_map(|(_, part)| name(part.as_object()?)).collect()
}

fn perform(database: &Database, operation: &str, request: Value) -> Result<String, DynoxideError> {
    fn read<T: DeserializeOwned>(request: Value) -> Result<T, DynoxideError> {
        serde_json::from_value(request).map_err(|error| DynoxideError::SerializationException(error.to_string()))
    }
    let shown = match operation {
        "GetItem" => serde_json::to_string(&database.get_item(read(request)?)?),
        "PutItem" => serde_json::to_string(&database.put_item(read(request)?)?),
        "UpdateItem" => serde_json::to_string(&database.update_item(read(request)?)?),
        "DeleteItem" => serde_json::to_string(&database.delete_item(read(request)?)?),
        "Scan" => serde_json::to_string(&database.scan(read(request)?)?),
        "Query" => serde_json::to_string(&database.query(read(request)?)?),
        "BatchGetItem" => serde_json::to_string(&database.batch_get_item(read(request)?)?),
        "TransactGetItems" => serde_json::to_string(&database.transact_get_items(read(request)?)?),
        "TransactWriteItems" => serde_json::to_string(&database.transact_write_items(read(request)?)?),
        other => return Err(DynoxideError::ValidationException(format!("{other} is not simulated"))),
    };
    shown.map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn attribute(value: &AttributeValue) -> serde_dynamo::AttributeValue {
    use serde_dynamo::AttributeValue as Other;
    match value.clone() {
        AttributeValue::S(text) => Other::S(text),
        AttributeValue::N(number) => Other::N(number),
        AttributeValue::B(bytes) => Other::B(bytes),
        AttributeValue::BOOL(flag) => Other::Bool(flag),
        AttributeValue::NULL(null) => Other::Null(null),
        AttributeValue::SS(set) => Other::Ss(set),
        AttributeValue::NS(set) => Other::Ns(set),
        AttributeValue::BS(set) => Other::Bs(set),
        AttributeValue::L(list) => Other::L(list.iter().map(attribute).collect()),
        AttributeValue::M(map) => Other::M(map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()),
    }
}
