//! Reading a delivery, and claiming it: the one write by which a function takes it upon itself to send.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::division::Division;
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::PasswordDigest;
use portal_domain::{Campaign, CampaignId, ClaimId, DivisionId, Outcome, PortalStatus, RecipientId, Shard};

use super::counter::CounterItem;
use super::item::{ClaimItem, LedgerItem, Prior};
use super::{CampaignStore, keys};
use crate::directory::item::RecipientItem;
use crate::directory::keys as directory_keys;
use crate::directory::read::DirectoryReader;
use crate::dynamo::{StoreError, Transacted, batch_get, condition_failed, key, n, put, s, transact, update};

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
    End(LedgerEvent, &'static str),
}

/// Why somebody is mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// They are invited, or tried again in the campaign that invited them.
    Invitation,
    /// They were pending, and did not ask for it.
    Reminder,
    /// They asked for it.
    Request {
        /// Passwords of earlier mails that stay valid beside the new one.
        earlier: Vec<Mailed>,
        /// The times to remember at which they asked.
        resends: Vec<Timestamp>,
    },
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
    pub(super) fn pk(&self) -> String {
        keys::shard_pk(self.campaign, self.shard)
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
        let pk = keys::shard_pk(campaign, shard);
        let mut wanted = vec![
            (self.table.clone(), Self::campaign_key(campaign)),
            (self.directory.clone(), key(directory_keys::DIVISIONS, division.as_str())),
        ];
        for id in recipients {
            wanted.push((self.table.clone(), key(&pk, keys::ledger_sk(*id))));
            wanted.push((self.directory.clone(), key(directory_keys::recipient_pk(*id), directory_keys::RECIPIENT)));
        }
        let mut delivery = Delivery::default();
        for (table, item) in batch_get(&self.client, wanted).await? {
            let partition = item.get("pk").and_then(|pk| pk.as_s().ok()).map(String::as_str);
            match partition {
                Some(keys::CAMPAIGNS) => delivery.campaign = Some(serde_dynamo::from_item(item)?),
                Some(directory_keys::DIVISIONS) => delivery.division = Some(serde_dynamo::from_item(item)?),
                _ if table == self.table => {
                    let row: LedgerItem = serde_dynamo::from_item(item)?;
                    delivery.rows.insert(row.recipient_id, row);
                }
                _ => {
                    let recipient: RecipientItem = serde_dynamo::from_item(item)?;
                    delivery.recipients.insert(recipient.recipient_id, recipient);
                }
            }
        }
        let recipients = std::mem::take(&mut delivery.recipients).into_values().collect();
        let seen = DirectoryReader::new(self.client.clone(), &self.directory).show_items(recipients).await?;
        delivery.recipients = seen.into_iter().map(|recipient| (recipient.recipient_id, recipient)).collect();
        Ok(delivery)
    }

    /// Writes all decisions, or nothing. Whoever is claimed becomes `pending` with the new digest, on the condition that
    /// the recipient is still the version that was read and has not accepted (guarantee 1), and that the row is still
    /// `queued`.
    pub async fn claim(&self, claim: &Claim, decisions: &[Decision]) -> Result<Claimed, StoreError> {
        let mut actions = Vec::with_capacity(2 * decisions.len() + 2);
        let mut owners = Vec::with_capacity(2 * decisions.len());
        let mut counter = CounterItem::default();
        let mut claimed = Vec::new();
        for Decision { row, action } in decisions {
            owners.push(row.recipient_id);
            match action {
                Action::Claim { recipient, digest, expires_at, occasion } => {
                    counter.moved(Outcome::Queued, Outcome::Claimed);
                    claimed.push(row.recipient_id);
                    actions.push(self.claim_row(claim, row, recipient, digest)?);
                    actions.push(self.claim_recipient(claim, recipient, digest, *expires_at, occasion)?);
                    owners.push(row.recipient_id);
                }
                Action::End(event, reason) => {
                    let Some(outcome) = row.outcome.after(*event) else { continue };
                    counter.moved(row.outcome, outcome);
                    actions.push(self.end_row(claim, row, outcome, reason)?);
                }
            }
        }
        if !claimed.is_empty() {
            actions.push(self.hold(claim, claimed)?);
        }
        actions.extend(self.count(claim, counter)?);
        match transact(&self.client, "claim recipients", actions).await? {
            Transacted::Done => Ok(Claimed::Done),
            Transacted::Refused(reasons) => {
                let failed = owners.into_iter().zip(&reasons).filter(|(_, reason)| condition_failed(reason));
                let mut changed: Vec<_> = failed.map(|(id, _)| id).collect();
                changed.dedup();
                Ok(Claimed::Changed(changed))
            }
        }
    }

    /// Whether this claim was written, though the answer to it was lost; read consistently.
    pub async fn holds(&self, claim: &Claim) -> Result<bool, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(claim.pk(), keys::claim_sk(claim.claim_id))))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read a claim", error))?;
        Ok(answer.item.is_some())
    }

    fn claim_row(
        &self,
        claim: &Claim,
        row: &LedgerItem,
        recipient: &RecipientItem,
        digest: &PasswordDigest,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut attributes = self.with_outcome(claim.campaign, Outcome::Claimed, claim.now);
        attributes.extend([
            ("claimId", Some(s(claim.claim_id.to_string()))),
            ("attempt", Some(n(row.attempt + 1))),
            ("digest", Some(s(digest.as_str()))),
            ("priorState", Some(serde_dynamo::to_attribute_value(Prior::from(recipient))?)),
        ]);
        self.write_row(&claim.pk(), row, attributes)
    }

    fn claim_recipient(
        &self,
        claim: &Claim,
        recipient: &RecipientItem,
        digest: &PasswordDigest,
        expires_at: Timestamp,
        occasion: &Occasion,
    ) -> Result<TransactWriteItem, StoreError> {
        let id = recipient.recipient_id;
        let mut builder = Update::builder();
        let mut set = String::new();
        let mut remove = " REMOVE earlier";
        if recipient.status == PortalStatus::NotSent {
            set += ", pendingSince = :now, reminders = :reminders";
            builder = builder.expression_attribute_values(":reminders", n(0));
        }
        match occasion {
            Occasion::Invitation => {}
            Occasion::Reminder => {
                set += ", reminders = :reminders";
                builder = builder.expression_attribute_values(":reminders", n(recipient.reminders.saturating_add(1)));
            }
            Occasion::Request { earlier, resends } => {
                set += ", resends = :resends, resentAt = :now";
                builder = builder.expression_attribute_values(":resends", serde_dynamo::to_attribute_value(resends)?);
                if !earlier.is_empty() {
                    (set, remove) = (set + ", earlier = :earlier", "");
                    builder =
                        builder.expression_attribute_values(":earlier", serde_dynamo::to_attribute_value(earlier)?);
                }
            }
        }
        update(
            builder
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(id), directory_keys::RECIPIENT)))
                .update_expression(format!(
                    "SET #status = :pending, indexSort = :sort, digest = :digest, lastInvitedAt = :now, \
                     expiresAt = :expires, lastCampaignId = :campaign, version = :next{set}{remove}",
                ))
                .condition_expression("version = :version AND #status <> :accepted")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":accepted", s(PortalStatus::Accepted.as_str()))
                .expression_attribute_values(":pending", s(PortalStatus::Pending.as_str()))
                .expression_attribute_values(":sort", s(directory_keys::recipient_sort(PortalStatus::Pending, id)))
                .expression_attribute_values(":digest", s(digest.as_str()))
                .expression_attribute_values(":now", s(claim.now.to_string()))
                .expression_attribute_values(":expires", s(expires_at.to_string()))
                .expression_attribute_values(":campaign", s(claim.campaign.to_string()))
                .expression_attribute_values(":version", n(recipient.version))
                .expression_attribute_values(":next", n(recipient.version + 1)),
        )
    }

    fn end_row(
        &self,
        claim: &Claim,
        row: &LedgerItem,
        outcome: Outcome,
        reason: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut attributes = self.with_outcome(claim.campaign, outcome, claim.now);
        attributes.push(("reason", Some(s(reason))));
        self.write_row(&claim.pk(), row, attributes)
    }

    /// The action that writes an open claim, which holds these recipients.
    pub(super) fn hold(&self, claim: &Claim, recipient_ids: Vec<RecipientId>) -> Result<TransactWriteItem, StoreError> {
        let open = ClaimItem::new(claim.claim_id, claim.claim_until, recipient_ids);
        put(self.put_item(key(claim.pk(), keys::claim_sk(claim.claim_id)), &open)?)
    }

    /// The action that adds `counter` to the claim's counter row; none when nothing moved.
    pub(super) fn count(&self, claim: &Claim, counter: CounterItem) -> Result<Option<TransactWriteItem>, StoreError> {
        self.count_on(&claim.pk(), keys::counter_of(claim.claim_id), counter)
    }

    /// The action that adds `counter` to a counter row; none when nothing moved.
    pub(super) fn count_on(
        &self,
        shard_pk: &str,
        counter_row: u8,
        counter: CounterItem,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let changes: Vec<_> = counter.changes().collect();
        if changes.is_empty() {
            return Ok(None);
        }
        let terms: Vec<_> = changes.iter().map(|(name, _)| format!("{name} :{name}")).collect();
        let mut builder = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk, keys::counter_sk(counter_row))))
            .update_expression(format!("ADD {}", terms.join(", ")));
        for (name, by) in changes {
            builder = builder.expression_attribute_values(format!(":{name}"), n(by));
        }
        update(builder).map(Some)
    }
}
