//! Keys of ledger rows and of their counters.

use portal_domain::{CampaignId, ClaimId, Outcome, RecipientId, Shard};

use super::counter::CounterItem;
use super::item::LedgerItem;
use crate::campaigns::keys::{SHARD_PREFIX, shard_pk};
use crate::table::condition::begins_with;
use crate::table::{ItemKey, Key, Query};

/// The prefix of the sort keys of ledger rows.
pub const LEDGER_PREFIX: &str = "LEDGER#";

/// The number of counter rows of each shard of a campaign: enough that concurrent batches seldom write the same one.
pub const COUNTERS: u8 = 4;

/// The sparse index of rows that need attention.
const ATTENTION: &str = "attention";

/// The index of ledger rows by recipient. It also contains other items that have a `recipientId`. It holds keys only:
/// they never change, so adding a row costs a write there, and a change of its outcome does not.
const BY_RECIPIENT: &str = "by-recipient";

/// The counter row for a claim. Whoever records or corrects the claim later uses the same row, so that no reader sees
/// half of a move.
pub fn counter_of(claim: ClaimId) -> u8 {
    claim.to_string().bytes().fold(0_u8, u8::wrapping_add) % COUNTERS
}

/// Sort key of a counter row.
pub fn counter_sk(counter: u8) -> String {
    format!("COUNTER#{counter}")
}

/// Sort key of a recipient's ledger row.
pub fn ledger_sk(recipient: RecipientId) -> String {
    format!("{LEDGER_PREFIX}{recipient}")
}

/// Partition of the index of rows that need attention.
pub(super) fn attention_pk(campaign: CampaignId, outcome: Outcome) -> String {
    format!("{campaign}#{}", <&str>::from(outcome))
}

/// A counter row of a shard.
pub(crate) fn counter(campaign: CampaignId, shard: Shard, number: u8) -> Key<CounterItem> {
    Key::new(shard_pk(campaign, shard), counter_sk(number))
}

/// A recipient's ledger row.
pub(crate) fn row(campaign: CampaignId, shard: Shard, recipient: RecipientId) -> Key<LedgerItem> {
    Key::new(shard_pk(campaign, shard), ledger_sk(recipient))
}

/// The ledger rows of a shard.
pub(super) fn rows(campaign: CampaignId, shard: Shard) -> Query<LedgerItem> {
    Query::partition(shard_pk(campaign, shard)).whose(begins_with("sk", LEDGER_PREFIX))
}

/// The rows with this outcome, which needs attention, after the row of `after`, from their sparse index.
pub(super) fn attention(campaign: CampaignId, outcome: Outcome, after: Option<RecipientId>) -> Query<LedgerItem> {
    let query = Query::index(ATTENTION, ATTENTION, attention_pk(campaign, outcome));
    let Some(after) = after else { return query };
    query
        .after(Some(row(campaign, after.shard(), after)))
        .and_index_key(ATTENTION, attention_pk(campaign, outcome))
        .and_index_key("recipientId", after.to_string())
}

/// The keys of a recipient's ledger rows. The prefix excludes campaigns to one named recipient, which have a
/// `recipientId` too.
pub(super) fn rows_of(recipient: RecipientId) -> Query<ItemKey> {
    Query::index(BY_RECIPIENT, "recipientId", recipient.to_string()).whose(begins_with("pk", SHARD_PREFIX))
}
