//! Counting a selection, for whoever shows or checks numbers: from the derived numbers if they include everything that
//! was written before the request, or else from the index.
//!
//! Small divisions are counted from the index: that takes a moment, and costs less than the proof that the numbers are
//! up to date.
//!
//! The stream of the table Directory shows heartbeats after what was written before them. So a request writes
//! heartbeats and waits until they are counted: then so is everything that was answered before the request, such as an
//! import. If that takes longer than usual, the index is counted at the same time, and the faster one answers. A
//! division that is too large for the index gets numbers that are at most three minutes old, or none.
//!
//! **Order of reads.** Heartbeats first, then the epoch, then who is set aside, then the numbers. An invocation that
//! has counted a heartbeat has counted everything before it in the epoch that was current then, or has set it aside
//! before.

use std::time::Duration;

use futures::try_join;
use jiff::{SignedDuration, Timestamp};
use portal_domain::selection::{Counts, Rules};
use portal_domain::{DivisionId, Filter};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::pin;
use tokio::time::{sleep, timeout};

use super::Derived;
use crate::clock;
use crate::context::Context;
use crate::directory::heartbeat;
use crate::directory::read::DirectoryReader;
use crate::settings::InvalidSetting;
use crate::table::{StoreError, Table};

/// From so many people on, a division is counted from its numbers, unless `LARGE_DIVISION` says otherwise. The index of
/// 20,000 is read in less than a second (32 µs of CPU a row), for about 1,000 read units; a proof takes 1 to 3 seconds
/// and 64 write units.
const LARGE: f64 = 20_000.0;

/// How long heartbeats are waited for before the index is counted as well. The stream's function is called a second
/// after a write.
const USUAL: Duration = Duration::from_secs(4);

/// How long the index may take. API Gateway waits for 29 seconds.
const INDEX: Duration = Duration::from_secs(20);

/// Older numbers are none.
const OLDEST: SignedDuration = SignedDuration::from_mins(3);

/// The pause between two looks at the heartbeats that are counted.
const LOOK: Duration = Duration::from_millis(100);

/// Heartbeats are written again if the first are not counted after this time: a clock may be slow.
const BEAT: Duration = Duration::from_secs(2);

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CountedFrom {
    /// The division's numbers, which follow each change.
    Numbers,
    /// The recipients and accounts in the index.
    Index,
}

/// The counts of a selection.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The counts.
    pub counts: Counts,
    /// They include everything that was written before this time.
    pub as_of: Timestamp,
    /// What was counted.
    pub from: CountedFrom,
}

/// Why a selection could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The division is too large for the index, and its numbers are too old.
    #[error("the division is too large to be counted from the index, and its numbers are too old")]
    Behind(Behind),
}

/// How far the numbers are behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// They include everything that was written before this time, once they are complete.
    pub as_of: Option<Timestamp>,
    /// So many recipients and accounts of all divisions are counted, and others are not yet; `None` if all are.
    pub counted: Option<u64>,
}

/// Counts selections.
#[derive(Clone, Debug)]
pub struct Counting {
    derived: Derived,
    directory: DirectoryReader,
    heartbeats: Table,
    large: f64,
}

