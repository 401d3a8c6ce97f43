//! The outbox in the table Campaigns: events for the company's portal and notices to operators, until they are
//! published.
//!
//! Each is written in the transaction of the change that it reports, and deleted once it is published. So none is lost,
//! and after a crash in between one may be published twice.

pub mod bus;
pub mod event;
pub mod notice;
pub mod topic;

use jiff::Timestamp;

use self::event::Event;
use self::notice::{Notice, Pending};
use crate::clock;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::condition::below;
use crate::table::{Action, Key, Query, StoreError, Table};

/// Partition of the events; the sort keys are their ids.
pub const EVENTS: &str = "EVENTS";

/// Partition of the notices; the sort keys are ULIDs.
pub const NOTICES: &str = "NOTICES";

/// Most events that one call lists.
pub const EVENTS_LISTED: usize = 500;

/// Most notices that one call lists.
const NOTICES_LISTED: usize = 100;

/// The events and notices that are not published yet.
#[derive(Clone, Debug)]
pub struct Outbox {
    table: Table,
}

impl Outbox {
    /// The outbox in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")? })
    }

    /// The action that adds an event.
    pub(crate) fn add_event(&self, event: &Event) -> Action {
        self.table.put(event_key(event), event)
    }

    /// The action that adds a notice.
    pub(crate) fn add_notice(&self, notice: &Notice) -> Action {
        self.table.put_new(notice_key(clock::new_event_id(notice.at())), notice)
    }

    /// Events from before `before`, oldest first; at most [`EVENTS_LISTED`].
    pub async fn events(&self, before: Timestamp) -> Result<Vec<Event>, StoreError> {
        let events = Query::partition(EVENTS).whose(below("sk", clock::first_event_id(before)));
        Ok(self.table.page("list events", events.limit(EVENTS_LISTED)).await?.items)
    }

    /// Deletes an event that was published.
    pub async fn delete_event(&self, event: &Event) -> Result<(), StoreError> {
        self.table.run("delete an event", self.table.delete(event_key(event))).await.map(drop)
    }

    /// The oldest notices, oldest first.
    pub async fn notices(&self) -> Result<Vec<Pending>, StoreError> {
        Ok(self.table.page("list notices", Query::partition(NOTICES).limit(NOTICES_LISTED)).await?.items)
    }

    /// Deletes a notice that was published.
    pub async fn delete_notice(&self, notice: &Pending) -> Result<(), StoreError> {
        self.table.run("delete a notice", self.table.delete(notice_key(&notice.sk))).await.map(drop)
    }
}

fn event_key(event: &Event) -> Key<Event> {
    Key::new(EVENTS, &event.event_id)
}

fn notice_key(id: impl Into<String>) -> Key<Notice> {
    Key::new(NOTICES, id)
}
