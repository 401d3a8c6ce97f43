//! Items of the table Campaigns.

use portal_domain::CampaignId;
use serde::{Deserialize, Serialize};

/// Names a campaign: the one that holds a division's lock, or a self-service campaign.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignRef {
    /// The campaign.
    pub campaign_id: CampaignId,
}

/// How many e-mails the customers of a division were granted on a day.
#[derive(Debug, Deserialize)]
pub struct GrantedItem {
    /// How many.
    pub granted: u64,
}
