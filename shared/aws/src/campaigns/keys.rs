//! Keys, attribute names and index of the table Campaigns. Access patterns:
//!
//! | What | How |
//! | --- | --- |
//! | campaigns, newest first, or one | query or get `CAMPAIGNS` |
//! | active campaigns, or a division's | query or get `LOCKS` |
//! | a request's idempotency key ([`crate::idempotency`]) | get `KEY#<caller>#<key>` |
//! | progress of a campaign | transactional read of its cursors ([`super::walks`]) and counters ([`super::ledger`]) |
//! | ledger of a campaign, by shard and recipient ([`super::ledger`]) | query `LEDGER#` of each shard's partition |
//! | failed, skipped and unconfirmed rows ([`super::ledger`]) | query index `attention` |
//! | open claims of a shard ([`super::claims`]) | query `CLAIM#` |
//! | rows that a campaign may write ([`super::walks`]) | update `ADMITTED` in the partition of the first shard |
//! | audit trail of a campaign, recipient or schedule, newest first ([`crate::trail`]) | query `AUDIT#` backwards |
//! | notices to operators that are not published yet ([`crate::outbox`]) | query `NOTICES` |
//! | acceptances of what a campaign mailed | get `ACCEPTANCES` of each shard's partition |
//! | a division's self-service campaign of a day, or all that may need looking after | get or query `SELF_SERVICE` |
//! | e-mails that a division's customers were granted by asking, on a day in UTC | get or update `GRANTED#<division>` |
//! | events for the company's portal that are not published yet ([`crate::outbox`]) | query `EVENTS` |
//! | refused activations from one source ([`crate::refusals`]) | update `SOURCE#<hash>` |
//! | schedules, or one ([`crate::schedules`]) | query or get `SCHEDULES` |
//! | occurrences of a schedule, newest first, or one | query backwards or get `SCHEDULE#<id>` |
//! | the send rate limiters | get or update `LIMITERS` |
//! | ledger rows of a recipient, newest first ([`super::ledger`]) | query index `by-recipient` backwards, `CAMPAIGN#` |

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portal_domain::campaign::SelfService;
use portal_domain::{Campaign, CampaignId, DivisionId, Shard};

use super::item::{CampaignRef, GrantedItem};
use crate::table::{Key, Query};

/// An item whose attributes are numbers, beside its keys.
pub type Numbers = serde_json::Map<String, serde_json::Value>;

/// Partition of all campaigns; the sort key is the campaign's id.
pub const CAMPAIGNS: &str = "CAMPAIGNS";
/// Partition of all locks; the sort key is the division.
pub const LOCKS: &str = "LOCKS";
/// Partition of self-service campaigns that may need looking after.
pub const SELF_SERVICE: &str = "SELF_SERVICE";
/// Sort key of the times to acceptance of one shard of a campaign.
pub const ACCEPTANCES: &str = "ACCEPTANCES";
/// Partition of the send rate limiters; the sort key is [`SES`] or a campaign's id.
pub const LIMITERS: &str = "LIMITERS";
/// The limiter that all senders share.
pub const SES: &str = "SES";
/// What the partitions of campaigns' shards begin with.
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

/// Sort key of a division's self-service campaign.
pub fn self_service_sk(division: &DivisionId, SelfService { day, round, .. }: SelfService) -> String {
    format!("{division}#{day}#{round}")
}

/// Partition of how many e-mails a division's customers were granted by asking; the sort key is the day in UTC.
pub fn granted_pk(division: &DivisionId) -> String {
    format!("GRANTED#{division}")
}

/// A campaign.
pub fn campaign(id: CampaignId) -> Key<Campaign> {
    Key::new(CAMPAIGNS, id.to_string())
}

/// All campaigns, the newest first.
pub fn campaigns() -> Query<Campaign> {
    Query::partition(CAMPAIGNS).backwards()
}

/// The lock of a division, which names the campaign that holds it.
pub fn lock(division: &DivisionId) -> Key<CampaignRef> {
    Key::new(LOCKS, division.as_str())
}

/// All locks that are held.
pub fn locks() -> Query<CampaignRef> {
    Query::partition(LOCKS)
}

/// A division's self-service campaign, while it may need looking after.
pub fn self_service(division: &DivisionId, which: SelfService) -> Key<CampaignRef> {
    Key::new(SELF_SERVICE, self_service_sk(division, which))
}

/// All self-service campaigns that may need looking after.
pub fn self_services() -> Query<CampaignRef> {
    Query::partition(SELF_SERVICE)
}

/// The times to acceptance of one shard of a campaign.
pub fn acceptances(campaign: CampaignId, shard: Shard) -> Key<Numbers> {
    Key::new(shard_pk(campaign, shard), ACCEPTANCES)
}

/// How many e-mails a division's customers were granted on the day of `now`, in UTC.
pub fn granted(division: &DivisionId, now: Timestamp) -> Key<GrantedItem> {
    Key::new(granted_pk(division), now.to_zoned(TimeZone::UTC).date().to_string())
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
        for other in [CAMPAIGNS, LOCKS, "CAMPAIGN#x#1", "CAMPAIGN#", "KEY#ann#CAMPAIGN#x"] {
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
