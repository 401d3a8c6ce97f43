//! Requests that are safe to repeat: what an idempotency key stands for.

use jiff::{SignedDuration, Timestamp};

use super::item::{KeyItem, Made};
use super::{CampaignStore, keys};
use crate::table::condition::{absent, at_most};
use crate::table::{Action, StoreError};

/// How long an idempotency key is kept.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A request, as its idempotency key knows it.
#[derive(Clone, Copy, Debug)]
pub struct RequestKey<'a> {
    /// Who asks.
    pub caller: &'a str,
    /// The `Idempotency-Key` header.
    pub key: &'a str,
    /// Hash of the body.
    pub body_hash: &'a str,
}

/// What an idempotency key says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never seen, or forgotten.
    No,
    /// The same request made this.
    Made(Made),
    /// The key was used for another request.
    OtherBody,
}

impl CampaignStore {
    /// Looks up an idempotency key, consistently.
    pub async fn seen(&self, request: RequestKey<'_>, now: Timestamp) -> Result<Seen, StoreError> {
        let key = keys::request(request.caller, request.key);
        let Some(known) = self.table.get("read an idempotency key", &key).await? else { return Ok(Seen::No) };
        Ok(match known {
            known if known.ttl <= now.as_second() => Seen::No,
            known if known.body_hash == request.body_hash => Seen::Made(known.made),
            _ => Seen::OtherBody,
        })
    }

    /// The action that keeps an idempotency key with what its request made, if it is not in use.
    pub(super) fn put_key(&self, request: RequestKey<'_>, made: Made, now: Timestamp) -> Action {
        let item = KeyItem { body_hash: request.body_hash.to_owned(), made, ttl: (now + KEY_LIFETIME).as_second() };
        let free = absent().or(at_most("ttl", now.as_second()));
        self.table.put(keys::request(request.caller, request.key), &item).when(free)
    }
}
