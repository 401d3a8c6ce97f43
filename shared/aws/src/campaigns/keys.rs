//! Keys, attribute names and index of the table Campaigns. Access patterns:
//!
//! | What | How |
//! | --- | --- |
//! | campaigns, newest first, or one | query or get `CAMPAIGNS` |
//! | active campaigns, or a division's | query or get `LOCKS` |
//! | a request's idempotency key | get `KEY#<caller>#<key>` |
//! | progress of a campaign | transactional read of its cursors and counters |
//! | ledger of a campaign, by shard and recipient | query `LEDGER#` of each shard's partition |
//! | failed, skipped and unconfirmed rows | query index `attention` |
//! | open claims of a shard | query `CLAIM#` |

use portal_domain::{CampaignId, ClaimId, Outcome, RecipientId, Shard};

/// Partition of all campaigns; the sort key is the campaign's id.
pub const CAMPAIGNS: &str = "CAMPAIGNS";
/// Partition of all locks; the sort key is the division.
pub const LOCKS: &str = "LOCKS";
/// Sort key of an idempotency key.
pub const KEY: &str = "KEY";
/// Sort key of a shard's cursor.
pub const CURSOR: &str = "CURSOR";
/// What sort keys of ledger rows begin with.
pub const LEDGER_PREFIX: &str = "LEDGER#";
/// What sort keys of open claims begin with.
pub const CLAIM_PREFIX: &str = "CLAIM#";
/// The sparse index of rows that someone may want to look at.
pub const ATTENTION: &str = "attention";

/// How many counter rows each shard of a campaign has, so that concurrent batches seldom meet on one.
pub const COUNTERS: u8 = 4;

/// Partition of one caller's idempotency key.
pub fn key_pk(caller: &str, idempotency_key: &str) -> String {
    format!("KEY#{caller}#{idempotency_key}")
}

/// Partition of one shard of a campaign.
pub fn shard_pk(campaign: CampaignId, shard: Shard) -> String {
    format!("CAMPAIGN#{campaign}#{shard}")
}

/// Sort key of a counter row.
pub fn counter_sk(counter: u8) -> String {
    format!("COUNTER#{counter}")
}

/// Sort key of a recipient's ledger row.
pub fn ledger_sk(recipient: RecipientId) -> String {
    format!("{LEDGER_PREFIX}{recipient}")
}

/// Sort key of an open claim.
pub fn claim_sk(claim: ClaimId) -> String {
    format!("{CLAIM_PREFIX}{claim}")
}

/// Partition of the index [`ATTENTION`].
pub fn attention_pk(campaign: CampaignId, outcome: Outcome) -> String {
    format!("{campaign}#{}", outcome.as_str())
}
