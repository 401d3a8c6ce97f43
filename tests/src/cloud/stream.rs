//! The stream of a table: the keys of what was written. Each shard keeps the order of its items' writes.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tables::Change;

/// How many shards it has.
pub const SHARDS: usize = 4;

/// The stream.
#[derive(Debug)]
pub struct Stream {
    table: &'static str,
    shards: [VecDeque<Value>; SHARDS],
}

impl Stream {
    /// The stream of a table, empty.
    pub fn of(table: &'static str) -> Self {
        Self { table, shards: Default::default() }
    }

    /// Adds what was written, if it was to this table.
    pub fn add(&mut self, changes: &[Change], now: Timestamp) {
        for name in changes.iter().map(|change| &change.name).filter(|name| name.table == self.table) {
            let mut hasher = DefaultHasher::new();
            name.pk.hash(&mut hasher);
            let keys = json!({"pk": {"S": name.pk}, "sk": {"S": name.sk}});
            let record = json!({"dynamodb": {"Keys": keys, "ApproximateCreationDateTime": now.as_second()}});
            self.shards[hasher.finish() as usize % SHARDS].push_back(record);
        }
    }

    /// The next records of a shard, at most so many.
    pub fn peek(&self, shard: usize, most: usize) -> Vec<Value> {
        self.shards[shard].iter().take(most).cloned().collect()
    }

    /// Goes on behind so many records of a shard.
    pub fn go_on(&mut self, shard: usize, records: usize) {
        self.shards[shard].drain(..records);
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(VecDeque::is_empty)
    }
}

/// The event with which Lambda hands records to a function.
pub fn event(records: &[Value]) -> Value {
    json!({"Records": records})
}
