//! Requests that are safe to repeat: what an idempotency key stands for.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::item::{KeyItem, Made};
use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, key, n, put};

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
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::key_pk(request.caller, request.key), keys::KEY)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read an idempotency key", error))?;
        let Some(item) = answer.item else { return Ok(Seen::No) };
        let known: KeyItem = serde_dynamo::from_item(item)?;
        Ok(match known {
            known if known.ttl <= now.as_second() => Seen::No,
            known if known.body_hash == request.body_hash => Seen::Made(known.made),
            _ => Seen::OtherBody,
        })
    }

    /// The action that keeps an idempotency key with what its request made, if it is not in use.
    pub(super) fn put_key(
        &self,
        request: RequestKey<'_>,
        made: Made,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let key_item = KeyItem { body_hash: request.body_hash.to_owned(), made, ttl: (now + KEY_LIFETIME).as_second() };
        put(self
            .put_item(key(keys::key_pk(request.caller, request.key), keys::KEY), &key_item)?
            .condition_expression("attribute_not_exists(pk) OR #ttl <= :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second())))
    }
}
