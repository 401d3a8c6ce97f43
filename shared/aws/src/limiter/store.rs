//! The limiters' items in the table Campaigns.

use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use portal_domain::pace::{Slots, Window};
use serde::Deserialize;

use crate::campaigns::keys;
use crate::dynamo::{self, StoreError, key, n, s};

/// How long a campaign's own limiter is kept after its last use.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A limiter's item. A campaign's own has nothing but `next`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Item {
    /// Microseconds since 1970 at which the next slot begins.
    pub next: i64,
    /// E-mails that may still leave before the next refresh.
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
    /// They end at this time, in microseconds since 1970.
    Until(i64),
    /// The limiter is not as was thought, but so.
    Not(Option<Item>),
}

#[derive(Debug)]
pub(super) struct LimiterStore {
    client: Client,
    table: String,
    /// The account's limiter as this process saw it last: a guess that saves a read.
    seen: Mutex<Option<Item>>,
}

impl LimiterStore {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table, seen: Mutex::new(None) }
    }

    pub fn seen(&self) -> Option<Item> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn read(&self) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(keys::LIMITERS, keys::SES)));
        let answer = get.consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::of("read the send rate", error))?;
        answer.item.map(|item| self.remember(item)).transpose()
    }

    pub async fn refresh(&self, rate: f64, room: u64, now: Timestamp) -> Result<(), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::LIMITERS, keys::SES)))
            .update_expression(
                "SET rate = :rate, room = :room, refreshedAt = :now, #next = if_not_exists(#next, :zero)",
            )
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":rate", n(rate))
            .expression_attribute_values(":room", n(room))
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| StoreError::of("refresh the send rate", error))?;
        self.remember(answer.attributes.unwrap_or_default())?;
        Ok(())
    }

    /// Moves the account's time on, if it is before `until`.
    pub async fn move_on(&self, until: Timestamp) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::LIMITERS, keys::SES)))
            .update_expression("SET #next = :until")
            .condition_expression("#next < :until")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":until", n(until.as_microsecond()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(StoreError::of("slow down", error)),
        }
    }

    /// Takes slots: behind those that others have, if these reach into the window, or else from its beginning on.
    pub async fn take(&self, limiter: &str, slots: &Slots, window: Window) -> Result<Taken, StoreError> {
        let behind = slots.first > window.earliest();
        let shared = limiter == keys::SES;
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::LIMITERS, limiter)))
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":earliest", n(window.earliest()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (mut set, mut condition) = if behind {
            update = update
                .expression_attribute_values(":span", n(slots.span()))
                .expression_attribute_values(":latest", n(window.latest()));
            ("SET #next = #next + :span".to_owned(), "#next BETWEEN :earliest AND :latest".to_owned())
        } else {
            update = update.expression_attribute_values(":end", n(window.earliest() + slots.span()));
            ("SET #next = :end".to_owned(), "(attribute_not_exists(#next) OR #next <= :earliest)".to_owned())
        };
        if shared {
            set.push_str(", room = room - :count");
            condition.push_str(" AND room >= :count");
            update = update.expression_attribute_values(":count", n(slots.count));
        } else {
            set.push_str(", #ttl = :ttl");
            let ttl = (window.now + KEPT).as_second();
            update = update.expression_attribute_names("#ttl", "ttl").expression_attribute_values(":ttl", n(ttl));
        }
        match update.update_expression(set).condition_expression(condition).send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let item = if shared { self.remember(item)? } else { serde_dynamo::from_item(item)? };
                Ok(Taken::Until(item.next))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Taken::Not(failed.item().cloned().map(serde_dynamo::from_item).transpose()?))
                }
                _ => Err(StoreError::of("reserve a time to send", error)),
            },
        }
    }

    fn remember(&self, item: dynamo::Item) -> Result<Item, StoreError> {
        let item: Item = serde_dynamo::from_item(item)?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
        Ok(item)
    }
}
