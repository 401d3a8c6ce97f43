//! Refused activations in the table Campaigns, counted by source.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{Key, StoreError, Table, Updated};

/// The window of time in which the refusals of a source are counted together.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The counters of refused activations.
#[derive(Clone, Debug)]
pub struct Refusals {
    table: Table,
}

/// The refused activations of one source in one window.
#[derive(Debug, Deserialize)]
struct TriesItem {
    tries: u64,
}

impl Refusals {
    /// The counters in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")? })
    }

    /// Counts a refused activation from a source, such as a network address, and returns their number in this
    /// [`WINDOW`]. The source is stored as a hash that changes with the window and that DynamoDB deletes some time
    /// after ten minutes. Readers of the table see no addresses, but could find one by hashing all of them.
    pub async fn count(&self, source: &str, now: Timestamp) -> Result<u64, StoreError> {
        let window = now.as_second().div_euclid(WINDOW.as_secs());
        let digest = Sha256::new().chain_update(window.to_be_bytes()).chain_update(source).finalize();
        let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let key = Key::<TriesItem>::new(format!("SOURCE#{hash}"), "TRIES");
        let count = self.table.update(key).set("ttl", (now + WINDOW + WINDOW).as_second()).add("tries", 1);
        match self.table.run_and_get("count a refused activation", count).await? {
            Updated::Done(TriesItem { tries }) => Ok(tries),
            // An update without a condition is never refused.
            Updated::Refused(_) => Ok(0),
        }
    }
}
