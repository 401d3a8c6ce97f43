//! How many e-mails the customers of a division are granted by asking, day by day in UTC.
//!
//! There is one item for each division and day, which each grant writes. It does not get hot: at most two functions
//! grant at once, each one after the other, and once the limit is reached they read it and write nothing.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use portal_domain::DivisionId;

use super::{CampaignStore, keys};
use crate::dynamo::{Item, StoreError, key, n, update};

/// How long after it was written last a day's number is kept, for whoever looks into it.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

impl CampaignStore {
    /// How many e-mails the customers of a division were granted on the day of `now`; what was granted a moment ago may
    /// be missing.
    pub async fn granted(&self, division: &DivisionId, now: Timestamp) -> Result<u64, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(granted_key(division, now)))
            .send()
            .await
            .map_err(|error| StoreError::of("read how many e-mails were granted", error))?;
        let granted = answer.item.and_then(|item| item.get("granted")?.as_n().ok()?.parse().ok());
        Ok(granted.unwrap_or(0))
    }

    /// The action that counts one more on the day of `now`, on the condition that there are fewer than `most`, which is
    /// above zero.
    pub(super) fn grant(
        &self,
        division: &DivisionId,
        most: u64,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        update(
            Update::builder()
                .table_name(&self.table)
                .set_key(Some(granted_key(division, now)))
                .update_expression("SET #ttl = :ttl ADD granted :one")
                .condition_expression("attribute_not_exists(granted) OR granted < :most")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", n((now + KEPT).as_second()))
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":most", n(most)),
        )
    }
}

fn granted_key(division: &DivisionId, now: Timestamp) -> Item {
    key(keys::granted_pk(division), now.to_zoned(TimeZone::UTC).date().to_string())
}
