//! How many e-mails the customers of a division are granted by asking, day by day in UTC.
//!
//! There is one item for each division and day, which each grant writes. It does not get hot: at most two functions
//! grant at once, each one after the other, and once the limit is reached they read it and write nothing.

use jiff::{SignedDuration, Timestamp};
use portal_domain::DivisionId;

use super::{CampaignStore, keys};
use crate::table::condition::{below, lacks};
use crate::table::{StoreError, Update};

/// How long after it was written last a day's number is kept, for whoever looks into it.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

impl CampaignStore {
    /// How many e-mails the customers of a division were granted on the day of `now`; what was granted a moment ago may
    /// be missing.
    pub async fn granted(&self, division: &DivisionId, now: Timestamp) -> Result<u64, StoreError> {
        let granted = self.table.get_stale("read how many e-mails were granted", &keys::granted(division, now)).await?;
        Ok(granted.map_or(0, |item| item.granted))
    }

    /// The action that counts one more on the day of `now`, on the condition that there are fewer than `most`, which is
    /// above zero.
    pub(super) fn grant(&self, division: &DivisionId, most: u64, now: Timestamp) -> Update {
        let update = self.table.update(keys::granted(division, now)).set("ttl", (now + KEPT).as_second());
        update.add("granted", 1).when(lacks("granted").or(below("granted", most)))
    }
}
