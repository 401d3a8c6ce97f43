//! What was sent to one recipient, and what became of it.

use std::collections::HashMap;

use futures::try_join;
use portal_domain::{Campaign, CampaignId, RecipientId};
use serde::Deserialize;

use super::item::{LedgerItem, WITHOUT_PASSWORDS};
use super::{CampaignStore, keys};
use crate::dynamo::{Item, StoreError, batch_get, batch_get_only, key, s};

/// A recipient's part in one campaign.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The campaign.
    pub campaign: Campaign,
    /// The recipient's row in its ledger.
    pub row: LedgerItem,
}

/// The newest entries of a recipient.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// There are older ones.
    pub more: bool,
}

#[derive(Deserialize)]
struct RowKey {
    pk: String,
    sk: String,
}

impl CampaignStore {
    /// The newest `limit` campaigns whose ledger has a row of this recipient. The index that tells which is eventually
    /// consistent; campaigns and rows are read consistently.
    pub async fn history(&self, recipient: RecipientId, limit: usize) -> Result<History, StoreError> {
        let mut rows = self.newest_rows(recipient, limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let of_table = |key| (self.table.clone(), key);
        let campaigns = rows.iter().map(|(campaign, _)| of_table(Self::campaign_key(*campaign))).collect();
        let ledger = rows.iter().map(|(_, row)| of_table(key(&row.pk, &row.sk))).collect();
        let attributes: Vec<_> = [&["pk"], WITHOUT_PASSWORDS].concat();
        let (campaigns, ledger) =
            try_join!(batch_get(&self.client, campaigns), batch_get_only(&self.client, ledger, &attributes))?;
        let campaign =
            |(_, item)| serde_dynamo::from_item(item).map(|campaign: Campaign| (campaign.campaign_id, campaign));
        let mut campaigns: HashMap<_, _> = campaigns.into_iter().map(campaign).collect::<Result<_, _>>()?;
        let row = |(_, item): (_, Item)| {
            let partition = item.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
            serde_dynamo::from_item(item).map(|row: LedgerItem| (partition, row))
        };
        let mut ledger: HashMap<_, _> = ledger.into_iter().map(row).collect::<Result<_, _>>()?;
        let entries = rows.into_iter().filter_map(|(campaign, row)| {
            Some(Entry { campaign: campaigns.remove(&campaign)?, row: ledger.remove(&row.pk)? })
        });
        Ok(History { entries: entries.collect(), more })
    }

    /// Keys of the newest ledger rows of a recipient. A campaign to one named person has its `recipientId` too, and so is in
    /// the index: its partition doesn't begin as those of ledgers do.
    async fn newest_rows(&self, recipient: RecipientId, limit: usize) -> Result<Vec<(CampaignId, RowKey)>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::BY_RECIPIENT)
            .key_condition_expression("recipientId = :recipient AND begins_with(pk, :campaign)")
            .expression_attribute_values(":recipient", s(recipient.to_string()))
            .expression_attribute_values(":campaign", s(keys::SHARD_PREFIX))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .into_paginator()
            .send();
        let mut rows = Vec::with_capacity(limit);
        while rows.len() < limit
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| StoreError::of("list a recipient's campaigns", error))?;
            let found: Vec<RowKey> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            let ledger = found.into_iter().filter(|row| row.sk.starts_with(keys::LEDGER_PREFIX));
            rows.extend(ledger.filter_map(|row| Some((keys::campaign_of(&row.pk)?, row))));
        }
        rows.truncate(limit);
        Ok(rows)
    }
}
