//! Events for the company's portal.

use jiff::Timestamp;
use portal_domain::{CampaignId, DivisionId, RecipientId};
use serde::{Deserialize, Serialize};

use crate::clock;

/// What happened to a recipient. It contains ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// A ULID. An event that is published twice has the same id, by which the portal recognises it.
    pub event_id: String,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
    /// The recipient.
    pub recipient_id: RecipientId,
    /// The recipient's division.
    pub division: DivisionId,
    /// When it happened.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "happened", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happened {
    /// The recipient accepted an invitation.
    Accepted {
        /// The campaign that mailed the password.
        campaign_id: CampaignId,
    },
    /// An operator set an accepted recipient back.
    Revoked,
    /// An accepted recipient lost the last link to an account.
    Unlinked,
    /// An accepted recipient without links was linked again.
    Linked,
    /// The recipient was erased on request.
    Erased,
    /// Something that only another version knows, and publishes.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// A new event.
    pub(crate) fn new(happened: Happened, recipient_id: RecipientId, division: &DivisionId, at: Timestamp) -> Self {
        Self { event_id: clock::new_event_id(at), happened, recipient_id, division: division.clone(), at }
    }
}
