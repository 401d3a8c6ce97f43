//! Counting refused activations by where they come from.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, key, n};

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
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::source_pk(&hash), keys::TRIES)))
            .update_expression("SET #ttl = :ttl ADD tries :one")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", n((now + WINDOW + WINDOW).as_second()))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| StoreError::of("count a refused try", error))?;
        let tries = answer.attributes.and_then(|attributes| attributes.get("tries")?.as_n().ok()?.parse().ok());
        Ok(tries.unwrap_or(0))
    }
}
