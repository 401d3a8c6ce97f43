//! Counting refused activations by where they come from.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::item::TriesItem;
use super::{CampaignStore, keys};
use crate::table::{StoreError, Updated};

/// How long refused tries are counted together.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

impl CampaignStore {
    /// Counts one more refused try from a source, such as a network address; answers how many there were in this [`WINDOW`]. The source
    /// is kept as a hash that changes with the window, until DynamoDB drops it some time after ten minutes: whoever reads the table doesn't see
    /// addresses, but could try them all.
    pub async fn refused_from(&self, source: &str, now: Timestamp) -> Result<u64, StoreError> {
        let window = now.as_second().div_euclid(WINDOW.as_secs());
        let digest = Sha256::new().chain_update(window.to_be_bytes()).chain_update(source).finalize();
        let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let count =
            self.table.update(keys::tries(&hash)).set("ttl", (now + WINDOW + WINDOW).as_second()).add("tries", 1);
        match self.table.run_and_get("count a refused try", count).await? {
            Updated::Done(TriesItem { tries }) => Ok(tries),
            // It has no condition.
            Updated::Refused(_) => Ok(0),
        }
    }
}
