//! Writes what SES reports of an e-mail after it accepted it.

use jiff::Timestamp;
use portal_domain::feedback::parse::{SentFor, SesReport};
use portal_domain::feedback::{Change, Known, Report, Standing, gives_up, is_refusal};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignId, Outcome, Reason, RecipientId};

use super::ledger::Ledger;
use super::ledger::counter::CounterItem;
use super::ledger::item::LedgerItem;
use super::ledger::keys::counter_of;
use crate::context::Context;
use crate::recipients::{Recipients, Undo};
use crate::settings::InvalidSetting;
use crate::table::condition::{is, lacks};
use crate::table::{StoreError, Table, Transacted, Update};

/// How many of a recipient's newest campaigns are searched. A recipient is invited at most once a day, unless a person
/// asks for more, and SES reports for a few days at most.
const NEWEST: usize = 20;

/// Finds the ledger row of an e-mail, and writes SES's reports to it.
#[derive(Clone, Debug)]
pub struct FeedbackStore {
    table: Table,
    ledger: Ledger,
    recipients: Recipients,
}

/// The result of a search for an e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This attempt sent it.
    Attempt(SentFor),
    /// A row of one of the recipients is claimed, so the id of its e-mail may not be recorded yet.
    NotYet,
    /// No campaign sent it.
    Nowhere,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Nothing: the row has this standing already, or one that outranks it.
    Nothing,
    /// The standing of the row.
    Standing,
    /// The outcome of the row, so its campaign may be over.
    Outcome(Outcome),
    /// Nothing, because the row has changed since it was read: read it and report again.
    RowChanged,
}

/// A report, and the change of its row.
struct Step<'a> {
    campaign: CampaignId,
    row: &'a LedgerItem,
    attempt: u32,
    told: &'a SesReport,
    change: Change,
    outcome: Option<Outcome>,
    now: Timestamp,
}

impl FeedbackStore {
    /// A store on the tables `CAMPAIGNS_TABLE` and `DIRECTORY_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            ledger: Ledger::new(context)?,
            recipients: Recipients::new(context.table("DIRECTORY_TABLE")?),
        })
    }

    /// The attempt whose e-mail to one of these recipients got this id from SES.
    pub async fn find(&self, recipients: &[RecipientId], message_id: &str) -> Result<Found, StoreError> {
        let mut found = Found::Nowhere;
        for recipient in recipients {
            for entry in self.ledger.history(*recipient, NEWEST).await?.entries {
                let claimed = entry.row.outcome == Outcome::Claimed;
                if entry.row.message_id.as_deref() == Some(message_id) {
                    // A claimed row still has the id of the attempt before.
                    let attempt = entry.row.attempt.saturating_sub(u32::from(claimed));
                    let campaign = entry.campaign.campaign_id;
                    return Ok(Found::Attempt(SentFor { campaign, recipient: *recipient, attempt }));
                }
                if claimed {
                    found = Found::NotYet;
                }
            }
        }
        Ok(found)
    }

    /// Whether the address of this report was refused in so many earlier campaigns that it counts as undeliverable. The
    /// index that finds those campaigns may lag; then the next refusal marks the recipient.
    pub async fn gives_up(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
        told: &SesReport,
    ) -> Result<bool, StoreError> {
        let is_soft = told.report == Report::Became(Standing::SoftBounced);
        if !is_soft || !told.detail.as_deref().is_some_and(is_refusal) {
            return Ok(false);
        }
        let history = self.ledger.history(recipient, NEWEST).await?;
        let others = history.entries.iter().filter(|entry| entry.campaign.campaign_id != campaign);
        Ok(gives_up(others.map(|entry| (entry.row.standing, entry.row.standing_detail.as_deref()))))
    }

    /// Writes what a report of attempt number `attempt` changes in `row`, in the counters, and in the recipient: an
    /// undeliverable recipient is marked, and one whose e-mail was rejected gets back its prior state. All of it is one
    /// transaction, on the condition that the row is as it was read. So a repeated report changes nothing, even if a
    /// person has cleared the mark since.
    pub async fn report(
        &self,
        campaign: CampaignId,
        row: &LedgerItem,
        attempt: u32,
        told: &SesReport,
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
        let mut with_recipient = true;
        loop {
            let mut tx = self.table.tx("write what SES reports");
            let written_row = tx.add(self.report_row(&step));
            let recipient = self.report_recipient(row, change, gives_up).filter(|_| with_recipient);
            with_recipient = recipient.is_some();
            tx.extend(recipient);
            tx.extend(self.report_count(&step));
            match tx.write().await? {
                Transacted::Done => return Ok(reported),
                Transacted::Refused(refused) if refused.failed(written_row) => return Ok(Reported::RowChanged),
                // The recipient is gone or has changed since, so there is nothing to mark or to give back.
                Transacted::Refused(_) if with_recipient => with_recipient = false,
                Transacted::Refused(_) => return Ok(Reported::RowChanged),
            }
        }
    }

    /// The update of the row, on the condition that it is as it was read.
    fn report_row(&self, step: &Step<'_>) -> Update {
        let Step { campaign, row, told, change, now, .. } = *step;
        let (id, shard) = (row.recipient_id, row.recipient_id.shard());
        let mut update = match step.outcome {
            Some(outcome) => {
                let reason = (change.event == Some(LedgerEvent::Reject)).then_some(Reason::Rejected);
                self.ledger.update_any(campaign, shard, id, outcome, now).set_or_remove("reason", reason)
            }
            None => self.ledger.any(campaign, shard, id).set("updatedAt", now),
        };
        // The row holds the id of its newest attempt, which nobody may have recorded. A claimed row without a digest is
        // anonymous, and gets no id.
        if step.attempt == row.attempt && row.digest.is_some() {
            update = update.set("messageId", &told.message_id);
        }
        if let Some(standing) = change.standing {
            update = update.set("standing", standing).set_or_remove("standingDetail", told.detail.as_ref());
        }
        let stands = row.standing.map_or_else(|| lacks("standing"), |standing| is("standing", standing));
        update.when(is("outcome", row.outcome).and(is("attempt", row.attempt)).and(stands))
    }

    /// The update of the counter row of the claim, if anything moved.
    fn report_count(&self, step: &Step<'_>) -> Option<Update> {
        let row = step.row;
        let mut counter = CounterItem::default();
        if let Some(outcome) = step.outcome {
            counter.moved(row.outcome, outcome);
        }
        if let Some(standing) = step.change.standing {
            counter.stands(row.standing, standing);
        }
        let counter_row = row.claim_id.map_or(0, counter_of);
        self.ledger.count(step.campaign, row.recipient_id.shard(), counter_row, counter)
    }

    /// The update of the recipient, if any.
    fn report_recipient(&self, row: &LedgerItem, change: Change, gives_up: bool) -> Option<Update> {
        if change.event == Some(LedgerEvent::Reject)
            && let (Some(prior), Some(digest)) = (row.prior_state.clone(), row.digest.clone())
        {
            return Some(self.recipients.give_back(row.recipient_id, &Undo { prior, digest }));
        }
        let standing = change.standing.map(|standing| if gives_up { Standing::Bounced } else { standing });
        let standing = standing.filter(|standing| standing.is_undeliverable())?;
        Some(self.recipients.mark_undeliverable(row.recipient_id, standing))
    }
}
