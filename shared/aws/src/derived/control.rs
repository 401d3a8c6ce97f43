//! Epochs, owners that were set aside, and how far the numbers have come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::apply::if_rev;
use super::{Derived, keys};
use crate::clock;
use crate::directory::heartbeat::HEARTBEATS;
use crate::directory::read::Owner;
use crate::table::condition::{absent, is};
use crate::table::{Attempts, StoreError};

/// The epoch that changes are counted in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Its name.
    #[serde(rename = "building")]
    pub epoch: String,
    /// When it began. An earlier release did not record it.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// Everything that was written before it began is counted too.
    #[serde(default)]
    pub live: bool,
}

/// An owner that can't be counted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Aside {
    /// The owner.
    pub owner: Owner,
    /// Another one each time that counting fails.
    pub token: String,
}

/// The newest heartbeats before which everything in their shard of the stream is counted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The number of writes.
    pub rev: u64,
    /// The time of each heartbeat, by its number.
    pub beats: BTreeMap<String, Timestamp>,
}

impl Derived {
    /// The epoch that changes are counted in; `None` if none has begun.
    pub async fn control(&self) -> Result<Option<Control>, StoreError> {
        self.table.get("read the epoch", &keys::control()).await
    }

    /// The epoch in which everything is counted; `None` if there is none.
    pub async fn live_epoch(&self) -> Result<Option<String>, StoreError> {
        Ok(self.control().await?.filter(|control| control.live).map(|control| control.epoch))
    }

    /// Begins an epoch in place of another one, or the first. `false` if another invocation was faster.
    pub async fn begin(&self, before: Option<&Control>) -> Result<bool, StoreError> {
        let now = clock::now();
        let new = Control { epoch: clock::new_event_id(now), began: Some(now), live: false };
        let put = self.table.put(keys::control(), &new).when(match before {
            None => absent(),
            Some(before) => is("building", &before.epoch),
        });
        self.table.run("begin an epoch", put).await
    }

    /// Records that an owner can't be counted, so the numbers of its division are not those of a recount.
    pub async fn set_aside(&self, epoch: &str, owner: &Owner) -> Result<(), StoreError> {
        let aside = Aside { owner: owner.clone(), token: clock::new_token() };
        self.table.run("set an owner aside", self.table.put(keys::aside(epoch, owner), &aside)).await?;
        Ok(())
    }

    /// The owners that can't be counted.
    pub async fn aside(&self, epoch: &str) -> Result<Vec<Aside>, StoreError> {
        self.table.all("list owners that are set aside", keys::all_aside(epoch)).await
    }

    /// Takes back that an owner can't be counted, unless counting it has failed again since `aside` was read.
    pub async fn readmit(&self, epoch: &str, aside: &Aside) -> Result<(), StoreError> {
        let delete = self.table.delete(keys::aside(epoch, &aside.owner)).when(is("token", &aside.token));
        self.table.run("readmit an owner", delete).await?;
        Ok(())
    }

    /// Records heartbeats, before which everything in their shard of the stream is counted.
    pub async fn see(&self, beats: &BTreeMap<u8, Timestamp>) -> Result<(), StoreError> {
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let mut seen = self.table.get("read heartbeats", &keys::seen()).await?.unwrap_or_default();
            for (number, at) in beats {
                let newest = seen.beats.entry(number.to_string()).or_insert(*at);
                *newest = (*newest).max(*at);
            }
            let before = seen.rev;
            seen.rev += 1;
            let put = self.table.put(keys::seen(), &seen).when(if_rev(before));
            if self.table.run("record heartbeats", put).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy("record heartbeats"))
    }

    /// Everything that was written before this time is counted; `None` until all heartbeats have come.
    pub async fn as_of(&self) -> Result<Option<Timestamp>, StoreError> {
        let seen: Seen = self.table.get("read heartbeats", &keys::seen()).await?.unwrap_or_default();
        let oldest = (0..HEARTBEATS).map(|number| seen.beats.get(&number.to_string()).copied());
        Ok(oldest.collect::<Option<Vec<_>>>().and_then(|beats| beats.into_iter().min()))
    }
}
