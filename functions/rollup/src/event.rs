//! What calls the function: the stream of the table Directory, and the clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use portal_aws::directory::heartbeat;
use portal_aws::directory::read::Owner;
use serde::Deserialize;

/// An event of the function. Without records it is a tick.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(default, rename = "Records")]
    records: Option<Vec<Record>>,
}

/// Of a record of the stream what the function needs.
#[derive(Debug, Deserialize)]
struct Record {
    dynamodb: Written,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    keys: Keys,
    /// In seconds, which some services write with a fraction.
    approximate_creation_date_time: f64,
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// What the records of a batch say.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The owners that were written.
    pub owners: BTreeSet<Owner>,
    /// When heartbeats were written, by number.
    pub beats: BTreeMap<u8, Timestamp>,
    /// When the oldest record was written.
    pub oldest: Option<Timestamp>,
}

impl Event {
    /// What the stream says; `None` if the event is a tick.
    pub fn batch(self) -> Option<Batch> {
        let mut batch = Batch::default();
        for Record { dynamodb: Written { keys, approximate_creation_date_time } } in self.records? {
            let (pk, sk) = (&keys.pk.text, &keys.sk.text);
            // Whole seconds: the time is that of the record, and what was written just before it may come after.
            let at = Timestamp::from_second(approximate_creation_date_time as i64).unwrap_or_default();
            batch.oldest = Some(batch.oldest.map_or(at, |oldest| oldest.min(at)));
            batch.owners.extend(Owner::of_item(pk, sk));
            if let Some(number) = heartbeat::number(pk, sk) {
                batch.beats.insert(number, at);
            }
        }
        Some(batch)
    }
}
