//! The table Campaigns: campaigns, their cursors, ledgers and counters, division locks, idempotency keys.

pub mod accept;
mod acceptances;
pub mod advance;
pub mod audit;
pub mod bound;
pub mod claim;
pub mod clear;
pub mod control;
pub mod counter;
pub mod erase;
pub mod fan_out;
pub mod feedback;
pub mod find;
pub mod granted;
pub mod history;
pub mod item;
pub mod join;
pub mod keys;
pub mod list;
pub mod notices;
pub mod outbox;
mod outcome;
pub mod record;
pub mod request;
pub mod schedules;
pub mod set_back;
pub mod settle;
pub mod sources;
pub mod start;
mod transition;
pub mod walk;
mod write;

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use portal_domain::campaign::CampaignView;
use portal_domain::{Campaign, CampaignId, DivisionId};

use crate::dynamo::{StoreError, key};
use crate::settings::{InvalidSetting, Settings};

/// Access to the table Campaigns, and to what is written with it in the table Directory: recipients, and the passwords that they chose.
#[derive(Clone, Debug)]
pub struct CampaignStore {
    client: Client,
    table: String,
    directory: String,
    /// How long a ledger row is kept after its end, and an entry of a recipient's audit trail.
    retention: SignedDuration,
}

impl CampaignStore {
    /// A store on the tables `CAMPAIGNS_TABLE` and `DIRECTORY_TABLE`, which keeps ledger rows for `LEDGER_RETENTION_DAYS`.
    pub fn new(client: Client, settings: &Settings) -> Result<Self, InvalidSetting> {
        Ok(Self {
            client,
            table: settings.required("CAMPAIGNS_TABLE")?,
            directory: settings.required("DIRECTORY_TABLE")?,
            retention: settings.required_days("LEDGER_RETENTION_DAYS")?,
        })
    }

    /// A campaign, read consistently.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::CAMPAIGNS, id.to_string())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a campaign", error))?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// The campaign that holds the lock of a division, read consistently.
    pub async fn active_in(&self, division: &DivisionId) -> Result<Option<CampaignId>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::LOCKS, division.as_str())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a division's lock", error))?;
        let lock: Option<item::CampaignRef> = answer.item.map(serde_dynamo::from_item).transpose()?;
        Ok(lock.map(|lock| lock.campaign_id))
    }

    /// The campaign that keeps others from being started in a division at `now`, and how far it has come.
    pub async fn in_the_way(&self, division: &DivisionId, now: Timestamp) -> Result<Option<CampaignView>, StoreError> {
        let Some(id) = self.active_in(division).await? else { return Ok(None) };
        self.view(id, now).await
    }

    /// A campaign as the API tells of it at `now`.
    pub async fn view(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignView>, StoreError> {
        let Some(campaign) = self.campaign(id).await? else { return Ok(None) };
        let progress = self.progress(&campaign).await?;
        Ok(Some(CampaignView::new(campaign, &progress, now)))
    }

    /// Every campaign that may need looking after: those that hold a lock, and those of people who ask for an e-mail themselves.
    pub async fn active(&self) -> Result<Vec<CampaignId>, StoreError> {
        let mut campaigns = self.listed(keys::LOCKS).await?;
        campaigns.extend(self.listed(keys::SELF_SERVICE).await?);
        Ok(campaigns)
    }

    async fn listed(&self, partition: &str) -> Result<Vec<CampaignId>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", crate::dynamo::s(partition))
            .into_paginator()
            .send();
        let mut campaigns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::of("list active campaigns", error))?;
            let locks: Vec<item::CampaignRef> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            campaigns.extend(locks.into_iter().map(|lock| lock.campaign_id));
        }
        Ok(campaigns)
    }
}
