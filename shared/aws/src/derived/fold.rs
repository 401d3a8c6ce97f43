//! Folding: a division's logs become part of its base.

use jiff::Timestamp;
use portal_domain::DivisionId;
use portal_domain::numbers::Numbers;
use portal_domain::standing::Hour;

use super::item::{Chunk, Head};
use super::{Derived, keys};
use crate::clock;
use crate::table::condition::{exists, is, lacks};
use crate::table::{Key, StoreError};

/// How a fold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// There is a new base.
    Done,
    /// Another fold was faster.
    Overtaken,
    /// A part of the numbers is missing.
    Incomplete,
}

impl Derived {
    /// Whether a division's logs are worth a fold at `now`, or its base is too old.
    pub async fn is_fold_due(&self, epoch: &str, division: &DivisionId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.head(epoch, division).await?.is_due(now))
    }

    /// Writes a new base from a division's base and logs, for all times from now on. A fold that is killed changes
    /// nothing: chunks that no head names expire.
    pub async fn fold(&self, epoch: &str, division: &DivisionId) -> Result<Folded, StoreError> {
        let now = clock::now();
        let head = self.head(epoch, division).await?;
        let Some(numbers) =
            self.read_at(epoch, division, &Head { tail: Default::default(), ..head.clone() }, true).await?
        else {
            return Ok(Folded::Incomplete);
        };
        let mut folded = Numbers::open(&numbers.base)?;
        folded.apply(&numbers.log)?;
        let encoded = folded.encode(Hour::of(now))?;
        let generation = clock::new_event_id(now);
        let main_chunks = self.put_chunks(&encoded.main, |chunk| keys::main_chunk(&generation, chunk)).await?;
        let pending_chunks = self.put_chunks(&encoded.pending, |chunk| keys::pending_chunk(&generation, chunk)).await?;
        let replace = self
            .table
            .update(keys::head(epoch, division))
            .set("generation", &generation)
            .set("mainChunks", main_chunks)
            .set("pendingChunks", pending_chunks)
            .set("first", head.next)
            .set("baseBytes", encoded.main.len() + encoded.pending.len())
            .set("folded", now)
            .add("logBytes", -i64::try_from(head.log_bytes).unwrap_or(i64::MAX))
            .when(match &head.generation {
                None => exists().and(lacks("generation")),
                Some(before) => is("generation", before),
            });
        let is_done = self.table.run("replace a base", replace).await?;
        Ok(if is_done { Folded::Done } else { Folded::Overtaken })
    }

    async fn put_chunks(&self, bytes: &[u8], key: impl Fn(usize) -> Key<Chunk>) -> Result<usize, StoreError> {
        let mut chunks = 0;
        for chunk in Chunk::of(bytes) {
            self.table.run("write a base", self.table.put(key(chunks), &chunk)).await?;
            chunks += 1;
        }
        Ok(chunks)
    }
}
