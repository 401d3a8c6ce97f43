//! The table Campaigns: campaigns, their cursors, ledgers and counters, division locks, idempotency keys.

pub mod accept;
mod acceptances;
pub mod active;
pub mod advance;
pub mod claims;
pub mod clear;
pub mod control;
pub mod feedback;
pub mod keys;
pub mod ledger;
pub mod list;
pub mod self_service;
pub mod set_back;
pub mod start;
mod transition;
pub mod walks;

use jiff::Timestamp;
use portal_domain::campaign::CampaignView;
use portal_domain::{Campaign, CampaignId};

use self::ledger::Ledger;
use self::walks::cursor::Cursors;
use crate::context::Context;
use crate::idempotency::IdempotencyKeys;
use crate::outbox::Outbox;
use crate::recipients::Recipients;
use crate::schedules::ScheduleStore;
use crate::settings::InvalidSetting;
use crate::table::{StoreError, Table};
use crate::trail::Trails;

/// Access to the table Campaigns, and to what is written with it in the table Directory: recipients, and the passwords that they chose.
#[derive(Clone, Debug)]
pub struct CampaignStore {
    table: Table,
    directory: Table,
    cursors: Cursors,
    ledger: Ledger,
    recipients: Recipients,
    keys: IdempotencyKeys,
    schedules: ScheduleStore,
    trails: Trails,
    outbox: Outbox,
}

impl CampaignStore {
    /// A store on the tables `CAMPAIGNS_TABLE` and `DIRECTORY_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let directory = context.table("DIRECTORY_TABLE")?;
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            recipients: Recipients::new(directory.clone()),
            directory,
            keys: IdempotencyKeys::new(context)?,
            schedules: ScheduleStore::new(context)?,
            trails: Trails::new(context)?,
            outbox: Outbox::new(context)?,
            cursors: Cursors::new(context)?,
            ledger: Ledger::new(context)?,
        })
    }

    /// A campaign, read consistently.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.table.get("read a campaign", &keys::campaign(id)).await
    }

    /// A campaign as the API tells of it at `now`.
    pub async fn view(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignView>, StoreError> {
        let Some(campaign) = self.campaign(id).await? else { return Ok(None) };
        let progress = self.progress(&campaign).await?;
        Ok(Some(CampaignView::new(campaign, &progress, now)))
    }
}
