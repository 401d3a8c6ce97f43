//! The most people whom a campaign may reach: a bound that the shards, each at its own pace, keep to together.

use portal_domain::{CampaignId, Shard};

use super::item::{CursorItem, Numbers};
use super::{CampaignStore, keys};
use crate::table::condition::{at_most, is, lacks};
use crate::table::{Action, Attempts, StoreError, Updated};

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
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let more = wanted.saturating_sub(admitted);
            if more == 0 {
                return Ok(true);
            }
            let Some(room) = most.checked_sub(more) else { return Ok(false) };
            let own = attribute(shard);
            let known = if admitted == 0 { lacks(&own) } else { is(&own, admitted) };
            let update = self.table.update(keys::admitted(campaign)).set(&own, wanted).add(ALL, more);
            let update = update.when(known.and(lacks(ALL).or(at_most(ALL, room))));
            let item = match self.table.run_and_get("admit rows", update).await? {
                Updated::Done::<Numbers>(_) => return Ok(true),
                Updated::Refused(item) => item.unwrap_or_default(),
            };
            admitted = number(&item, &own);
            let others = number(&item, ALL).saturating_sub(admitted);
            if wanted > admitted && others.saturating_add(wanted) > most {
                return Ok(false);
            }
        }
        Err(StoreError::Busy("admit rows"))
    }
}

impl CampaignStore {
    /// The actions that admit exactly the rows that the shards have written, on the condition that their cursors are as they were
    /// read.
    pub(super) fn readmit(&self, campaign: CampaignId, cursors: &[(Shard, CursorItem)], moved: bool) -> Vec<Action> {
        let mut admitted = Numbers::new();
        admitted.insert(ALL.to_owned(), cursors.iter().map(|(_, cursor)| cursor.audience).sum::<u64>().into());
        for (shard, cursor) in cursors.iter().filter(|(_, cursor)| cursor.audience > 0) {
            admitted.insert(attribute(*shard), cursor.audience.into());
        }
        let mut actions = vec![self.table.put(keys::admitted(campaign), &admitted)];
        // Where the cursors are moved on, that write has the condition.
        let unmoved = cursors.iter().filter(|_| !moved);
        let check = |(shard, cursor): &(_, CursorItem)| {
            self.table.check(keys::cursor(campaign, *shard), is("page", cursor.page))
        };
        actions.extend(unmoved.map(check));
        actions
    }
}

/// The attribute with the rows of all shards together.
const ALL: &str = "allShards";

/// The attribute with a shard's rows.
fn attribute(shard: Shard) -> String {
    format!("shard{shard}")
}

fn number(item: &Numbers, name: &str) -> u64 {
    item.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0)
}
