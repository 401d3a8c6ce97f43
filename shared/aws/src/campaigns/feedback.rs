//! Writing what SES reports of an e-mail after it accepted it.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::feedback::parse::Told;
use portal_domain::feedback::{Change, Known, Report, Standing, gives_up, is_refusal};
use portal_domain::outcome::LedgerEvent;
use portal_domain::recipient::ERASED;
use portal_domain::{CampaignId, Outcome, RecipientId};

use super::counter::CounterItem;
use super::find::NEWEST;
use super::item::{LedgerItem, WITHOUT_PASSWORDS};
use super::record::Undo;
use super::{CampaignStore, keys};
use crate::directory::keys as directory_keys;
use crate::dynamo::{
    StoreError, Transacted, batch_get_only, condition_failed, key, n, s, set_or_remove, transact, update,
};

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Nothing: the row knows it already, or something that outranks it.
    Nothing,
    /// The row has another standing.
    Standing,
    /// The row has another outcome, so that its campaign may be at its end.
    Outcome(Outcome),
    /// Somebody changed the row since it was read. Nothing is written; read it and report again.
    RowChanged,
}

/// A report, and what it changes in the row that it is about.
struct Step<'a> {
    campaign: CampaignId,
    row: &'a LedgerItem,
    attempt: u32,
    told: &'a Told,
    change: Change,
    outcome: Option<Outcome>,
    now: Timestamp,
}

impl CampaignStore {
    /// A recipient's row in the ledger of a campaign, read consistently, without passwords.
    pub async fn ledger_row(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
    ) -> Result<Option<LedgerItem>, StoreError> {
        self.read_row(campaign, recipient, WITHOUT_PASSWORDS).await
    }

    /// The same with what the recipient gets back if the e-mail did not leave.
    pub async fn ledger_row_with_passwords(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
    ) -> Result<Option<LedgerItem>, StoreError> {
        self.read_row(campaign, recipient, &[]).await
    }

    async fn read_row(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
        only: &[&str],
    ) -> Result<Option<LedgerItem>, StoreError> {
        let wanted = vec![(self.table.clone(), row_key(campaign, recipient))];
        let row = batch_get_only(&self.client, wanted, only).await?.pop();
        row.map(|(_, item)| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Whether the address of this report was refused in so many campaigns before that nothing arrives there. The index
    /// that tells which campaigns there were may lag: then the next refusal marks them.
    pub async fn gives_up(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
        told: &Told,
    ) -> Result<bool, StoreError> {
        let is_soft = told.report == Report::Became(Standing::SoftBounced);
        if !is_soft || !told.detail.as_deref().is_some_and(is_refusal) {
            return Ok(false);
        }
        let history = self.history(recipient, NEWEST).await?;
        let others = history.entries.iter().filter(|entry| entry.campaign.campaign_id != campaign);
        Ok(gives_up(others.map(|entry| (entry.row.standing, entry.row.standing_detail.as_deref()))))
    }

    /// Writes what a report of attempt number `attempt` changes in `row`, in the counters, and in the recipient: who is
    /// undeliverable is marked, and whose e-mail was rejected gets back what they had. All in one transaction, on the condition that
    /// the row is as it was read. So a report that comes again changes nothing, also where a person has cleared the mark since.
    pub async fn report(
        &self,
        campaign: CampaignId,
        row: &LedgerItem,
        attempt: u32,
        told: &Told,
        gives_up: bool,
        now: Timestamp,
    ) -> Result<Reported, StoreError> {
        let known = Known { outcome: row.outcome, attempt: row.attempt, standing: row.standing };
        let change = known.told(attempt, told.report);
        let outcome = change.event.and_then(|event| row.outcome.after(event));
        let reported = match (outcome, change.standing) {
            (Some(outcome), _) => Reported::Outcome(outcome),
            (None, Some(_)) => Reported::Standing,
            (None, None) => return Ok(Reported::Nothing),
        };
        let step = Step { campaign, row, attempt, told, change, outcome, now };
        let write_row = self.report_row(&step)?;
        let count = self.report_count(&step)?;
        let mut write_recipient = self.report_recipient(row, change, gives_up)?;
        loop {
            let mut actions = vec![write_row.clone()];
            actions.extend(write_recipient.clone());
            actions.extend(count.clone());
            match transact(&self.client, "write what SES reports", actions).await? {
                Transacted::Done => return Ok(reported),
                Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => {
                    return Ok(Reported::RowChanged);
                }
                // The recipient is gone, or has come further since: there is nothing to mark or to give back.
                Transacted::Refused(_) if write_recipient.take().is_some() => {}
                Transacted::Refused(_) => return Ok(Reported::RowChanged),
            }
        }
    }

    /// The row, on the condition that it is as it was read.
    fn report_row(&self, step: &Step<'_>) -> Result<TransactWriteItem, StoreError> {
        let Step { row, told, change, .. } = *step;
        let mut attributes = match step.outcome {
            Some(outcome) => self.with_outcome(step.campaign, outcome, step.now),
            None => vec![("updatedAt", Some(s(step.now.to_string())))],
        };
        // The row holds the id of its newest attempt; nobody may have recorded it. One that was claimed and has no digest is anonymous.
        if step.attempt == row.attempt && row.digest.is_some() {
            attributes.push(("messageId", Some(s(&told.message_id))));
        }
        if step.outcome.is_some() {
            let reason = (change.event == Some(LedgerEvent::Reject)).then(|| s(Standing::Rejected.as_str()));
            attributes.push(("reason", reason));
        }
        if let Some(standing) = change.standing {
            attributes.push(("standing", Some(s(standing.as_str()))));
            attributes.push(("standingDetail", told.detail.as_ref().map(s)));
        }
        let (mut builder, expression) = set_or_remove(attributes);
        let standing_before = match row.standing {
            Some(standing) => {
                builder = builder.expression_attribute_values(":standingBefore", s(standing.as_str()));
                "standing = :standingBefore"
            }
            None => "attribute_not_exists(standing)",
        };
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(row_key(step.campaign, row.recipient_id)))
                .update_expression(expression)
                .condition_expression(format!("outcome = :before AND attempt = :attempt AND {standing_before}"))
                .expression_attribute_values(":before", s(row.outcome.as_str()))
                .expression_attribute_values(":attempt", n(row.attempt)),
        )
    }

