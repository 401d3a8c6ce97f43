//! The bound on the number of recipients of a campaign, which its shards share while each fans out at its own pace.

use portal_domain::{CampaignId, Shard};
use serde_json::{Map, Value};

use super::cursor::{CursorItem, Cursors};
use crate::campaigns::keys::shard_pk;
use crate::table::condition::{at_most, is, lacks};
use crate::table::{Action, Attempts, Key, StoreError, Updated};

/// The item, whose attributes are numbers.
type Numbers = Map<String, Value>;

/// The attribute with the rows of all shards together.
const ALL: &str = "allShards";

impl Cursors {
    /// Lets the ledger of a shard grow from `rows` to `wanted` rows, if all shards together then have at most `most`.
    /// Call it before the rows are written. Admitted rows stay admitted until a person resumes the campaign with a new
    /// number, so a shard whose function died in between may write them later. If it finds fewer people by then, the
    /// campaign may reach its bound a little early, but never late.
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
            let update = self.table.update(key(campaign)).set(&own, wanted).add(ALL, more);
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

    /// The actions that admit exactly the rows that the shards have written, if their cursors are as they were read. If
    /// the transaction also has `moved` the cursors, that write has the condition.
    pub(crate) fn readmit(&self, campaign: CampaignId, cursors: &[(Shard, CursorItem)], moved: bool) -> Vec<Action> {
        let mut admitted = Numbers::new();
        admitted.insert(ALL.to_owned(), cursors.iter().map(|(_, cursor)| cursor.audience).sum::<u64>().into());
        for (shard, cursor) in cursors.iter().filter(|(_, cursor)| cursor.audience > 0) {
            admitted.insert(attribute(*shard), cursor.audience.into());
        }
        let mut actions = vec![self.table.put(key(campaign), &admitted)];
        if !moved {
            let unchanged = |(shard, cursor): &(_, _)| self.require_unchanged(campaign, *shard, cursor);
            actions.extend(cursors.iter().map(unchanged));
        }
        actions
    }
}

/// The rows that the shards of a campaign may write, in the partition of the first shard.
fn key(campaign: CampaignId) -> Key<Numbers> {
    Key::new(shard_pk(campaign, Shard::FIRST), "ADMITTED")
}

/// The attribute with a shard's rows.
fn attribute(shard: Shard) -> String {
    format!("shard{shard}")
}

fn number(item: &Numbers, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or(0)
}
