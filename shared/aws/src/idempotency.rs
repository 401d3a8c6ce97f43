//! Idempotency keys in the table Campaigns: a repeated request gets what the first one made.

use jiff::{SignedDuration, Timestamp};
use portal_domain::{CampaignId, ScheduleId};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::condition::{absent, at_most};
use crate::table::{Action, Key, StoreError, Table};

/// How long an idempotency key is kept.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What identifies a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestKey<'a> {
    /// The caller.
    pub caller: &'a str,
    /// The `Idempotency-Key` header.
    pub key: &'a str,
    /// Hash of the body.
    pub body_hash: &'a str,
}

/// What a request made that must not be made twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Made {
    /// It started this campaign.
    CampaignId(CampaignId),
    /// It created this schedule.
    ScheduleId(ScheduleId),
}

/// What is stored under an idempotency key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyItem {
    /// Hash of the request's body.
    pub body_hash: String,
    /// What the request made.
    #[serde(flatten)]
    pub made: Made,
    /// Seconds since 1970 after which the key is free again.
    pub ttl: i64,
}

/// What is known about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its key is free.
    No,
    /// The same request made this.
    Made(Made),
    /// The key was used for a request with another body.
    OtherBody,
}

/// The idempotency keys in the table Campaigns.
#[derive(Clone, Debug)]
pub struct IdempotencyKeys {
    table: Table,
}

impl IdempotencyKeys {
    /// The keys in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")? })
    }

    /// Looks up a request, consistently.
    pub async fn seen(&self, request: RequestKey<'_>, now: Timestamp) -> Result<Seen, StoreError> {
        let Some(known) = self.table.get("read an idempotency key", &key(request)).await? else { return Ok(Seen::No) };
        Ok(match known {
            known if known.ttl <= now.as_second() => Seen::No,
            known if known.body_hash == request.body_hash => Seen::Made(known.made),
            _ => Seen::OtherBody,
        })
    }

    /// The action that stores what a request made, if its key is free.
    pub(crate) fn add(&self, request: RequestKey<'_>, made: Made, now: Timestamp) -> Action {
        let item = KeyItem { body_hash: request.body_hash.to_owned(), made, ttl: (now + KEY_LIFETIME).as_second() };
        self.table.put(key(request), &item).when(absent().or(at_most("ttl", now.as_second())))
    }
}

fn key(request: RequestKey<'_>) -> Key<KeyItem> {
    Key::new(format!("KEY#{}#{}", request.caller, request.key), "KEY")
}
