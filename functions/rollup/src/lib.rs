//! `rollup`: keeps the numbers of divisions while recipients and accounts change ([`portal_aws::derived`]).
//!
//! The stream of the table Directory says who was written; the function reads how they are now. So records may come
//! twice, late, in any batches, and to several invocations at once. A batch that fails comes again as a whole: the
//! stream must not go on without it, since a heartbeat behind it would claim that it is counted.
//!
//! Changes are counted in an epoch, which begins with the first batch. It is live once everything is counted that was
//! written before. The batch that begins an epoch tries that for some seconds, and each tick for some minutes. A batch
//! with records so old that earlier ones may have expired begins another epoch.
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
use portal_aws::derived::{Control, Derived, Folded};
use portal_aws::directory::heartbeat;
use portal_aws::directory::read::{DirectoryReader, Owner};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{Attempts, StoreError, Table};
use portal_domain::DivisionId;
use serde_json::Value;

/// Heartbeats that were written this long ago are counted, or something is wrong: they are written every ten minutes.
const LATE: SignedDuration = SignedDuration::from_mins(30);

/// Records of this age may come after ones that have expired: a stream keeps them for 24 hours.
const EXPIRING: SignedDuration = SignedDuration::from_hours(20);

/// How long a tick counts what was written before the epoch began. The function has five minutes.
const TICK_BUILDS: SignedDuration = SignedDuration::from_secs(200);

/// How long a batch does, which others wait for. It is enough for a stack without customers.
const BATCH_BUILDS: SignedDuration = SignedDuration::from_secs(10);

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

    async fn count(&self, Batch { owners, beats, oldest }: Batch) -> Result<(), RollupError> {
        let (count, now) = (owners.len(), clock::now());
        let (mut control, mut begins) = self.control().await?;
        if oldest.is_some_and(|oldest| may_lack_records(&control, oldest, now)) {
            tracing::error!(epoch = control.epoch, "records may have expired: everything is counted anew");
            self.derived.begin(Some(&control)).await?;
            (control, begins) = (self.control().await?.0, true);
        }
        self.count_all(&control.epoch, owners).await?;
        if begins && let Err(error) = self.build(&control.epoch, now + BATCH_BUILDS).await {
            // The next tick goes on, and the batch is counted.
            tracing::warn!(error = %error, "what was written before is not counted yet");
        }
        // Heartbeats claim that everything before them is counted, so they come last.
        if !beats.is_empty() {
            self.derived.see(&beats).await?;
        }
        tracing::info!(owners = count, heartbeats = beats.len(), "counted");
        Ok(())
    }

    /// The epoch, which begins if there is none, and whether it began now.
    async fn control(&self) -> Result<(Control, bool), RollupError> {
        let mut begins = false;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            if let Some(control) = self.derived.control().await? {
                return Ok((control, begins));
            }
            begins = self.derived.begin(None).await?;
        }
        Err(StoreError::Busy("begin an epoch").into())
    }

    /// Counts what was written before an epoch began, until that is done or until a time.
    async fn build(&self, epoch: &str, until: Timestamp) -> Result<(), RollupError> {
        loop {
            let build = self.derived.build(epoch).await?;
            let part = self.derived.part(&build).await?;
            self.count_all(epoch, part.owners).await?;
            let Some(next) = part.next else {
                self.derived.go_live(epoch).await?;
                tracing::info!(epoch, "everything is counted");
                return Ok(());
            };
            // If another invocation was faster, this one goes on where that one is.
            self.derived.advance(epoch, &next).await?;
            if clock::now() >= until {
                tracing::info!(epoch, owners = next.counted, "not everything is counted yet");
                return Ok(());
            }
        }
    }

    /// Counts owners, and folds logs that have become too long.
    async fn count_all(&self, epoch: &str, owners: BTreeSet<Owner>) -> Result<(), StoreError> {
        for division in self.apply(epoch, owners).await? {
            // The numbers are right without it, and the next tick folds too.
            if let Err(error) = self.fold(epoch, &division).await {
                tracing::warn!(division.id = %division, error = %error, "a division's logs could not be folded");
            }
        }
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
        let Control { epoch, live, .. } = self.control().await?.0;
        heartbeat::beat(&self.table, now).await?;
        if !live {
            self.build(&epoch, now + TICK_BUILDS).await?;
        }
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

/// Whether records that are older than `oldest` and belong to this epoch may have expired unread. Everything that was
/// written before an epoch began is counted in it in any case.
fn may_lack_records(control: &Control, oldest: Timestamp, now: Timestamp) -> bool {
    now.duration_since(oldest) > EXPIRING && control.began.is_none_or(|began| began < oldest)
}
