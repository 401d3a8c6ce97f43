//! Reading a delivery, and claiming it: the one write by which a function takes it upon itself to send.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use portal_domain::division::Division;
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::PasswordDigest;
use portal_domain::{Campaign, CampaignId, ClaimId, DivisionId, Outcome, Reason, RecipientId, Shard};

use super::item::ClaimItem;
use super::ledger::counter::CounterItem;
use super::ledger::item::LedgerItem;
use super::ledger::keys as ledger_keys;
use super::{CampaignStore, keys};
use crate::directory::item::RecipientItem;
use crate::directory::keys as directory_keys;
use crate::directory::read::DirectoryReader;
use crate::recipients::{Invitation, Occasion, Prior};
use crate::table::{self, Batch, Key, StoreError, Transacted, Update};

/// Everything that one delivery message is decided by, read consistently.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The campaign, if it exists.
    pub campaign: Option<Campaign>,
    /// Its division, if it exists.
    pub division: Option<Division>,
    /// The recipients that exist.
    pub recipients: HashMap<RecipientId, RecipientItem>,
    /// Their ledger rows.
    pub rows: BTreeMap<RecipientId, LedgerItem>,
}

/// Who claims, and for how long.
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
    /// Nobody else settles the claim before this time.
    pub claim_until: Timestamp,
}

/// What is to be done about one recipient, whose row is `queued`.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The recipient's row as it was read.
    pub row: LedgerItem,
    /// What to do.
    pub action: Action,
}

/// What to do about one recipient.
#[derive(Clone, Debug)]
pub enum Action {
    /// Claim: write the digest of the password that is about to be mailed.
    Claim {
        /// The recipient as it was read.
        recipient: Box<RecipientItem>,
        /// Digest of the new password.
        digest: PasswordDigest,
        /// When the new password expires.
        expires_at: Timestamp,
        /// Why they are mailed.
        occasion: Occasion,
    },
    /// Write an end state without sending.
    End(LedgerEvent, Reason),
}

/// How a claim ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// All of it is written; the claim is this function's.
    Done,
    /// These recipients, or their rows, are no longer what was read. Nothing is written.
    Changed(Vec<RecipientId>),
}

impl Claim {
    pub(super) fn key(&self) -> Key<ClaimItem> {
        keys::claim(self.campaign, self.shard, self.claim_id)
    }
}

impl CampaignStore {
    /// Reads what a delivery message is about, consistently; the recipients are as everybody is to see them.
    pub async fn delivery(
        &self,
        campaign: CampaignId,
        division: &DivisionId,
        shard: Shard,
        recipients: &[RecipientId],
    ) -> Result<Delivery, StoreError> {
        let mut batch = Batch::new("read a delivery");
        batch.want(&self.table, &keys::campaign(campaign));
        batch.want(&self.directory, &directory_keys::division(division));
        for id in recipients {
            batch.want(&self.table, &ledger_keys::row(campaign, shard, *id));
            batch.want(&self.directory, &directory_keys::recipient(*id));
        }
        let mut found = batch.read(&self.table).await?;
        let (mut rows, mut items) = (BTreeMap::new(), Vec::with_capacity(recipients.len()));
        for id in recipients {
            rows.extend(found.take(&self.table, &ledger_keys::row(campaign, shard, *id))?.map(|row| (*id, row)));
            items.extend(found.take(&self.directory, &directory_keys::recipient(*id))?);
        }
        let seen = DirectoryReader::of(self.directory.clone()).show_items(items).await?;
        Ok(Delivery {
            campaign: found.take(&self.table, &keys::campaign(campaign))?,
            division: found.take(&self.directory, &directory_keys::division(division))?,
            recipients: seen.into_iter().map(|recipient| (recipient.recipient_id, recipient)).collect(),
            rows,
        })
    }

    /// Writes all decisions, or nothing. Whoever is claimed becomes `pending` with the new digest, on the condition
    /// that the recipient is still the version that was read and has not accepted (guarantee 1), and that the row is
    /// still `queued`.
    pub async fn claim(&self, claim: &Claim, decisions: &[Decision]) -> Result<Claimed, StoreError> {
        let mut tx = self.table.tx("claim recipients");
        let mut owners = Vec::with_capacity(2 * decisions.len());
        let mut counter = CounterItem::default();
        let mut claimed = Vec::new();
        for Decision { row, action } in decisions {
            let id = row.recipient_id;
            match action {
                Action::Claim { recipient, digest, expires_at, occasion } => {
                    counter.moved(Outcome::Queued, Outcome::Claimed);
                    claimed.push(id);
                    owners.push((id, tx.add(self.claim_row(claim, row, recipient, digest))));
                    let (campaign, now, expires_at) = (claim.campaign, claim.now, *expires_at);
                    let invitation = Invitation { campaign, now, digest, expires_at, occasion };
                    owners.push((id, tx.add(self.recipients.invite(recipient, invitation))));
                }
                Action::End(event, reason) => {
                    let Some(outcome) = row.outcome.after(*event) else { continue };
                    counter.moved(row.outcome, outcome);
                    let row = self.ledger.update(claim.campaign, claim.shard, row, outcome, claim.now);
                    owners.push((id, tx.add(row.set("reason", reason))));
                }
            }
        }
        if !claimed.is_empty() {
            tx.add(self.hold(claim, claimed));
        }
        tx.extend(self.count(claim, counter));
        match tx.write().await? {
            Transacted::Done => Ok(Claimed::Done),
            Transacted::Refused(refused) => {
                let failed = owners.into_iter().filter(|(_, part)| refused.failed(*part));
                let mut changed: Vec<_> = failed.map(|(id, _)| id).collect();
                changed.dedup();
                Ok(Claimed::Changed(changed))
            }
        }
    }

    /// Whether this claim was written, though the answer to it was lost; read consistently.
    pub async fn holds(&self, claim: &Claim) -> Result<bool, StoreError> {
        Ok(self.table.get("read a claim", &claim.key()).await?.is_some())
    }

    fn claim_row(&self, claim: &Claim, row: &LedgerItem, recipient: &RecipientItem, digest: &PasswordDigest) -> Update {
        self.ledger
            .update(claim.campaign, claim.shard, row, Outcome::Claimed, claim.now)
            .set("claimId", claim.claim_id)
            .set("attempt", row.attempt + 1)
            .set("digest", digest)
            .set("priorState", Prior::from(recipient))
    }

    /// The action that writes an open claim, which holds these recipients.
    pub(super) fn hold(&self, claim: &Claim, recipient_ids: Vec<RecipientId>) -> table::Action {
        let open = ClaimItem::new(claim.claim_id, claim.claim_until, recipient_ids);
        self.table.put(claim.key(), &open)
    }

    /// The update of the claim's counter row; none if nothing moved.
    pub(super) fn count(&self, claim: &Claim, counter: CounterItem) -> Option<Update> {
        self.ledger.count(claim.campaign, claim.shard, ledger_keys::counter_of(claim.claim_id), counter)
    }
}
