//! Reads everything that a delivery message is decided by.

use std::collections::{BTreeMap, HashMap};

use portal_domain::division::Division;
use portal_domain::{Campaign, CampaignId, DivisionId, RecipientId, Shard};

use super::Claims;
use crate::campaigns::keys;
use crate::campaigns::ledger::item::LedgerItem;
use crate::campaigns::ledger::keys as ledger_keys;
use crate::directory::item::RecipientItem;
use crate::directory::keys as directory_keys;
use crate::directory::read::DirectoryReader;
use crate::table::{Batch, StoreError};

/// Everything that one delivery message is decided by.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The campaign, if it exists.
    pub campaign: Option<Campaign>,
    /// Its division, if it exists.
    pub division: Option<Division>,
    /// The recipients that exist.
    pub recipients: HashMap<RecipientId, RecipientItem>,
    /// Their ledger rows.
    pub rows: BTreeMap<RecipientId, LedgerItem>,
}

impl Claims {
    /// Reads what a delivery message names, consistently. The recipients are as [`DirectoryReader`] shows them.
    pub async fn delivery(
        &self,
        campaign: CampaignId,
        division: &DivisionId,
        shard: Shard,
        recipients: &[RecipientId],
    ) -> Result<Delivery, StoreError> {
        let mut batch = Batch::new("read a delivery");
        batch.want(&self.table, &keys::campaign(campaign));
        batch.want(&self.directory, &directory_keys::division(division));
        for id in recipients {
            batch.want(&self.table, &ledger_keys::row(campaign, shard, *id));
            batch.want(&self.directory, &directory_keys::recipient(*id));
        }
        let mut found = batch.read(&self.table).await?;
        let (mut rows, mut items) = (BTreeMap::new(), Vec::with_capacity(recipients.len()));
        for id in recipients {
            rows.extend(found.take(&self.table, &ledger_keys::row(campaign, shard, *id))?.map(|row| (*id, row)));
            items.extend(found.take(&self.directory, &directory_keys::recipient(*id))?);
        }
        let seen = DirectoryReader::of(self.directory.clone()).show_items(items).await?;
        Ok(Delivery {
            campaign: found.take(&self.table, &keys::campaign(campaign))?,
            division: found.take(&self.directory, &directory_keys::division(division))?,
            recipients: seen.into_iter().map(|recipient| (recipient.recipient_id, recipient)).collect(),
            rows,
        })
    }
}
