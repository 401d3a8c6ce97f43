//! Heartbeats: items that are written every ten minutes, so that the table's stream proves how far it has been read.
//!
//! A shard of the stream shows a heartbeat after everything that was written to the shard's items before it. The keys
//! are so many that each shard gets some of them.

use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys;
use crate::table::{StoreError, Table};

/// How many there are. With eight shards, a shard has none in 0.2 % of cases.
pub const HEARTBEATS: u8 = 64;

/// A heartbeat.
#[derive(Debug, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it was written.
    pub at: Timestamp,
}

/// Writes all heartbeats.
pub async fn beat(table: &Table, now: Timestamp) -> Result<(), StoreError> {
    // Each by itself: a transaction would cost twice as much.
    let put = |number| table.run("write a heartbeat", table.put(keys::heartbeat(number), &Heartbeat { at: now }));
    try_join_all((0..HEARTBEATS).map(put)).await?;
    Ok(())
}

/// The number of the heartbeat with this key; `None` if it is another item.
pub fn number(pk: &str, sk: &str) -> Option<u8> {
    (sk == keys::HEARTBEAT).then(|| pk.split_once('#')?.1.parse().ok())?
}
