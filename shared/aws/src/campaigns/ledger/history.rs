//! The campaigns that e-mailed one recipient.

use std::collections::HashMap;
use std::ops::ControlFlow;

use futures::try_join;
use portal_domain::{Campaign, CampaignId, RecipientId};

use super::item::LedgerItem;
use super::{Ledger, keys};
use crate::campaigns::keys as campaign_keys;
use crate::table::{Batch, ItemKey, Key, StoreError};

/// A recipient's row in one campaign.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The campaign.
    pub campaign: Campaign,
    /// The row.
    pub row: LedgerItem,
}

/// The newest rows of a recipient.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// There are older entries.
    pub more: bool,
}

impl Ledger {
    /// The newest `limit` campaigns whose ledger has a row of this recipient. The index that finds them is eventually
    /// consistent; campaigns and rows are read consistently.
    pub async fn history(&self, recipient: RecipientId, limit: usize) -> Result<History, StoreError> {
        let mut rows = self.newest_rows(recipient, limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let key = |row: &ItemKey| Key::<LedgerItem>::new(&row.pk, &row.sk);
        let mut batch = Batch::new("read ledger rows").only(LedgerItem::without_passwords());
        rows.iter().for_each(|(_, row)| batch.want(&self.table, &key(row)));
        let campaigns = rows.iter().map(|(campaign, _)| campaign_keys::campaign(*campaign));
        let (campaigns, mut ledger) =
            try_join!(self.table.get_each("read campaigns", campaigns), batch.read(&self.table))?;
        let mut campaigns: HashMap<_, _> =
            campaigns.into_iter().map(|campaign| (campaign.campaign_id, campaign)).collect();
        let mut entries = Vec::with_capacity(rows.len());
        for (campaign, row) in &rows {
            if let (Some(campaign), Some(row)) = (campaigns.remove(campaign), ledger.take(&self.table, &key(row))?) {
                entries.push(Entry { campaign, row });
            }
        }
        Ok(History { entries, more })
    }

    /// Keys of the newest ledger rows of a recipient.
    async fn newest_rows(
        &self,
        recipient: RecipientId,
        limit: usize,
    ) -> Result<Vec<(CampaignId, ItemKey)>, StoreError> {
        let mut rows = Vec::with_capacity(limit);
        let query = keys::rows_of(recipient).backwards().limit(limit);
        self.table
            .each_page("list a recipient's campaigns", query, |page| {
                let ledger = page.into_iter().filter(|row| row.sk.starts_with(keys::LEDGER_PREFIX));
                rows.extend(ledger.filter_map(|row| Some((campaign_keys::campaign_of(&row.pk)?, row))));
                if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .await?;
        rows.truncate(limit);
        Ok(rows)
    }
}
