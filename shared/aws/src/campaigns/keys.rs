//! The access patterns of the table Campaigns, and the keys of campaigns and of the partitions of their shards. Each
//! other item has its keys in the module that writes it.
//!
//! | What | How |
//! | --- | --- |
//! | campaigns, newest first, also those of a time, or one | query or get `CAMPAIGNS` |
//! | campaigns that hold a lock, or a division's ([`super::active`]) | query or get `LOCKS` |
//! | a request's idempotency key ([`crate::idempotency`]) | get `KEY#<caller>#<key>` |
//! | progress of a campaign | transactional read of its cursors ([`super::walks`]) and counters ([`super::ledger`]) |
//! | ledger of a campaign, by shard and recipient ([`super::ledger`]) | query `LEDGER#` of each shard's partition |
//! | failed, skipped and unconfirmed rows ([`super::ledger`]) | query index `attention` |
//! | open claims of a shard ([`super::claims`]) | query `CLAIM#` |
//! | rows that a campaign may write ([`super::walks`]) | update `ADMITTED` in the partition of the first shard |
//! | audit trails, newest first ([`crate::audit::trail`]) | query `AUDIT#<id>` backwards |
//! | notices to operators that are not published yet ([`crate::outbox`]) | query `NOTICES` |
//! | acceptances of a campaign's passwords (`super::acceptances`) | get `ACCEPTANCES` of each shard's partition |
//! | listed self-service campaigns, or a division's of a day ([`super::active`]) | query or get `SELF_SERVICE` |
//! | e-mails granted to customers in a day ([`super::self_service`]) | get or update `GRANTED#<division>` |
//! | events for the company's portal that are not published yet ([`crate::outbox`]) | query `EVENTS` |
//! | refused activations from one source ([`crate::refusals`]) | update `SOURCE#<hash>` |
//! | schedules, or one ([`crate::schedules`]) | query or get `SCHEDULES` |
//! | occurrences of a schedule, newest first, or one ([`crate::schedules`]) | query backwards or get `SCHEDULE#<id>` |
//! | the send rate limiters ([`crate::limiter`]) | get or update `LIMITERS` |
//! | ledger rows of a recipient, newest first ([`super::ledger`]) | query index `by-recipient` backwards, `CAMPAIGN#` |

use jiff::Timestamp;
use portal_domain::schedule::LATEST;
use portal_domain::{Campaign, CampaignId, Shard};

use crate::table::condition::{at_least, below, between};
use crate::table::{Key, Query};

/// Partition of all campaigns; the sort key is the campaign's id.
pub const CAMPAIGNS: &str = "CAMPAIGNS";
/// The prefix of the partitions of campaigns' shards.
pub const SHARD_PREFIX: &str = "CAMPAIGN#";

/// Partition of one shard of a campaign.
pub fn shard_pk(campaign: CampaignId, shard: Shard) -> String {
    format!("{SHARD_PREFIX}{campaign}#{shard}")
}

/// The campaign that a shard's partition belongs to.
pub fn campaign_of(shard_pk: &str) -> Option<CampaignId> {
    let (campaign, _) = shard_pk.strip_prefix(SHARD_PREFIX)?.split_once('#')?;
    campaign.parse().ok()
}

/// A campaign.
pub fn campaign(id: CampaignId) -> Key<Campaign> {
    Key::new(CAMPAIGNS, id.to_string())
}

/// All campaigns, the newest first.
pub fn campaigns() -> Query<Campaign> {
    Query::partition(CAMPAIGNS).backwards()
}

/// The same, of those started between these times, and a few others: the id of a scheduled campaign has the time at
/// which it was due, and the campaign may start up to [`LATEST`] later.
pub fn campaigns_between(from: Option<Timestamp>, to: Option<Timestamp>) -> Query<Campaign> {
    let id = |at: Timestamp| CampaignId::from_parts(at.as_millisecond().max(0).unsigned_abs(), 0).to_string();
    let first = from.map(|from| id(from.checked_sub(LATEST).unwrap_or(from)));
    match (first, to.map(|to| id(to.checked_add(LATEST).unwrap_or(to)))) {
        (None, None) => campaigns(),
        (Some(first), None) => campaigns().whose(at_least("sk", first)),
        (None, Some(end)) => campaigns().whose(below("sk", end)),
        (Some(first), Some(end)) => campaigns().whose(between("sk", first, end)),
    }
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
        for other in [CAMPAIGNS, "LOCKS", "CAMPAIGN#x#1", "CAMPAIGN#", "KEY#ann#CAMPAIGN#x"] {
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
