//! The most people whom a campaign may reach: a bound that the shards, each at its own pace, keep to together.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use portal_domain::{CampaignId, Shard};

use super::item::CursorItem;
use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, back_off, key, n, put};

/// How often a shard asks anew because others are admitted at the same moment.
const TRIES: u32 = 8;

impl CampaignStore {
    /// Lets a shard's ledger grow from `rows` to `wanted` rows, if all shards together then have at most `most`. Call it before
    /// the rows are written: what is admitted stays admitted, until a person resumes the campaign with a new number. So a shard
    /// whose function died in between may write them later; should it find fewer people by then, the campaign may come to its
    /// bound a little early, and never late.
    pub async fn admit(
        &self,
        campaign: CampaignId,
        shard: Shard,
        rows: u64,
        wanted: u64,
        most: u64,
    ) -> Result<bool, StoreError> {
        let mut admitted = rows;
        for attempt in 1..=TRIES {
            let more = wanted.saturating_sub(admitted);
            if more == 0 {
                return Ok(true);
            }
            let Some(room) = most.checked_sub(more) else { return Ok(false) };
            let known = if admitted == 0 { "attribute_not_exists(#shard)" } else { "#shard = :admitted" };
            let mut update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key(keys::shard_pk(campaign, Shard::FIRST), keys::ADMITTED)))
                .update_expression("SET #shard = :wanted, #all = if_not_exists(#all, :none) + :more")
                .condition_expression(format!("{known} AND (attribute_not_exists(#all) OR #all <= :room)"))
                .expression_attribute_names("#shard", attribute(shard))
                .expression_attribute_names("#all", ALL)
                .expression_attribute_values(":wanted", n(wanted))
                .expression_attribute_values(":none", n(0))
                .expression_attribute_values(":more", n(more))
                .expression_attribute_values(":room", n(room))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            if admitted > 0 {
                update = update.expression_attribute_values(":admitted", n(admitted));
            }
            let item = match update.send().await {
                Ok(_) => return Ok(true),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                        failed.item().cloned().unwrap_or_default()
                    }
                    _ => return Err(StoreError::of("admit rows", error)),
                },
            };
            admitted = number(&item, &attribute(shard));
            let others = number(&item, ALL).saturating_sub(admitted);
            if wanted > admitted && others.saturating_add(wanted) > most {
                return Ok(false);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Busy("admit rows"))
    }
}

impl CampaignStore {
    /// The actions that admit exactly the rows that the shards have written, on the condition that their cursors are as they were
    /// read.
    pub(super) fn readmit(
        &self,
        campaign: CampaignId,
        cursors: &[(Shard, CursorItem)],
        moved: bool,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut item = key(keys::shard_pk(campaign, Shard::FIRST), keys::ADMITTED);
        item.insert(ALL.to_owned(), n(cursors.iter().map(|(_, cursor)| cursor.audience).sum::<u64>()));
        for (shard, cursor) in cursors.iter().filter(|(_, cursor)| cursor.audience > 0) {
            item.insert(attribute(*shard), n(cursor.audience));
        }
        let mut actions = vec![put(Put::builder().table_name(&self.table).set_item(Some(item)))?];
        // Where the cursors are moved on, that write has the condition.
        for (shard, cursor) in cursors.iter().filter(|_| !moved) {
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(key(keys::shard_pk(campaign, *shard), keys::CURSOR)))
                .condition_expression("page = :page")
                .expression_attribute_values(":page", n(cursor.page))
                .build()
                .map_err(StoreError::request)?;
            actions.push(TransactWriteItem::builder().condition_check(check).build());
        }
        Ok(actions)
    }
}

/// The attribute with the rows of all shards together.
const ALL: &str = "allShards";

/// The attribute with a shard's rows.
fn attribute(shard: Shard) -> String {
    format!("shard{shard}")
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> u64 {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0)
}
