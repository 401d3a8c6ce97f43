//! Events for the company's portal, kept until they are published: written with the change that they tell of, so that none is lost.

use jiff::Timestamp;
use portal_domain::{CampaignId, DivisionId, RecipientId};
use serde::{Deserialize, Serialize};

use super::{CampaignStore, keys};
use crate::clock;
use crate::table::{Action, StoreError, Table};

/// Most events that are read at once.
pub const PAGE: usize = 500;

/// Something that the company's portal is told. Ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// A ULID: sorts by time. An event that comes twice has the same.
    pub event_id: String,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
    /// To whom.
    pub recipient_id: RecipientId,
    /// Their division.
    pub division: DivisionId,
    /// When.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "happened", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happened {
    /// They accepted an invitation.
    Accepted {
        /// The campaign whose password it was.
        campaign_id: CampaignId,
    },
    /// An operator took their acceptance back.
    Revoked,
    /// Who has accepted is linked to no account any more.
    Unlinked,
    /// They are linked to one again.
    Linked,
    /// They were erased on request.
    Erased,
}

impl Event {
    pub(crate) fn new(happened: Happened, recipient_id: RecipientId, division: &DivisionId, at: Timestamp) -> Self {
        Self { event_id: clock::new_event_id(at), happened, recipient_id, division: division.clone(), at }
    }

    /// The action that keeps it in the table Campaigns until it is published.
    pub(crate) fn put(&self, table: &Table) -> Action {
        table.put(keys::event(&self.event_id), self)
    }
}

impl CampaignStore {
    /// Events from before `before` that nobody has published yet, oldest first; at most [`PAGE`].
    pub async fn unpublished(&self, before: Timestamp) -> Result<Vec<Event>, StoreError> {
        Ok(self.table.page("list events", keys::events(before).limit(PAGE)).await?.items)
    }

    /// Forgets an event that was published.
    pub async fn published(&self, event: &Event) -> Result<(), StoreError> {
        self.table.run("forget an event", self.table.delete(keys::event(&event.event_id))).await?;
        Ok(())
    }
}
