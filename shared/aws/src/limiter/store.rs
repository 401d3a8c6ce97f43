//! The limiters' items in the table Campaigns.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use portal_domain::pace::{Slots, Window};
use serde::Deserialize;

use super::{LIMITERS, SES};
use crate::table::condition::{at_least, at_most, below, between, lacks};
use crate::table::{Key, StoreError, Table, Updated};

/// How long a campaign's own limiter is kept after its last use.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A limiter's item. That of a campaign has only `next`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Item {
    /// Microseconds since 1970 at which the next slot begins.
    pub next: i64,
    /// E-mails that may leave before the next refresh.
    pub room: u64,
    /// E-mails a second.
    pub rate: f64,
    /// When SES was asked for rate and room.
    pub refreshed_at: Option<Timestamp>,
}

impl Default for Item {
    fn default() -> Self {
        Self { next: 0, room: super::UNLIMITED, rate: 0.0, refreshed_at: None }
    }
}

/// Whether slots were taken.
pub(super) enum Taken {
    /// They are taken, and end at this time, in microseconds since 1970.
    Until(i64),
    /// They are not taken, since the limiter is in this state.
    Not(Option<Item>),
}

#[derive(Debug)]
pub(super) struct LimiterStore {
    table: Table,
    /// The account's limiter as this process saw it last: an assumption that saves a read.
    seen: Mutex<Option<Item>>,
}

impl LimiterStore {
    pub fn new(table: Table) -> Self {
        Self { table, seen: Mutex::new(None) }
    }

    pub fn seen(&self) -> Option<Item> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn read(&self) -> Result<Option<Item>, StoreError> {
        let item = self.table.get("read the send rate", &limiter(SES)).await?;
        Ok(item.map(|item| self.remember(item)))
    }

    pub async fn refresh(&self, rate: f64, room: u64, now: Timestamp) -> Result<(), StoreError> {
        let update = self.table.update(limiter(SES)).set("rate", rate).set("room", room).set("refreshedAt", now);
        let update = update.set_unless_there("next", 0);
        if let Updated::Done(item) = self.table.run_and_get("refresh the send rate", update).await? {
            self.remember(item);
        }
        Ok(())
    }

    /// Moves the account's time on to `until`, if it is earlier.
    pub async fn move_on(&self, until: Timestamp) -> Result<(), StoreError> {
        let until = until.as_microsecond();
        let update = self.table.update(limiter(SES)).set("next", until).when(below("next", until));
        self.table.run("slow down", update).await.map(drop)
    }

    /// Takes slots from the beginning of the window, or after those of others if these reach into it.
    pub async fn take(&self, name: &str, slots: &Slots, window: Window) -> Result<Taken, StoreError> {
        let behind = slots.first > window.earliest();
        let shared = name == SES;
        let update = self.table.update(limiter(name));
        let (update, free) = if behind {
            (update.add("next", slots.span()), between("next", window.earliest(), window.latest()))
        } else {
            let end = window.earliest() + slots.span();
            (update.set("next", end), lacks("next").or(at_most("next", window.earliest())))
        };
        let update = if shared {
            update.add("room", -(slots.count as i64)).when(free.and(at_least("room", slots.count)))
        } else {
            update.set("ttl", (window.now + KEPT).as_second()).when(free)
        };
        Ok(match self.table.run_and_get("reserve a time to send", update).await? {
            Updated::Done(item) => Taken::Until(if shared { self.remember(item) } else { item }.next),
            Updated::Refused(item) => Taken::Not(item),
        })
    }

    fn remember(&self, item: Item) -> Item {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
        item
    }
}

fn limiter(name: &str) -> Key<Item> {
    Key::new(LIMITERS, name)
}
