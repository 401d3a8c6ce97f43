//! How things lie in the table Campaigns.

use jiff::Timestamp;
use portal_domain::outcome::Outcomes;
use portal_domain::password::PasswordDigest;
use portal_domain::selection::Excluded;
use portal_domain::{CampaignId, ClaimId, Outcome, PortalStatus, RecipientId};
use serde::{Deserialize, Serialize};

/// The lock of a division.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockItem {
    /// Who holds it.
    pub campaign_id: CampaignId,
}

/// What a caller's idempotency key stands for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyItem {
    /// Hash of the request's body.
    pub body_hash: String,
    /// The campaign that the request started.
    pub campaign_id: CampaignId,
    /// Seconds since 1970 after which the key is forgotten.
    pub ttl: i64,
}

/// How far one shard's fan-out has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CursorItem {
    /// Goes up by one with every page written.
    pub page: u64,
    /// Sort key in the index of the last recipient looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Ledger rows written.
    pub audience: u64,
    /// Who was left out.
    pub excluded: Excluded,
    /// Recipients of the last page, whose messages may not be queued yet.
    #[serde(default)]
    pub to_queue: Vec<RecipientId>,
    /// Everything of this shard is written and queued.
    pub done: bool,
    /// When it was last written.
    #[serde(default)]
    pub updated_at: Timestamp,
}

/// What a recipient was before it was claimed, so that a refused e-mail can be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the recipient")]
pub struct Prior {
    pub status: PortalStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<PasswordDigest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_invited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_campaign_id: Option<CampaignId>,
}

/// One recipient in one campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerItem {
    /// The recipient.
    pub recipient_id: RecipientId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, for outcomes that have a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often it was claimed.
    #[serde(default)]
    pub attempt: u32,
    /// The newest claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
    /// The id that SES gave the e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// When the row was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// A claim that has not been recorded yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimItem {
    /// The claim.
    pub claim_id: ClaimId,
    /// Nobody but its owner records the claim before this time.
    pub claim_until: Timestamp,
    /// The recipients that it holds.
    pub recipient_ids: Vec<RecipientId>,
}

/// One counter row: how many ledger rows its batches moved to each outcome, less those that they moved away.
/// `queued` isn't counted: it is the audience less all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CounterItem {
    claimed: i64,
    sent: i64,
    failed: i64,
    skipped: i64,
    unconfirmed: i64,
}

impl CounterItem {
    /// Counts a ledger row that moves.
    pub fn moved(&mut self, from: Outcome, to: Outcome) {
        self.add(from, -1);
        self.add(to, 1);
    }

    fn add(&mut self, outcome: Outcome, by: i64) {
        match outcome {
            Outcome::Queued => {}
            Outcome::Claimed => self.claimed += by,
            Outcome::Sent => self.sent += by,
            Outcome::Failed => self.failed += by,
            Outcome::Skipped => self.skipped += by,
            Outcome::Unconfirmed => self.unconfirmed += by,
        }
    }

    /// Adds another row.
    pub fn merge(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.sent += other.sent;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unconfirmed += other.unconfirmed;
    }

    /// The attributes that are not zero, by name.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, i64)> {
        [
            (Outcome::Claimed, self.claimed),
            (Outcome::Sent, self.sent),
            (Outcome::Failed, self.failed),
            (Outcome::Skipped, self.skipped),
            (Outcome::Unconfirmed, self.unconfirmed),
        ]
        .into_iter()
        .filter(|(_, by)| *by != 0)
        .map(|(outcome, by)| (outcome.as_str(), by))
    }

    /// Outcomes of an audience of this size.
    pub fn outcomes(&self, audience: u64) -> Outcomes {
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        let counted = self.claimed + self.sent + self.failed + self.skipped + self.unconfirmed;
        Outcomes {
            queued: audience.saturating_sub(positive(counted)),
            claimed: positive(self.claimed),
            sent: positive(self.sent),
            failed: positive(self.failed),
            skipped: positive(self.skipped),
            unconfirmed: positive(self.unconfirmed),
        }
    }
}
