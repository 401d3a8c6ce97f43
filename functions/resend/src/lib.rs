//! `resend`: decides about requests for a new e-mail.
//!
//! A granted request joins the division's self-service campaign of the day, which is delivered like any campaign:
//! ledger, decision at the last moment, claim, pace. The decision is not told outside (guarantee 14).
//!
//! Poison messages: an unreadable body and a lasting error use up the message's receives, until it moves to the
//! dead-letter queue, which has an alarm. It is not drained: customers can ask again.

use std::time::Duration;

use jiff::Timestamp;
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::campaigns::self_service::{Joined, SelfServiceStore};
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::mail::{MailError, Mailer};
use portal_aws::queue::{FanOutMessage, Queue, QueueError, ResendMessage};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{Attempts, StoreError};
use portal_domain::audience::AudienceRule;
use portal_domain::campaign::SelfService;
use portal_domain::campaign::audit::SYSTEM;
use portal_domain::mail::template::Head;
use portal_domain::resend::{Refusal, Requests, decide};
use portal_domain::{Campaign, CampaignState, Division, Filter, Outcome, Recipient, RecipientId, TemplateId};
use portal_runtime::Consumer;

/// A message could not be handled; it will be received again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The body is no request. The cause is dropped, because it might quote the body.
    #[error("the message can't be read")]
    Unreadable,
    /// Recipient or campaign changed faster than they could be written.
    #[error("recipient or campaign kept changing between read and write")]
    KeptChanging,
    /// SES could not be asked about a sender.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// There is no built-in template.
    #[error("there is no template to be had")]
    NoTemplate,
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fan-out could not be queued; the sweep will queue it.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// The function, with what it needs.
#[derive(Debug)]
pub struct Resend {
    store: CampaignStore,
    self_service: SelfServiceStore,
    ledger: Ledger,
    directory: DirectoryReader,
    templates: TemplateStore,
    mailer: Mailer,
    fan_out: Queue,
    /// Most e-mails that the customers of one division are granted in a day.
    daily_limit: u64,
}

impl Resend {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            self_service: SelfServiceStore::new(context)?,
            ledger: Ledger::new(context)?,
            templates: TemplateStore::new(context)?,
            directory: DirectoryReader::new(context)?,
            mailer: Mailer::new(context),
            fan_out: context.queue("FAN_OUT_QUEUE_URL")?,
            daily_limit: context.settings.required_count("SELF_SERVICE_DAILY_LIMIT")?,
        })
    }
}

impl Consumer for Resend {
    type Error = ResendError;

    async fn message(&self, body: &str, _: Timestamp) -> Result<(), ResendError> {
        self.request(body, clock::now()).await
    }
}

