//! Counting what was written before an epoch began.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::apply::if_rev;
use super::{Derived, keys};
use crate::directory::read::Owner;
use crate::table::condition::is;
use crate::table::{ItemName, StoreError};

/// Items of the table Directory in one part: few enough that the invocation which counts it has time left.
const PART: usize = 1_000;

/// How far everything that is stored is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The number of writes; 0 if there was none.
    pub rev: u64,
    /// The last item of the table Directory up to which all are counted; `None` before the first part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ItemName>,
    /// How many recipients and accounts were counted.
    #[serde(default)]
    pub counted: u64,
}

/// A part of everything that is stored.
#[derive(Debug)]
pub struct Part {
    /// The recipients and accounts in it.
    pub owners: BTreeSet<Owner>,
    /// The state once they are counted; `None` if this is the last part.
    pub next: Option<Build>,
}

impl Derived {
    /// How far everything that is stored is counted.
    pub async fn build(&self, epoch: &str) -> Result<Build, StoreError> {
        Ok(self.table.get("read how far everything is counted", &keys::build(epoch)).await?.unwrap_or_default())
    }

    /// The part that has to be counted next.
    pub async fn part(&self, build: &Build) -> Result<Part, StoreError> {
        let (owners, last) = self.directory.owners_after(build.after.as_ref(), PART).await?;
        let next = last.map(|last| Build {
            rev: build.rev + 1,
            after: Some(last),
            counted: build.counted + u64::try_from(owners.len()).unwrap_or(u64::MAX),
        });
        Ok(Part { owners, next })
    }

    /// Records that a part is counted. `false` if another invocation has counted a part meanwhile.
    pub async fn advance(&self, epoch: &str, next: &Build) -> Result<bool, StoreError> {
        let put = self.table.put(keys::build(epoch), next).when(if_rev(next.rev - 1));
        self.table.run("record how far everything is counted", put).await
    }

    /// Makes an epoch live, all parts of which are counted. `false` if another epoch has begun.
    pub async fn go_live(&self, epoch: &str) -> Result<bool, StoreError> {
        let update = self.table.update(keys::control()).set("live", true).when(is("building", epoch));
        self.table.run("make an epoch live", update).await
    }
}
