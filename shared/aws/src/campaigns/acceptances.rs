//! Counting who accepts, by the campaign whose password it was.

use portal_domain::campaign::Acceptances;
use portal_domain::{Campaign, RecipientId};

use super::{CampaignStore, keys};
use crate::directory::item::Acceptance;
use crate::table::{StoreError, Update};

/// What the names of attributes that count a bin begin with.
const BIN: &str = "bin";

impl CampaignStore {
    /// The action that counts an acceptance (`by` 1), or one that is taken back (-1).
    pub(super) fn count_acceptance(&self, recipient: RecipientId, acceptance: &Acceptance, by: i64) -> Update {
        let counted = self.table.update(keys::acceptances(acceptance.campaign_id, recipient.shard()));
        counted.add(&format!("{BIN}{}", Acceptances::bin(acceptance.seconds)), by)
    }

    /// Who accepted with a password of this campaign.
    pub(super) async fn acceptances(&self, campaign: &Campaign) -> Result<Acceptances, StoreError> {
        let shards = campaign.shards().into_iter();
        let counted = shards.map(|shard| keys::acceptances(campaign.campaign_id, shard));
        let mut acceptances = Acceptances::default();
        for item in self.table.get_each("read acceptances", counted).await? {
            for (name, number) in &item {
                if let (Some(Ok(bin)), Some(number)) = (name.strip_prefix(BIN).map(str::parse), number.as_i64()) {
                    acceptances.add(bin, number);
                }
            }
        }
        Ok(acceptances)
    }
}
