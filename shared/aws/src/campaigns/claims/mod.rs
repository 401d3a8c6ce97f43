//! Claims: a function claims recipients before it e-mails them, and records the result afterwards.
//!
//! A claim is open until it is recorded and everybody of it who is `queued` again has a message. The sweep settles the
//! open claims of functions that were killed.

pub mod claim;
pub mod delivery;
pub mod record;
mod settle;

use jiff::{SignedDuration, Timestamp};
use portal_domain::{CampaignId, ClaimId, RecipientId, Shard};
use serde::{Deserialize, Serialize};

use super::keys::shard_pk;
use super::ledger::Ledger;
use super::ledger::counter::CounterItem;
use super::ledger::keys::counter_of;
use crate::audit::trail::Trails;
use crate::context::Context;
use crate::recipients::Recipients;
use crate::settings::InvalidSetting;
use crate::table::condition::begins_with;
use crate::table::{Action, Key, Query, StoreError, Table, Update};

/// The prefix of the sort keys of open claims.
pub const CLAIM_PREFIX: &str = "CLAIM#";

/// How long an open claim is kept after its time.
const CLAIM_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Claims recipients of campaigns, and records and settles claims.
#[derive(Clone, Debug)]
pub struct Claims {
    table: Table,
    directory: Table,
    ledger: Ledger,
    recipients: Recipients,
    trails: Trails,
}

/// One attempt to e-mail recipients of one shard.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The campaign.
    pub campaign: CampaignId,
    /// The shard of its ledger.
    pub shard: Shard,
    /// This attempt.
    pub claim_id: ClaimId,
    /// When it was claimed.
    pub now: Timestamp,
    /// Nobody but its owner records the claim before this time.
    pub claim_until: Timestamp,
}

/// An open claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimItem {
    /// The claim.
    pub claim_id: ClaimId,
    /// Nobody but its owner records the claim before this time.
    pub claim_until: Timestamp,
    /// The recipients that it holds: those that are claimed, and those that are `queued` again and may have no message
    /// yet.
    pub recipient_ids: Vec<RecipientId>,
    /// Seconds since 1970 after which DynamoDB deletes the item. If SES reported on all recipients of a killed
    /// function, its campaign may be over before anybody has settled the claim.
    #[serde(default)]
    pub ttl: i64,
}

impl Claims {
    /// Claims in the table `CAMPAIGNS_TABLE`, of recipients in the table `DIRECTORY_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let directory = context.table("DIRECTORY_TABLE")?;
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            ledger: Ledger::new(context)?,
            recipients: Recipients::new(directory.clone()),
            trails: Trails::new(context)?,
            directory,
        })
    }

    /// The open claims of a shard, read consistently.
    pub async fn open(&self, campaign: CampaignId, shard: Shard) -> Result<Vec<ClaimItem>, StoreError> {
        let claims = Query::partition(shard_pk(campaign, shard)).whose(begins_with("sk", CLAIM_PREFIX));
        self.table.all("list open claims", claims).await
    }

    /// Whether this claim is open, read consistently. Answers whether it was written if the answer to the write was
    /// lost.
    pub async fn is_open(&self, claim: &Claim) -> Result<bool, StoreError> {
        Ok(self.table.get("read a claim", &claim.key()).await?.is_some())
    }

    /// Closes a claim whose `queued` recipients have a message.
    pub async fn close(&self, claim: &Claim) -> Result<(), StoreError> {
        self.table.run("close a claim", self.table.delete(claim.key())).await.map(drop)
    }

    /// The action that writes an open claim, which holds these recipients.
    fn hold(&self, claim: &Claim, recipient_ids: Vec<RecipientId>) -> Action {
        self.table.put(claim.key(), &ClaimItem::new(claim.claim_id, claim.claim_until, recipient_ids))
    }

    /// The update of the claim's counter row; none if nothing moved.
    fn count(&self, claim: &Claim, counter: CounterItem) -> Option<Update> {
        self.ledger.count(claim.campaign, claim.shard, counter_of(claim.claim_id), counter)
    }
}

impl ClaimItem {
    /// An open claim that holds these recipients.
    pub fn new(claim_id: ClaimId, claim_until: Timestamp, recipient_ids: Vec<RecipientId>) -> Self {
        Self { claim_id, claim_until, recipient_ids, ttl: (claim_until + CLAIM_KEPT).as_second() }
    }
}

impl Claim {
    fn key(&self) -> Key<ClaimItem> {
        Key::new(shard_pk(self.campaign, self.shard), format!("{CLAIM_PREFIX}{}", self.claim_id))
    }
}