impl Counting {
    /// Builds it from a function's settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            derived: Derived::new(context)?,
            directory: DirectoryReader::new(context)?,
            heartbeats: context.table("DIRECTORY_TABLE")?,
            large: context.settings.number("LARGE_DIVISION")?.unwrap_or(LARGE),
        })
    }

    /// The counts, with everything that was written before the call. Those of a division that is too large for the
    /// index may be up to three minutes old.
    pub async fn counts(&self, filter: &Filter, rules: Rules) -> Result<Counted, CountError> {
        let proved = self.proved(filter, rules, clock::now());
        pin!(proved);
        let index = match timeout(USUAL, &mut proved).await {
            Ok(Some(counted)) => return Ok(counted),
            Ok(None) => self.by_index(filter, rules).await?,
            Err(_) => {
                let index = self.by_index(filter, rules);
                tokio::select! {
                    biased;
                    Some(counted) = &mut proved => return Ok(counted),
                    index = index => index?,
                }
            }
        };
        let Some(counted) = index else { return self.recent(filter, rules).await };
        Ok(counted)
    }

    /// The counts, from the index alone.
    pub async fn strong_counts(&self, filter: &Filter, rules: Rules) -> Result<Counted, CountError> {
        match self.by_index(filter, rules).await? {
            Some(counted) => Ok(counted),
            None => Err(CountError::Behind(self.behind().await?)),
        }
    }

    /// `None` if the division is too large.
    async fn by_index(&self, filter: &Filter, rules: Rules) -> Result<Option<Counted>, StoreError> {
        let Ok(counts) = timeout(INDEX, self.directory.counts(filter, rules)).await else { return Ok(None) };
        Ok(Some(Counted { counts: counts?, as_of: rules.now, from: CountedFrom::Index }))
    }

    /// The counts from numbers with everything that was written before a time, however long that takes; `None` if there
    /// are no such numbers.
    async fn proved(&self, filter: &Filter, rules: Rules, time: Timestamp) -> Option<Counted> {
        let proved = async {
            if !self.is_large(&filter.division, rules).await? {
                return Ok(None);
            }
            self.prove(time).await?;
            self.by_numbers(filter, rules, time).await
        };
        proved.await.unwrap_or_else(|error: StoreError| {
            // The index may be there.
            tracing::warn!(error = %error, division.id = %filter.division, "the numbers can't be read");
            None
        })
    }

    /// Whether a division has numbers, in which it is large. They need not be up to date for that.
    async fn is_large(&self, division: &DivisionId, rules: Rules) -> Result<bool, StoreError> {
        let Some(epoch) = self.derived.live_epoch().await? else { return Ok(false) };
        let Some(numbers) = self.derived.read(&epoch, division, rules.audience.has_limits()).await? else {
            return Ok(false);
        };
        let counts = numbers.counts(&Filter::whole(division.clone()), rules)?;
        Ok(counts.total as f64 >= self.large)
    }

    /// Waits until everything is counted that was written before this time.
    async fn prove(&self, time: Timestamp) -> Result<(), StoreError> {
        let is_proved = async || Ok::<_, StoreError>(self.derived.as_of().await?.is_some_and(|as_of| as_of >= time));
        if is_proved().await? {
            return Ok(());
        }
        // The stream tells whole seconds. A heartbeat of the next one is surely later.
        let next_second = time.as_second() + 1;
        let next_second = Timestamp::from_second(next_second).unwrap_or(time);
        sleep(next_second.duration_since(clock::now()).max(SignedDuration::ZERO).unsigned_abs()).await;
        loop {
            heartbeat::beat(&self.heartbeats, clock::now()).await?;
            let looked = async {
                while !is_proved().await? {
                    sleep(LOOK).await;
                }
                Ok(())
            };
            if let Ok(proved) = timeout(BEAT, looked).await {
                return proved;
            }
        }
    }

    /// The counts from numbers with everything that was written before a time; `None` if there are no such numbers.
    async fn by_numbers(
        &self,
        filter: &Filter,
        rules: Rules,
        at_least: Timestamp,
    ) -> Result<Option<Counted>, StoreError> {
        let Some(as_of) = self.derived.as_of().await?.filter(|as_of| *as_of >= at_least) else { return Ok(None) };
        let Some(epoch) = self.derived.live_epoch().await? else { return Ok(None) };
        if !self.derived.aside(&epoch).await?.is_empty() {
            return Ok(None);
        }
        let pending = rules.audience.has_limits();
        let Some(numbers) = self.derived.read(&epoch, &filter.division, pending).await? else { return Ok(None) };
        let counts = numbers.counts(filter, rules)?;
        Ok(Some(Counted { counts, as_of: as_of.min(rules.now), from: CountedFrom::Numbers }))
    }

    /// The counts from numbers that are not too old.
    async fn recent(&self, filter: &Filter, rules: Rules) -> Result<Counted, CountError> {
        match self.by_numbers(filter, rules, clock::now() - OLDEST).await? {
            Some(counted) => Ok(counted),
            None => Err(CountError::Behind(self.behind().await?)),
        }
    }

    async fn behind(&self) -> Result<Behind, StoreError> {
        let (control, as_of) = try_join!(self.derived.control(), self.derived.as_of())?;
        let counted = match control {
            Some(control) if control.live => None,
            Some(control) => Some(self.derived.build(&control.epoch).await?.counted),
            None => Some(0),
        };
        Ok(Behind { as_of, counted })
    }
}
