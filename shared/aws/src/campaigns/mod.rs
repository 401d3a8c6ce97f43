//! Campaigns: their states, locks and progress ([`CampaignStore`]), and in the folders and files below their ledgers,
//! claims, walks, acceptances, feedback and self-service.
//!
//! Only [`CampaignStore`] writes a campaign and the lock of its division. [`keys`] lists the access patterns of the
//! table.

pub(crate) mod acceptances;
pub mod active;
pub mod advance;
pub mod claims;
pub mod control;
pub mod feedback;
pub mod keys;
pub mod ledger;
pub mod list;
pub mod self_service;
pub mod start;
mod transition;
pub mod walks;

use jiff::Timestamp;
use portal_domain::campaign::CampaignView;
use portal_domain::{Campaign, CampaignId};

use self::acceptances::AcceptanceCounters;
use self::walks::cursor::Cursors;
use crate::audit::trail::Trails;
use crate::context::Context;
use crate::idempotency::IdempotencyKeys;
use crate::outbox::Outbox;
use crate::schedules::ScheduleStore;
use crate::settings::InvalidSetting;
use crate::table::{StoreError, Table};

/// Starts campaigns, moves them from state to state, and reads them with their progress.
#[derive(Clone, Debug)]
pub struct CampaignStore {
    table: Table,
    cursors: Cursors,
    acceptances: AcceptanceCounters,
    keys: IdempotencyKeys,
    schedules: ScheduleStore,
    trails: Trails,
    outbox: Outbox,
}

impl CampaignStore {
    /// A store on the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            keys: IdempotencyKeys::new(context)?,
            schedules: ScheduleStore::new(context)?,
            trails: Trails::new(context)?,
            outbox: Outbox::new(context)?,
            cursors: Cursors::new(context)?,
            acceptances: AcceptanceCounters::new(context)?,
        })
    }

    /// A campaign, read consistently.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.table.get("read a campaign", &keys::campaign(id)).await
    }

    /// A campaign as the API shows it at `now`.
    pub async fn view(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignView>, StoreError> {
        let Some(campaign) = self.campaign(id).await? else { return Ok(None) };
        let progress = self.progress(&campaign).await?;
        Ok(Some(CampaignView::new(campaign, &progress, now)))
    }
}
