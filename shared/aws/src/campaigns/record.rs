//! Recording what became of a claim.

use aws_sdk_dynamodb::types::{Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::PasswordDigest;
use portal_domain::{Outcome, PortalStatus, RecipientId};

use super::claim::{Claim, update};
use super::counter::CounterItem;
use super::item::{LedgerItem, Prior};
use super::{CampaignStore, keys};
use crate::clock;
use crate::directory::keys as directory_keys;
use crate::dynamo::{StoreError, Transacted, condition_failed, key, n, s, transact};

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
    /// Records a claim and closes it. A row that is no longer this claim's is left alone; one that was settled as
    /// `unconfirmed` meanwhile is recorded over. A recipient gets its prior state back only if its digest is still the
    /// claim's and its status still `pending`.
    pub async fn record(&self, claim: &Claim, mut records: Vec<Record>) -> Result<(), StoreError> {
        let mut before = vec![Outcome::Claimed; records.len()];
        loop {
            let mut actions = Vec::with_capacity(2 * records.len() + 2);
            let mut parts = Vec::with_capacity(2 * records.len() + 2);
            let mut counter = CounterItem::default();
            for (index, record) in records.iter().enumerate() {
                let Some(outcome) = before[index].after(record.event) else { continue };
                counter.moved(before[index], outcome);
                actions.push(self.record_row(claim, record, before[index], outcome)?);
                parts.push(Part::Row(index));
                if let Some(undo) = &record.undo {
                    actions.push(self.undo(record.recipient_id, undo)?);
                    parts.push(Part::Undo(index));
                }
            }
            actions.push(self.close_claim(claim)?);
            parts.push(Part::Other);
            actions.extend(self.count(claim, counter)?);
            let reasons = match transact(&self.client, "record a claim", actions).await? {
                Transacted::Done => return Ok(()),
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
        let mut set = "SET outcome = :outcome, updatedAt = :now".to_owned();
        let mut remove = Vec::new();
        let mut builder = Update::builder();
        let optional = [
            ("reason", record.reason.clone()),
            ("messageId", record.message_id.clone()),
            ("attention", outcome.needs_attention().then(|| keys::attention_pk(claim.campaign, outcome))),
        ];
        for (name, value) in optional {
            match value {
                Some(value) => {
                    set.push_str(&format!(", {name} = :{name}"));
                    builder = builder.expression_attribute_values(format!(":{name}"), s(value));
                }
                None => remove.push(name),
            }
        }
        if !remove.is_empty() {
            set.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(key(claim.pk(), keys::ledger_sk(record.recipient_id))))
                .update_expression(set)
                .condition_expression("claimId = :claim AND outcome = :before")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .expression_attribute_values(":claim", s(claim.claim_id.to_string()))
                .expression_attribute_values(":before", s(before.as_str()))
                .expression_attribute_values(":outcome", s(outcome.as_str()))
                .expression_attribute_values(":now", s(clock::now().to_string())),
        )
    }

    /// The action that gives a recipient back what it had, as long as its newest password is still the one of this e-mail.
    pub(super) fn undo(&self, recipient: RecipientId, undo: &Undo) -> Result<TransactWriteItem, StoreError> {
        let prior = &undo.prior;
        let mut set = "SET #status = :prior, indexSort = :sort".to_owned();
        let mut remove = Vec::new();
        let mut builder = Update::builder();
        let optional = [
            ("digest", prior.digest.as_ref().map(|digest| digest.as_str().to_owned())),
            ("lastInvitedAt", prior.last_invited_at.map(|at| at.to_string())),
            ("expiresAt", prior.expires_at.map(|at| at.to_string())),
            ("lastCampaignId", prior.last_campaign_id.map(|id| id.to_string())),
        ];
        for (name, value) in optional {
            match value {
                Some(value) => {
                    set.push_str(&format!(", {name} = :{name}"));
                    builder = builder.expression_attribute_values(format!(":{name}"), s(value));
                }
                None => remove.push(name),
            }
        }
        if !remove.is_empty() {
            set.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        update(
            builder
                .table_name(&self.directory)
                .set_key(Some(key(directory_keys::recipient_pk(recipient), directory_keys::RECIPIENT)))
                .update_expression(set + " ADD version :one")
                .condition_expression("digest = :mine AND #status = :pending")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":mine", s(undo.digest.as_str()))
                .expression_attribute_values(":pending", s(PortalStatus::Pending.as_str()))
                .expression_attribute_values(":prior", s(prior.status.as_str()))
                .expression_attribute_values(":sort", s(directory_keys::recipient_sort(prior.status, recipient))),
        )
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
