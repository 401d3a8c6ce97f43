//! `rollup`: keeps the numbers of divisions while recipients and accounts change ([`portal_aws::derived`]).
//!
//! The stream of the table Directory says who was written; the function reads how they are now. So records may come
//! twice, late, in any batches, and to several invocations at once. A batch that fails comes again as a whole: the
//! stream must not go on without it, since a heartbeat behind it would claim that it is counted.
//!
//! Poison records: an owner that can't be counted for a reason that lasts is set aside, and the others go on. Every ten
//! minutes a tick tries such owners again, writes heartbeats and folds logs. The tick fails while an owner is set aside
//! or counting is late, so that the alarm of failed functions goes off.

mod event;

use std::collections::BTreeSet;

use event::{Batch, Event};
use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::derived::{Derived, Folded};
use portal_aws::directory::heartbeat;
use portal_aws::directory::read::{DirectoryReader, Owner};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{StoreError, Table};
use portal_domain::DivisionId;
use serde_json::Value;

/// Heartbeats that were written this long ago are counted, or something is wrong: they are written every ten minutes.
const LATE: SignedDuration = SignedDuration::from_mins(30);

/// The event was not handled in full; it comes again.
#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    /// The event has not the form of the stream's.
    #[error("the event can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Everything else was done, but these owners can't be counted.
    #[error("{0} recipients and accounts can't be counted; the lines before say which, and why")]
    SetAside(usize),
    /// Everything else was done, but changes wait to be counted.
    #[error("changes wait to be counted for more than {LATE:#}")]
    Late,
    /// A part of a division's numbers is missing.
    #[error("a part of the numbers of {0} is missing")]
    Incomplete(DivisionId),
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Rollup {
    table: Table,
    directory: DirectoryReader,
    derived: Derived,
}

impl Rollup {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("DIRECTORY_TABLE")?,
            directory: DirectoryReader::new(context)?,
            derived: Derived::new(context)?,
        })
    }

    /// Counts what the stream says, or does what is due every ten minutes.
    pub async fn handle(&self, event: Value) -> Result<(), RollupError> {
        match serde_json::from_value::<Event>(event)?.batch() {
            Some(batch) => self.count(batch).await,
            None => self.tick(clock::now()).await,
        }
    }

    async fn count(&self, Batch { owners, beats }: Batch) -> Result<(), RollupError> {
        let count = owners.len();
        if !owners.is_empty() {
            let epoch = self.derived.epoch().await?;
            for division in self.apply(&epoch, owners).await? {
                // The numbers are right without it, and the next tick folds too.
                if let Err(error) = self.fold(&epoch, &division).await {
                    tracing::warn!(division.id = %division, error = %error, "a division's logs could not be folded");
                }
            }
        }
        // Heartbeats claim that everything before them is counted, so they come last.
        if !beats.is_empty() {
            self.derived.see(&beats).await?;
        }
        tracing::info!(owners = count, heartbeats = beats.len(), "counted");
        Ok(())
    }

    /// Counts owners. If that fails for a reason that lasts, each is counted by itself.
    async fn apply(&self, epoch: &str, owners: BTreeSet<Owner>) -> Result<BTreeSet<DivisionId>, StoreError> {
        match self.derived.apply(epoch, owners.clone()).await {
            Err(error) if !error.is_transient() => {}
            applied => return applied,
        }
        let mut overlong = BTreeSet::new();
        for owner in owners {
            match self.derived.apply(epoch, BTreeSet::from([owner.clone()])).await {
                Ok(more) => overlong.extend(more),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    self.derived.set_aside(epoch, &owner).await?;
                    tracing::error!(owner = ?owner, error = %error, "an owner can't be counted");
                }
            }
        }
        Ok(overlong)
    }

    async fn tick(&self, now: Timestamp) -> Result<(), RollupError> {
        let epoch = self.derived.epoch().await?;
        heartbeat::beat(&self.table, now).await?;
        for division in self.directory.divisions().await? {
            if self.derived.is_fold_due(&epoch, &division.division, now).await? {
                self.fold(&epoch, &division.division).await?;
            }
        }
        let aside = self.count_aside(&epoch).await?;
        if aside > 0 {
            return Err(RollupError::SetAside(aside));
        }
        match self.derived.as_of().await? {
            Some(as_of) if now.duration_since(as_of) > LATE => Err(RollupError::Late),
            _ => Ok(()),
        }
    }

    /// Counts the owners that are set aside; answers how many still can't be counted.
    async fn count_aside(&self, epoch: &str) -> Result<usize, StoreError> {
        let mut left = 0;
        for aside in self.derived.aside(epoch).await? {
            match self.derived.apply(epoch, BTreeSet::from([aside.owner.clone()])).await {
                Ok(_) => self.derived.readmit(epoch, &aside).await?,
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::error!(owner = ?aside.owner, error = %error, "an owner can't be counted");
                    left += 1;
                }
            }
        }
        Ok(left)
    }

    async fn fold(&self, epoch: &str, division: &DivisionId) -> Result<(), RollupError> {
        match self.derived.fold(epoch, division).await? {
            Folded::Incomplete => Err(RollupError::Incomplete(division.clone())),
            Folded::Done | Folded::Overtaken => Ok(()),
        }
    }
}
