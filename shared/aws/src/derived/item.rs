//! Items of the table Derived.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use portal_domain::DivisionId;
use portal_domain::numbers::{Damaged, Value};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock;

/// Most bytes in one item; DynamoDB's limit is 400 KB with names.
pub(super) const CHUNK: usize = 350 * 1024;
/// Logs, bases and definitions expire after this many seconds: a week. A daily fold writes them anew.
const KEPT: i64 = 7 * 24 * 3_600;

/// A base is made at least this often, so that nothing expires that is in use.
const FOLDED_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Bytes of logs that are not worth a fold, however small the base is.
const LOGS: u64 = 128 * 1024;

/// When an item expires that is written now.
pub(super) fn ttl() -> i64 {
    clock::now().as_second() + KEPT
}

/// An attribute of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// What was counted of an owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BelievedItem {
    /// The number of writes; 0 if there was none.
    pub rev: u64,
    /// The division whose numbers include the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<DivisionId>,
    /// The [`Value`] that they include.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Bytes>,
}

/// The state of a division's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// How many transactions changed the numbers.
    pub rev: u64,
    /// The base; none before the first fold.
    #[serde(default)]
    pub generation: Option<String>,
    /// Chunks of the base's main bytes.
    #[serde(default)]
    pub main_chunks: usize,
    /// Chunks of what the base has of pending recipients.
    #[serde(default)]
    pub pending_chunks: usize,
    /// The number of the first log since the base.
    #[serde(default)]
    pub first: u64,
    /// The number of the next log.
    pub next: u64,
    /// The newest frames.
    pub tail: Bytes,
    /// Bytes of the logs since the base.
    #[serde(default)]
    pub log_bytes: u64,
    /// Bytes of the base.
    #[serde(default)]
    pub base_bytes: u64,
    /// When the base was made.
    #[serde(default)]
    pub folded: Option<Timestamp>,
}

/// Changes of a division.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogItem {
    /// Frames in their order.
    pub frames: Bytes,
    /// When it expires.
    pub ttl: i64,
}

/// A part of a base, or of the definition of a large set.
#[derive(Debug, Serialize, Deserialize)]
pub struct Chunk {
    /// Its bytes.
    pub bytes: Bytes,
    /// When it expires.
    pub ttl: i64,
}

impl Head {
    /// Whether the logs are longer than `factor` times what is worth a fold.
    pub fn is_long(&self, factor: u64) -> bool {
        self.log_bytes > factor * LOGS.max(self.base_bytes / 6)
    }

    /// Whether a fold is due at `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_long(1) || self.rev > 0 && self.folded.is_none_or(|at| now.duration_since(at) > FOLDED_EVERY)
    }
}

impl BelievedItem {
    /// The item after one more write, which counts `counted`.
    pub fn next(&self, counted: Option<(&DivisionId, &Value)>) -> Self {
        let (division, value) = counted.unzip();
        Self { rev: self.rev + 1, division: division.cloned(), value: value.map(|value| Bytes(value.to_bytes())) }
    }

    /// What was counted, and in which division.
    pub fn counted(&self) -> Result<Option<(DivisionId, Value)>, Damaged> {
        let (Some(division), Some(Bytes(value))) = (&self.division, &self.value) else { return Ok(None) };
        Ok(Some((division.clone(), Value::from_bytes(value)?)))
    }
}

impl Chunk {
    /// The chunks of these bytes.
    pub fn of(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks(CHUNK).map(|chunk| Self { bytes: Bytes(chunk.to_vec()), ttl: ttl() })
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(AnyBytes)
    }
}

struct AnyBytes;

impl Visitor<'_> for AnyBytes {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }
}
