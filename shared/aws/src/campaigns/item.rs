//! Items of the table Campaigns.

use jiff::Timestamp;
use portal_domain::outcome::LedgerEvent;
use portal_domain::selection::Excluded;
use portal_domain::{CampaignId, Outcome, RecipientId};
use serde::{Deserialize, Serialize};

/// Names a campaign: the one that holds a division's lock, or a self-service campaign.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignRef {
    /// The campaign.
    pub campaign_id: CampaignId,
}

/// How far one shard's fan-out has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CursorItem {
    /// Goes up by one with every page written.
    pub page: u64,
    /// Sort key in the index of the last recipient looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Everyone in the index was looked at.
    #[serde(default)]
    pub scanned: bool,
    /// Walks through the ledger rows that are there already, before it goes on with the index; in this order.
    #[serde(default)]
    pub walks: Vec<Walk>,
    /// Ledger rows written.
    pub audience: u64,
    /// Who was left out.
    pub excluded: Excluded,
    /// Recipients of the last page, whose messages may not be queued yet.
    #[serde(default)]
    pub to_queue: Vec<RecipientId>,
    /// Everything of this shard is written and queued.
    pub done: bool,
    /// When it was last written.
    #[serde(default)]
    pub updated_at: Timestamp,
}

/// A walk through a shard's ledger rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Walk {
    /// What is done to them.
    pub task: Task,
    /// The last recipient that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RecipientId>,
}

/// What is done to ledger rows in a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Who is `queued` is queued again: the campaign was resumed, and its messages are gone.
    Requeue,
    /// Who `failed` becomes `queued`, and is queued.
    RetryFailed,
    /// Who is `unconfirmed` becomes `queued`, and is queued.
    RetryUnconfirmed,
    /// Who is `queued` becomes `skipped`.
    Cancel,
}

impl Walk {
    /// A walk from the first row on.
    pub fn from_start(task: Task) -> Self {
        Self { task, after: None }
    }
}

impl Task {
    /// The outcome of the rows that it is about.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Requeue | Self::Cancel => Outcome::Queued,
            Self::RetryFailed => Outcome::Failed,
            Self::RetryUnconfirmed => Outcome::Unconfirmed,
        }
    }

    /// What happens to these rows; nothing where they are only queued again.
    pub fn event(self) -> Option<LedgerEvent> {
        match self {
            Self::Requeue => None,
            Self::RetryFailed | Self::RetryUnconfirmed => Some(LedgerEvent::Retry),
            Self::Cancel => Some(LedgerEvent::Skip),
        }
    }
}

/// How many e-mails the customers of a division were granted on a day.
#[derive(Debug, Deserialize)]
pub struct GrantedItem {
    /// How many.
    pub granted: u64,
}

/// An item whose attributes are numbers, beside its keys.
pub type Numbers = serde_json::Map<String, serde_json::Value>;
