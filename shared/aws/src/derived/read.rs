//! Reading a division's numbers.

use std::time::Duration;

use portal_domain::numbers::{Base, Inconsistent, LargeSet, Log};
use portal_domain::selection::{Counts, Rules};
use portal_domain::{DivisionId, Filter};

use super::item::{Chunk, Head};
use super::{Derived, keys};
use crate::table::{Batch, Key, StoreError};

/// How often reading begins anew if a part is missing, and after which pause: a transaction may be visible in part for
/// a moment.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// A division's numbers at one moment.
#[derive(Debug)]
pub struct DivisionNumbers {
    /// The numbers up to a fold.
    pub base: Base,
    /// The changes since.
    pub log: Log,
}

impl DivisionNumbers {
    /// The counts of a filter. An audience with limits needs numbers that were read with `pending`.
    pub fn counts(&self, filter: &Filter, rules: Rules) -> Result<Counts, Inconsistent> {
        self.base.counts(filter, rules, &self.log)
    }
}

impl Derived {
    /// A division's numbers, for an audience with limits with `pending`. `None` if a part of them stays missing.
    pub async fn read(
        &self,
        epoch: &str,
        division: &DivisionId,
        pending: bool,
    ) -> Result<Option<DivisionNumbers>, StoreError> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let head = self.head(epoch, division).await?;
            if let Some(numbers) = self.read_at(epoch, division, &head, pending).await? {
                return Ok(Some(numbers));
            }
        }
        Ok(None)
    }

    /// The head of a division's numbers; an empty one if nothing was counted there.
    pub(super) async fn head(&self, epoch: &str, division: &DivisionId) -> Result<Head, StoreError> {
        Ok(self.table.get("read a head", &keys::head(epoch, division)).await?.unwrap_or_default())
    }

    /// The numbers up to a head; `None` if a part is missing.
    pub(super) async fn read_at(
        &self,
        epoch: &str,
        division: &DivisionId,
        head: &Head,
        pending: bool,
    ) -> Result<Option<DivisionNumbers>, StoreError> {
        let Some(base) = self.base(head, pending).await? else { return Ok(None) };
        let logs: Vec<_> = (head.first..head.next).map(|number| keys::log(epoch, division, number)).collect();
        let Some(logs) = self.each("read logs", logs).await? else { return Ok(None) };
        let mut log = Log::default();
        for item in logs {
            log.read(&item.frames.0)?;
        }
        log.read(&head.tail.0)?;
        let named = log.large_sets();
        for name in base.unknown_large_sets(&named) {
            let Some(set) = self.large_set(epoch, name).await? else { return Ok(None) };
            log.define(set);
        }
        Ok(Some(DivisionNumbers { base, log }))
    }

    async fn base(&self, head: &Head, pending: bool) -> Result<Option<Base>, StoreError> {
        let Some(generation) = &head.generation else { return Ok(Some(Base::empty())) };
        let main = (0..head.main_chunks).map(|chunk| keys::main_chunk(generation, chunk));
        let of_pending =
            (0..head.pending_chunks).filter(|_| pending).map(|chunk| keys::pending_chunk(generation, chunk));
        let Some(mut main) = self.each("read a base", main.chain(of_pending).collect()).await? else { return Ok(None) };
        let of_pending = main.split_off(head.main_chunks);
        let joined = |chunks: Vec<Chunk>| chunks.into_iter().flat_map(|chunk| chunk.bytes.0).collect::<Vec<u8>>();
        let base = Base::read(&joined(main))?;
        Ok(Some(if pending { base.with_pending(&joined(of_pending))? } else { base }))
    }

    async fn large_set(&self, epoch: &str, name: &[u8; 16]) -> Result<Option<LargeSet>, StoreError> {
        let chunks = self.table.all("read a set", keys::set(epoch, name)).await?;
        let definition: Vec<u8> = chunks.into_iter().flat_map(|chunk: Chunk| chunk.bytes.0).collect();
        // Its chunks are written one after the other, so some may be missing.
        let set = LargeSet::from_bytes(&definition).ok();
        Ok(set.filter(|set| set.name() == *name))
    }

    /// All items with these keys, in their order; `None` if one is missing.
    async fn each<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        keys: Vec<Key<T>>,
    ) -> Result<Option<Vec<T>>, StoreError> {
        let mut batch = Batch::new(what);
        keys.iter().for_each(|key| batch.want(&self.table, key));
        let mut found = batch.read(&self.table).await?;
        keys.iter().map(|key| found.take(&self.table, key)).collect()
    }
}
