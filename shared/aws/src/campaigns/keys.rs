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
//! | rows that a campaign may write | update `ADMITTED` in the partition of the first shard |
//! | audit trail of a campaign or recipient, newest first | query `AUDIT#` backwards |
//! | notices that operators have not been sent yet | query `NOTICES` |
//! | acceptances of what a campaign mailed | get `ACCEPTANCES` of each shard's partition |
//! | a division's self-service campaign of a day, or all that may need looking after | get or query `SELF_SERVICE` |
//! | e-mails that a division's customers were granted by asking, on a day in UTC | get or update `GRANTED#<division>` |
//! | events that the company's portal has not been told yet | query `EVENTS` |
//! | refused activations from one source | update `SOURCE#<source>` |
//! | schedules, or one | query or get `SCHEDULES` |
//! | occurrences of a schedule, newest first, or one | query backwards or get `SCHEDULE#<id>` |
//! | the send rate limiters | get or update `LIMITERS` |
//! | ledger rows of a recipient, newest first | query index `by-recipient` backwards, `CAMPAIGN#` |

use portal_domain::campaign::SelfService;
use portal_domain::{CampaignId, ClaimId, DivisionId, Outcome, RecipientId, ScheduleId, Shard};

/// Partition of all campaigns; the sort key is the campaign's id.
pub const CAMPAIGNS: &str = "CAMPAIGNS";
/// Partition of all locks; the sort key is the division.
pub const LOCKS: &str = "LOCKS";
/// Sort key of an idempotency key.
pub const KEY: &str = "KEY";
/// Sort key of how many rows the shards of a campaign may write, in the partition of the first.
pub const ADMITTED: &str = "ADMITTED";
/// Sort key of a shard's cursor.
pub const CURSOR: &str = "CURSOR";
/// Partition of notices to operators that are not published yet.
pub const NOTICES: &str = "NOTICES";
/// Partition of events for the company's portal that are not published yet.
pub const EVENTS: &str = "EVENTS";
/// Partition of self-service campaigns that may need looking after.
pub const SELF_SERVICE: &str = "SELF_SERVICE";
/// Partition of all schedules; the sort key is the schedule's id.
pub const SCHEDULES: &str = "SCHEDULES";
/// Sort key of the times to acceptance of one shard of a campaign.
pub const ACCEPTANCES: &str = "ACCEPTANCES";
/// Sort key of the number of refused activations from one source.
pub const TRIES: &str = "TRIES";
/// Partition of the send rate limiters; the sort key is [`SES`] or a campaign's id.
pub const LIMITERS: &str = "LIMITERS";
/// The limiter that all senders share.
pub const SES: &str = "SES";
/// What sort keys of ledger rows begin with.
pub const LEDGER_PREFIX: &str = "LEDGER#";
/// What sort keys of open claims begin with.
pub const CLAIM_PREFIX: &str = "CLAIM#";
/// The sparse index of rows that someone may want to look at.
pub const ATTENTION: &str = "attention";
/// The index of ledger rows by recipient (and of whatever else names one, which its readers pass over). It holds keys only: they never change, so that a row costs a write there when it is
/// put, and none when its outcome changes.
pub const BY_RECIPIENT: &str = "by-recipient";
/// What the partitions of campaigns' shards begin with.
pub const SHARD_PREFIX: &str = "CAMPAIGN#";

/// How many counter rows each shard of a campaign has, so that concurrent batches seldom meet on one.
pub const COUNTERS: u8 = 4;

/// Partition of one caller's idempotency key.
pub fn key_pk(caller: &str, idempotency_key: &str) -> String {
    format!("KEY#{caller}#{idempotency_key}")
}

/// Partition of one shard of a campaign.
pub fn shard_pk(campaign: CampaignId, shard: Shard) -> String {
    format!("{SHARD_PREFIX}{campaign}#{shard}")
}

/// The campaign that a shard's partition belongs to.
pub fn campaign_of(shard_pk: &str) -> Option<CampaignId> {
    let (campaign, _) = shard_pk.strip_prefix(SHARD_PREFIX)?.split_once('#')?;
    campaign.parse().ok()
}

/// The counter row that a claim, and whoever records or corrects it later, counts on: always the same one, so that no reader
/// sees half of a move.
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

/// Sort key of an open claim.
pub fn claim_sk(claim: ClaimId) -> String {
    format!("{CLAIM_PREFIX}{claim}")
}

/// Sort key of a division's self-service campaign.
pub fn self_service_sk(division: &DivisionId, SelfService { day, round, .. }: SelfService) -> String {
    format!("{division}#{day}#{round}")
}

/// Partition of how many e-mails a division's customers were granted by asking; the sort key is the day in UTC.
pub fn granted_pk(division: &DivisionId) -> String {
    format!("GRANTED#{division}")
}

/// Partition of the refused activations from a source in one window of time.
pub fn source_pk(source: &str) -> String {
    format!("SOURCE#{source}")
}

/// Partition of a schedule's occurrences; the sort key is the time at which each was due.
pub fn schedule_pk(schedule: &ScheduleId) -> String {
    format!("SCHEDULE#{schedule}")
}

/// Partition of the audit trail of a campaign, a recipient or a schedule; sort keys are ULIDs.
pub fn audit_pk(subject: impl std::fmt::Display) -> String {
    format!("AUDIT#{subject}")
}

/// Partition of the index [`ATTENTION`].
pub fn attention_pk(campaign: CampaignId, outcome: Outcome) -> String {
    format!("{campaign}#{}", outcome.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shards_partition_leads_back_to_its_campaign_and_no_other_partition_does() {
        let campaign = CampaignId::from_parts(1_795_381_800_000, 7);
        for shard in Shard::all() {
            assert_eq!(campaign_of(&shard_pk(campaign, shard)), Some(campaign));
        }
        for other in [CAMPAIGNS, LOCKS, "CAMPAIGN#x#1", "CAMPAIGN#", &key_pk("ann", "CAMPAIGN#x")] {
            assert_eq!(campaign_of(other), None, "{other}");
        }
    }

    #[test]
    fn newer_campaigns_sort_behind_older_ones_and_campaigns_to_one_person_are_no_shards() {
        let pk = |milliseconds| shard_pk(CampaignId::from_parts(milliseconds, 0), Shard::FIRST);
        assert!(pk(1_795_381_800_000) < pk(1_795_381_800_001));
        assert!(!CAMPAIGNS.starts_with(SHARD_PREFIX));
    }
}
