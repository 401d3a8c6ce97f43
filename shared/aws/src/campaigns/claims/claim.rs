//! The write by which a function claims recipients before it e-mails them.

use jiff::Timestamp;
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::PasswordDigest;
use portal_domain::{Outcome, Reason, RecipientId};

use super::{Claim, Claims};
use crate::campaigns::ledger::counter::CounterItem;
use crate::campaigns::ledger::item::LedgerItem;
use crate::directory::item::RecipientItem;
use crate::recipients::{Invitation, Occasion, Prior};
use crate::table::{StoreError, Transacted, Update};

/// The decision about one recipient whose row is `queued`.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The recipient's row as it was read.
    pub row: LedgerItem,
    /// The action.
    pub action: Action,
}

/// The action for one recipient.
#[derive(Clone, Debug)]
pub enum Action {
    /// Write the digest of the password that is about to be mailed.
    Claim {
        /// The recipient as it was read.
        recipient: Box<RecipientItem>,
        /// Digest of the new password.
        digest: PasswordDigest,
        /// When the new password expires.
        expires_at: Timestamp,
        /// Why the recipient is mailed.
        occasion: Occasion,
    },
    /// Write an end state without sending.
    End(LedgerEvent, Reason),
}

/// How a claim ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// All decisions are written, and the claim is open.
    Done,
    /// These recipients or their rows have changed since they were read. Nothing is written.
    Changed(Vec<RecipientId>),
}

impl Claims {
    /// Writes all decisions, or nothing. A claimed recipient becomes `pending` with the new digest, on the condition
    /// that its version is the one that was read, that it has not accepted (guarantee 1), and that its row is still
    /// `queued`.
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

    fn claim_row(&self, claim: &Claim, row: &LedgerItem, recipient: &RecipientItem, digest: &PasswordDigest) -> Update {
        self.ledger
            .update(claim.campaign, claim.shard, row, Outcome::Claimed, claim.now)
            .set("claimId", claim.claim_id)
            .set("attempt", row.attempt + 1)
            .set("digest", digest)
            .set("priorState", Prior::from(recipient))
    }
}
