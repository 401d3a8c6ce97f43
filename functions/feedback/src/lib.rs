//! `feedback`: records what SES reports about e-mails after it has accepted them.
//!
//! Reports come through an SNS topic and a queue: late, twice, out of order, before the sender has recorded its claim
//! (guarantee 11). `portal_domain::feedback` decides what a report means. What it changes is one transaction, so that
//! it may come again.
//!
//! Poison messages: an unreadable body and a lasting error use up the message's receives, until it moves to the
//! dead-letter queue. That queue has an alarm and is not drained: a person moves its messages back.

use jiff::Timestamp;
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::feedback::{FeedbackStore, Found, Reported};
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{Attempts, StoreError};
use portal_domain::campaign::CampaignEvent;
use portal_domain::feedback::Report;
use portal_domain::feedback::parse::{Message, SentFor, SesReport, Unreadable, parse};
use portal_domain::{CampaignId, EmailAddress};
use portal_runtime::Consumer;

/// A message could not be handled; it will be received again.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// The body is no report of SES.
    #[error("the message can't be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// The report has no tags, and the e-mail's id may not be recorded yet.
    #[error("the e-mail that it is about may not be recorded yet")]
    NotRecordedYet,
    /// The ledger row changed faster than a report could be written.
    #[error("the ledger row kept changing between read and write")]
    KeptChanging,
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Feedback {
    store: CampaignStore,
    reports: FeedbackStore,
    ledger: Ledger,
    directory: DirectoryReader,
}

impl Feedback {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            reports: FeedbackStore::new(context)?,
            ledger: Ledger::new(context)?,
            directory: DirectoryReader::new(context)?,
        })
    }
}

impl Consumer for Feedback {
    type Error = FeedbackError;

    async fn message(&self, body: &str, _: Timestamp) -> Result<(), FeedbackError> {
        let ses_report = match parse(body)? {
            Message::Report(ses_report) => ses_report,
            Message::Ignored(kind) => {
                tracing::info!(event.kind = kind, "nothing to take up");
                return Ok(());
            }
        };
        let Some(sent_for) = self.sent_for(&ses_report).await? else {
            tracing::warn!(ses.message_id = ses_report.message_id, "feedback on an e-mail of no campaign: dropped");
            return Ok(());
        };
        let reported = self.report(sent_for, &ses_report).await?;
        fail::fail_point!("feedback.written");
        if let Some(Reported::Outcome(_)) = reported {
            self.store.advance(sent_for.campaign, clock::now()).await?;
        }
        // Also when the report changed nothing: the call that wrote it may have been killed before this.
        if let Report::Became(standing) = ses_report.report
            && standing.is_undeliverable()
        {
            self.halt_if_too_much_came_back(sent_for.campaign).await?;
        }
        Ok(())
    }
}

impl Feedback {
    /// Finds the attempt of the e-mail by its tags, or by its id among the e-mails that went to this address.
    async fn sent_for(&self, ses_report: &SesReport) -> Result<Option<SentFor>, FeedbackError> {
        if ses_report.sent_for.is_some() {
            return Ok(ses_report.sent_for);
        }
        let mut recipients = Vec::new();
        for address in ses_report.destination.iter().filter_map(|address| EmailAddress::normalise(address).ok()) {
            recipients.extend(self.directory.recipients_with(&address).await?);
        }
        match self.reports.find(&recipients, &ses_report.message_id).await? {
            Found::Attempt(sent_for) => Ok(Some(sent_for)),
            Found::NotYet => Err(FeedbackError::NotRecordedYet),
            Found::Nowhere => Ok(None),
        }
    }

    /// Writes a report; `None` when there is no such ledger row.
    async fn report(&self, sent_for: SentFor, ses_report: &SesReport) -> Result<Option<Reported>, FeedbackError> {
        let SentFor { campaign, recipient, attempt } = sent_for;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let Some(row) = self.ledger.row_with_passwords(campaign, recipient).await? else {
                tracing::warn!(campaign.id = %campaign, recipient.id = %recipient, "feedback on nobody in a ledger: dropped");
                return Ok(None);
            };
            fail::fail_point!("feedback.read");
            let gives_up = self.reports.gives_up(campaign, recipient, ses_report).await?;
            let reported = self.reports.report(campaign, &row, attempt, ses_report, gives_up, clock::now()).await?;
            if reported != Reported::RowChanged {
                tracing::info!(
                    campaign.id = %campaign, recipient.id = %recipient, attempt, report = ?ses_report.report, did = ?reported, "feedback"
                );
                return Ok(Some(reported));
            }
        }
        Err(FeedbackError::KeptChanging)
    }

    /// Halts a campaign with too many bounces or complaints since a person last resumed it from a halt.
    async fn halt_if_too_much_came_back(&self, id: CampaignId) -> Result<(), StoreError> {
        let Some(campaign) = self.store.campaign(id).await? else { return Ok(()) };
        if campaign.state.after(CampaignEvent::Halt).is_none() {
            return Ok(());
        }
        let returned = self.store.progress(&campaign).await?.returned();
        if let Some(reason) = returned.since(campaign.acknowledged.unwrap_or_default()).halts() {
            self.store.stop_by_itself(id, CampaignEvent::Halt, reason, clock::now()).await?;
        }
        Ok(())
    }
}