impl Resend {
    /// Handles one message as of `now`.
    pub async fn request(&self, body: &str, now: Timestamp) -> Result<(), ResendError> {
        let message: ResendMessage = serde_json::from_str(body).map_err(|_| ResendError::Unreadable)?;
        let Some(division) = self.directory.division(&message.division).await? else {
            tracing::info!("a request for a division that there is not: dropped");
            return Ok(());
        };
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let Some(id) = self.directory.recipient_at(&message.division, &message.email).await? else {
                tracing::info!("a request for an address that nobody has: dropped");
                return Ok(());
            };
            let Some(recipient) = self.directory.recipient(id).await? else { return Ok(()) };
            fail::fail_point!("resend.read");
            let waiting = self.is_waiting(&recipient).await?;
            let requests = Requests { granted: &recipient.resends, mailed: recipient.resent_at, waiting };
            let asked = match decide(&Recipient::from(recipient.clone()), requests, now) {
                Ok(asked) => asked,
                Err(refusal) => {
                    refuse(id, refusal);
                    return Ok(());
                }
            };
            if self.join(&division, &recipient, &asked, now).await? {
                return Ok(());
            }
        }
        Err(ResendError::KeptChanging)
    }

    /// Whether the e-mail granted last may still leave. One that certainly failed or was skipped does not count as
    /// their renewal. If an operator retries it meanwhile, `deliver` sends only one of the two.
    async fn is_waiting(&self, recipient: &RecipientItem) -> Result<bool, StoreError> {
        let Some(campaign) = recipient.asked_in else { return Ok(false) };
        let row = self.ledger.row(campaign, recipient.recipient_id).await?;
        Ok(row.is_some_and(|row| matches!(row.outcome, Outcome::Queued | Outcome::Claimed)))
    }

    /// Puts the recipient into the campaign of the day, unless the daily limit is reached. `false` if anything changed
    /// meanwhile.
    async fn join(
        &self,
        division: &Division,
        recipient: &RecipientItem,
        asked: &[Timestamp],
        now: Timestamp,
    ) -> Result<bool, ResendError> {
        // Checked first, so that nothing is written once the limit is reached.
        if self.self_service.granted(&division.division, now).await? >= self.daily_limit {
            refuse(recipient.recipient_id, Refusal::DailyLimit);
            return Ok(true);
        }
        let which = SelfService::of(&recipient.resends, &division.zone(), now);
        let known = self.store.self_service(&division.division, which).await?;
        let new = known.is_none();
        let campaign = match known {
            Some(campaign) => campaign,
            None => self.campaign(division, recipient, which, now).await?,
        };
        // The campaign was cancelled, or its day is over in the time zone that the division had.
        if !campaign.is_open(now) {
            tracing::info!(campaign.id = %campaign.campaign_id, "the campaign of the day is over: no new e-mail");
            return Ok(true);
        }
        match self.self_service.join(&campaign, new, recipient, asked, self.daily_limit, now).await? {
            Joined::Done => {}
            Joined::Changed => return Ok(false),
            Joined::LimitReached => {
                refuse(recipient.recipient_id, Refusal::DailyLimit);
                return Ok(true);
            }
        }
        fail::fail_point!("resend.joined");
        let shard = recipient.recipient_id.shard();
        tracing::info!(campaign.id = %campaign.campaign_id, recipient.id = %recipient.recipient_id, "asked for a new e-mail");
        // If this fails, the sweep queues the shard, so the message is done either way.
        let queued =
            self.fan_out.send(&[FanOutMessage { campaign_id: campaign.campaign_id, shard }], Duration::ZERO).await;
        if let Err(error) = queued {
            tracing::warn!(campaign.id = %campaign.campaign_id, error = %error, "fan-out left to the sweep");
        }
        Ok(true)
    }

    /// A new campaign. It takes template (newest version) and sender from the campaign that invited the first recipient
    /// who asks, if they may still be used; else the built-in template and the division's first usable sender.
    async fn campaign(
        &self,
        division: &Division,
        recipient: &RecipientItem,
        which: SelfService,
        now: Timestamp,
    ) -> Result<Campaign, ResendError> {
        let before = match recipient.last_campaign_id {
            Some(campaign) => self.store.campaign(campaign).await?,
            None => None,
        };
        let template = self.template(division, before.as_ref()).await?;
        let email_from = self.sender(division, before).await?;
        Ok(Campaign {
            campaign_id: clock::new_campaign_id(now),
            state: CampaignState::Sending,
            revision: 0,
            state_reason: None,
            filter: Filter::whole(division.division.clone()),
            recipient_id: None,
            self_service: Some(which),
            schedule: None,
            audience_rule: AudienceRule::PENDING,
            quiet_hours: None,
            time_zone: division.time_zone.clone(),
            template_id: template.template_id,
            template_version: template.version,
            template_name: template.name,
            email_from,
            expected_recipients: 0,
            most_recipients: None,
            include_recently_invited: false,
            max_per_minute: None,
            retrying: None,
            acknowledged: None,
            created_by: SYSTEM.to_owned(),
            created_by_person: None,
            created_at: now,
            completed_at: None,
        })
    }

    /// The sender: the earlier one, or the division's first sender that is still allowed and verified by SES. Without
    /// any, the first one is used anyway, and SES's refusals show in the ledger.
    async fn sender(&self, division: &Division, before: Option<Campaign>) -> Result<String, ResendError> {
        let before =
            before.map(|campaign| campaign.email_from).filter(|sender| division.refuses_sender(sender).is_none());
        let offered = division.offered_senders().into_iter().map(str::to_owned);
        let candidates: Vec<String> = before.into_iter().chain(offered).collect();
        for candidate in &candidates {
            if self.mailer.has_verified(candidate).await? {
                return Ok(candidate.clone());
            }
        }
        Ok(candidates.into_iter().next().unwrap_or_else(|| division.email.clone()))
    }

    async fn template(&self, division: &Division, before: Option<&Campaign>) -> Result<Head, ResendError> {
        if let Some(before) = before {
            match self.templates.usable(&before.template_id, Some(division)).await? {
                Ok(head) => return Ok(head),
                Err(refusal) => {
                    tracing::warn!(template.id = %before.template_id, error = %refusal, "the built-in template instead")
                }
            }
        }
        self.templates.head(&TemplateId::built_in()).await?.ok_or(ResendError::NoTemplate)
    }
}

/// Logs that a request got no e-mail, and why. The alarm of the daily limit counts this line (`infra/alarms.yaml`).
fn refuse(recipient: RecipientId, refusal: Refusal) {
    if refusal == Refusal::DailyLimit {
        tracing::warn!(recipient.id = %recipient, reason = <&str>::from(refusal), "no new e-mail");
    } else {
        tracing::info!(recipient.id = %recipient, reason = <&str>::from(refusal), "no new e-mail");
    }
}