    /// The counters, on the row that the claim counted on.
    fn report_count(&self, step: &Step<'_>) -> Result<Option<TransactWriteItem>, StoreError> {
        let row = step.row;
        let mut counter = CounterItem::default();
        if let Some(outcome) = step.outcome {
            counter.moved(row.outcome, outcome);
        }
        if let Some(standing) = step.change.standing {
            counter.stands(row.standing, standing);
        }
        let counter_row = row.claim_id.map_or(0, keys::counter_of);
        self.count_on(&keys::shard_pk(step.campaign, row.recipient_id.shard()), counter_row, counter)
    }

    /// What becomes of the recipient, if anything.
    fn report_recipient(
        &self,
        row: &LedgerItem,
        change: Change,
        gives_up: bool,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        if change.event == Some(LedgerEvent::Reject)
            && let (Some(prior), Some(digest)) = (row.prior_state.clone(), row.digest.clone())
        {
            return self.undo(row.recipient_id, &Undo { prior, digest }).map(Some);
        }
        let standing = change.standing.map(|standing| if gives_up { Standing::Bounced } else { standing });
        let Some(standing) = standing.filter(|standing| standing.is_undeliverable()) else { return Ok(None) };
        // A new version, so that whoever is about to claim the recipient decides anew.
        let mark = Update::builder()
            .table_name(&self.directory)
            .set_key(Some(key(directory_keys::recipient_pk(row.recipient_id), directory_keys::RECIPIENT)))
            .update_expression("SET undeliverable = :why ADD version :one")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(undeliverable) OR undeliverable <> :erased)",
            )
            .expression_attribute_values(":erased", s(ERASED))
            .expression_attribute_values(":why", s(standing.as_str()))
            .expression_attribute_values(":one", n(1));
        update(mark).map(Some)
    }
}

fn row_key(campaign: CampaignId, recipient: RecipientId) -> crate::dynamo::Item {
    key(keys::shard_pk(campaign, recipient.shard()), keys::ledger_sk(recipient))
}
