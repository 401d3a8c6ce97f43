//! Counts acceptances by the campaign that mailed the password, and by the time from the e-mail to the acceptance.

use portal_domain::campaign::Acceptances;
use portal_domain::{Campaign, CampaignId, RecipientId, Shard};
use serde_json::{Map, Value};

use super::keys::shard_pk;
use crate::context::Context;
use crate::directory::item::Acceptance;
use crate::settings::InvalidSetting;
use crate::table::{Key, StoreError, Table, Update};

/// The prefix of the attributes that count a bin of [`Acceptances`].
const BIN: &str = "bin";

/// The counters of acceptances, one item per shard of a campaign.
#[derive(Clone, Debug)]
pub(crate) struct AcceptanceCounters {
    table: Table,
}

impl AcceptanceCounters {
    /// The counters in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")? })
    }

    /// The update that counts an acceptance (`by` 1), or one that is taken back (-1).
    pub fn count(&self, recipient: RecipientId, acceptance: &Acceptance, by: i64) -> Update {
        let counted = self.table.update(key(acceptance.campaign_id, recipient.shard()));
        counted.add(&format!("{BIN}{}", Acceptances::bin(acceptance.seconds)), by)
    }

    /// The acceptances of the passwords that a campaign mailed.
    pub async fn read(&self, campaign: &Campaign) -> Result<Acceptances, StoreError> {
        let counted = campaign.shards().into_iter().map(|shard| key(campaign.campaign_id, shard));
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

fn key(campaign: CampaignId, shard: Shard) -> Key<Map<String, Value>> {
    Key::new(shard_pk(campaign, shard), "ACCEPTANCES")
}
