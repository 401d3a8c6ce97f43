//! The ledgers of campaigns: one row per recipient with the outcome and its reason, and the counters of these rows.
//!
//! Only this module writes rows and counters. Other stores get the actions for their transactions from here.

mod anonymous;
mod change;
pub mod counter;
pub mod history;
pub mod item;
pub mod keys;
pub mod list;

use jiff::SignedDuration;
use portal_domain::{CampaignId, RecipientId, Shard};

use self::item::LedgerItem;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{Batch, StoreError, Table};

/// Access to the ledgers of all campaigns.
#[derive(Clone, Debug)]
pub struct Ledger {
    table: Table,
    /// How long a row is kept after its end outcome.
    retention: SignedDuration,
}

impl Ledger {
    /// The ledgers in the table `CAMPAIGNS_TABLE`, whose rows are kept for `LEDGER_RETENTION_DAYS`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let retention = context.settings.required_days("LEDGER_RETENTION_DAYS")?;
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")?, retention })
    }

    /// The row of a recipient, read consistently, without passwords.
    pub async fn row(&self, campaign: CampaignId, recipient: RecipientId) -> Result<Option<LedgerItem>, StoreError> {
        Ok(self.rows(campaign, recipient.shard(), &[recipient]).await?.pop())
    }

    /// The row of a recipient, read consistently, with the state that the recipient gets back if the e-mail did not
    /// leave.
    pub async fn row_with_passwords(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
    ) -> Result<Option<LedgerItem>, StoreError> {
        self.table.get("read a ledger row", &keys::row(campaign, recipient.shard(), recipient)).await
    }

    /// The existing rows of these recipients of a shard, read consistently, without passwords.
    pub async fn rows(
        &self,
        campaign: CampaignId,
        shard: Shard,
        recipients: &[RecipientId],
    ) -> Result<Vec<LedgerItem>, StoreError> {
        let batch = Batch::new("read ledger rows").only(LedgerItem::without_passwords());
        self.table.get_each_of(batch, recipients.iter().map(|id| keys::row(campaign, shard, *id))).await
    }
}
