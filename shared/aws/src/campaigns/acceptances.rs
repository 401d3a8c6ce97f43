//! Counting who accepts, by the campaign whose password it was.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use portal_domain::campaign::Acceptances;
use portal_domain::{Campaign, RecipientId};

use super::{CampaignStore, keys};
use crate::directory::item::Acceptance;
use crate::dynamo::{StoreError, batch_get, key, n, update};

/// What the names of attributes that count a bin begin with.
const BIN: &str = "bin";

impl CampaignStore {
    /// The action that counts an acceptance (`by` 1), or one that is taken back (-1).
    pub(super) fn count_acceptance(
        &self,
        recipient: RecipientId,
        acceptance: &Acceptance,
        by: i64,
    ) -> Result<TransactWriteItem, StoreError> {
        let counted = key(keys::shard_pk(acceptance.campaign_id, recipient.shard()), keys::ACCEPTANCES);
        update(
            Update::builder()
                .table_name(&self.table)
                .set_key(Some(counted))
                .update_expression(format!("ADD {BIN}{} :by", Acceptances::bin(acceptance.seconds)))
                .expression_attribute_values(":by", n(by)),
        )
    }

    /// Who accepted with a password of this campaign.
    pub(super) async fn acceptances(&self, campaign: &Campaign) -> Result<Acceptances, StoreError> {
        let shards = campaign.shards().into_iter();
        let wanted = shards
            .map(|shard| (self.table.clone(), key(keys::shard_pk(campaign.campaign_id, shard), keys::ACCEPTANCES)));
        let mut acceptances = Acceptances::default();
        for (_, item) in batch_get(&self.client, wanted.collect()).await? {
            for (name, number) in &item {
                if let (Some(Ok(bin)), Some(number)) = (name.strip_prefix(BIN).map(str::parse), whole(number)) {
                    acceptances.add(bin, number);
                }
            }
        }
        Ok(acceptances)
    }
}

fn whole(number: &AttributeValue) -> Option<i64> {
    number.as_n().ok()?.parse().ok()
}
