//! Recording what became of a claim.

use aws_sdk_dynamodb::types::{Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::PasswordDigest;
use portal_domain::{Outcome, PortalStatus, RecipientId};

use super::claim::Claim;
use super::counter::CounterItem;
use super::item::{LedgerItem, Prior};
use super::{CampaignStore, keys};
use crate::clock;
use crate::directory::keys as directory_keys;
use crate::dynamo::{StoreError, Transacted, condition_failed, key, n, s, set_or_remove, transact, update};

/// What became of one claimed recipient.
#[derive(Clone, Debug)]
pub struct Record {
    /// The recipient.
    pub recipient_id: RecipientId,
    /// What happened: accepted, refused, put back or lost.
    pub event: LedgerEvent,
    /// Why, for everything but acceptance; a code, never text that SES or a person wrote.
    pub reason: Option<String>,
    /// The id that SES gave the e-mail.
    pub message_id: Option<String>,
    /// What to give back to the recipient when nothing was sent.
    pub undo: Option<Undo>,
}

/// How a recipient whose e-mail was refused gets back what it had.
#[derive(Clone, Debug)]
pub struct Undo {
    /// What the recipient had before the claim.
    pub prior: Prior,
    /// The digest that the claim wrote; only while it stands is anything given back.
    pub digest: PasswordDigest,
}

/// One action of the transaction, by what a failed condition means for it.
enum Part {
    Row(usize),
    Undo(usize),
    Other,
}

impl CampaignStore {
    /// Records a claim. A row that is no longer this claim's is left alone; one that was settled as `unconfirmed` meanwhile is
    /// recorded over. A recipient gets its prior state back only if its digest is still the claim's and its status still
    /// `pending`.
    ///
    /// Answers who of the claim is `queued` again. The claim stays open and holds them until the caller has queued a message for
    /// them and closed it ([`CampaignStore::close`]); if there is nobody it is closed here.
    pub async fn record(&self, claim: &Claim, records: Vec<Record>) -> Result<Vec<RecipientId>, StoreError> {
        let before = vec![Outcome::Claimed; records.len()];
        self.record_from(claim, records, before).await
    }

    /// The same, where `before` are the outcomes of the rows as they were read.
    pub(super) async fn record_from(
        &self,
        claim: &Claim,
        mut records: Vec<Record>,
        mut before: Vec<Outcome>,
    ) -> Result<Vec<RecipientId>, StoreError> {
        loop {
            let mut waiting = Vec::new();
            let mut actions = Vec::with_capacity(2 * records.len() + 2);
            let mut parts = Vec::with_capacity(2 * records.len() + 2);
            let mut counter = CounterItem::default();
            for (index, record) in records.iter().enumerate() {
                let after = before[index].after(record.event);
                if after.unwrap_or(before[index]) == Outcome::Queued {
                    waiting.push(record.recipient_id);
                }
                let Some(outcome) = after else { continue };
                counter.moved(before[index], outcome);
                actions.push(self.record_row(claim, record, before[index], outcome)?);
                parts.push(Part::Row(index));
                if let Some(undo) = &record.undo {
                    actions.push(self.undo(record.recipient_id, undo)?);
                    parts.push(Part::Undo(index));
                }
            }
            actions.push(match waiting.is_empty() {
                true => self.close_claim(claim)?,
                false => self.hold(claim, waiting.clone())?,
            });
            parts.push(Part::Other);
            actions.extend(self.count(claim, counter)?);
            let reasons = match transact(&self.client, "record a claim", actions).await? {
                Transacted::Done => return Ok(waiting),
                Transacted::Refused(reasons) => reasons,
            };
            let mut gone = Vec::new();
            for (part, reason) in parts.iter().zip(&reasons).filter(|(_, reason)| condition_failed(reason)) {
                match *part {
                    Part::Undo(index) => records[index].undo = None,
                    Part::Row(index) => match self.still_ours(claim, reason.item())? {
                        Some(outcome) if outcome != before[index] => before[index] = outcome,
                        _ => gone.push(index),
                    },
                    Part::Other => {}
                }
            }
            for index in gone.into_iter().rev() {
                records.remove(index);
                before.remove(index);
            }
        }
    }

    /// The outcome of a row that this claim may still record, from the item that a failed condition answers.
    fn still_ours(&self, claim: &Claim, item: Option<&crate::dynamo::Item>) -> Result<Option<Outcome>, StoreError> {
        let Some(item) = item else { return Ok(None) };
        let row: LedgerItem = serde_dynamo::from_item(item.clone())?;
        Ok((row.claim_id == Some(claim.claim_id)).then_some(row.outcome))
    }

    fn record_row(
        &self,
        claim: &Claim,
        record: &Record,
        before: Outcome,
        outcome: Outcome,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut attributes = self.with_outcome(claim.campaign, outcome, clock::now());
        attributes.push(("reason", record.reason.as_ref().map(s)));
        attributes.push(("messageId", record.message_id.as_ref().map(s)));
        let (builder, expression) = set_or_remove(attributes);
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(key(claim.pk(), keys::ledger_sk(record.recipient_id))))
                .update_expression(expression)
                .condition_expression("claimId = :claim AND outcome = :before")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .expression_attribute_values(":claim", s(claim.claim_id.to_string()))
                .expression_attribute_values(":before", s(before.as_str())),
        )
    }

    /// The action that gives a recipient back what it had, as long as its newest password is still the one of this e-mail.
    pub(super) fn undo(&self, recipient: RecipientId, undo: &Undo) -> Result<TransactWriteItem, StoreError> {
        let prior = &undo.prior;
        let earlier =
            (!prior.earlier.is_empty()).then(|| serde_dynamo::to_attribute_value(&prior.earlier)).transpose()?;
        let (builder, expression) = set_or_remove(vec![
            ("status", Some(s(prior.status.as_str()))),
            ("indexSort", Some(s(directory_keys::recipient_sort(prior.status, recipient)))),
            ("digest", prior.digest.as_ref().map(|digest| s(digest.as_str()))),
            ("pendingSince", prior.pending_since.map(|at| s(at.to_string()))),
            ("reminders", (prior.reminders > 0).then(|| n(prior.reminders))),
            ("lastInvitedAt", prior.last_invited_at.map(|at| s(at.to_string()))),
            ("expiresAt", prior.expires_at.map(|at| s(at.to_string()))),
            ("lastCampaignId", prior.last_campaign_id.map(|id| s(id.to_string()))),
            ("earlier", earlier),
            ("resentAt", prior.resent_at.map(|at| s(at.to_string()))),
        ]);
        update(
            builder
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(recipient), directory_keys::RECIPIENT)))
                .update_expression(expression + " ADD version :one")
                .condition_expression("digest = :mine AND #status = :pending")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":mine", s(undo.digest.as_str()))
                .expression_attribute_values(":pending", s(PortalStatus::Pending.as_str())),
        )
    }

    /// Closes a claim whose waiting recipients are queued.
    pub async fn close(&self, claim: &Claim) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(claim.pk(), keys::claim_sk(claim.claim_id))))
            .send()
            .await
            .map_err(|error| StoreError::of("close a claim", error))?;
        Ok(())
    }

    fn close_claim(&self, claim: &Claim) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(claim.pk(), keys::claim_sk(claim.claim_id))))
            .build()
            .map_err(StoreError::request)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
