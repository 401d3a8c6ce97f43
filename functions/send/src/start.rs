//! The use case: from a request to a campaign, or to a clear refusal with nothing written.

use std::time::Duration;

use jiff::Timestamp;
use portal_aws::campaigns::start::{RequestKey, Seen, Started};
use portal_aws::clock;
use portal_aws::dynamo::StoreError;
use portal_aws::queue::{FanOutMessage, QueueError};
use portal_aws::sender::{SenderRefusal, check_sender};
use portal_domain::campaign::{CampaignView, Progress, drifted};
use portal_domain::input::FieldError;
use portal_domain::mail::template::Head;
use portal_domain::selection::{Counts, Rules, judge};
use portal_domain::{Campaign, CampaignId, CampaignState, Recipient};
use serde_json::Value;

use crate::{Send, SendRequest};

/// Why nothing was started. Nothing is written in any of these cases, except that after [`Refusal::Queue`] the campaign
/// stands, and the sweep or a repeat of the request takes it up.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request is malformed.
    #[error("the request is malformed")]
    Malformed(Vec<FieldError>),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The sender can't be used.
    #[error(transparent)]
    Sender(#[from] SenderRefusal),
    /// Another campaign holds the division.
    #[error("campaign {0} is active in the division")]
    Busy(CampaignId),
    /// The number of people is too far from what the operator was shown.
    #[error("the selection has changed since it was loaded")]
    Drifted(Box<Counts>),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fan-out could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// A campaign that was started, now or by an earlier call with the same key.
#[derive(Debug, serde::Serialize)]
pub struct Accepted {
    /// The campaign.
    #[serde(flatten)]
    pub view: CampaignView,
    /// What the operator should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<&'static str>,
}

const SANDBOX: &str = "The SES account is in the sandbox: only verified addresses receive mail, and at most 200 a day.";

impl Send {
    /// Starts a campaign. The idempotency key is looked at before anything else.
    pub async fn start(&self, asker: &Asker<'_>, body: Result<Value, FieldError>) -> Result<Accepted, Refusal> {
        let now = clock::now();
        if let Some(accepted) = self.repeat(asker, now).await? {
            return Ok(accepted);
        }
        match self.start_new(asker, body, now).await {
            // It may be this very request, made twice at once, that is in the way.
            Err(refusal @ (Refusal::Busy(_) | Refusal::Drifted(_))) => self.repeat(asker, now).await?.ok_or(refusal),
            result => result,
        }
    }

    async fn start_new(
        &self,
        asker: &Asker<'_>,
        body: Result<Value, FieldError>,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let body = body.map_err(|fault| Refusal::Malformed(vec![fault]))?;
        let request = SendRequest::parse(&body).map_err(Refusal::Malformed)?;
        let (template, warnings) = self.check(&request).await?;
        let counts = self.counts(&request, now).await?;
        if drifted(request.expected_recipients, counts.will_email) {
            return Err(Refusal::Drifted(Box::new(counts)));
        }
        let campaign = campaign(request, template, &counts, asker.name, now);
        match self.store.start(&campaign, counts.excluded, asker.key).await? {
            Started::Now => {}
            Started::KeyTaken => return self.repeat(asker, now).await?.ok_or(Refusal::KeyReused),
            Started::Busy => {
                let active = self.store.active_in(&campaign.filter.division).await?;
                return Err(Refusal::Busy(active.unwrap_or(campaign.campaign_id)));
            }
        }
        fail::fail_point!("send.started");
        tracing::info!(campaign.id = %campaign.campaign_id, expected = counts.will_email, "campaign started");
        if campaign.state == CampaignState::Preparing {
            self.queue(&campaign).await?;
        }
        let progress = Progress { excluded: counts.excluded, ..Progress::default() };
        Ok(Accepted { view: CampaignView::new(campaign, &progress, now), warnings })
    }

    /// The campaign that this very request started before, if it did. What a crash left unqueued is queued.
    async fn repeat(&self, asker: &Asker<'_>, now: Timestamp) -> Result<Option<Accepted>, Refusal> {
        let id = match self.store.seen(asker.key, now).await? {
            Seen::No => return Ok(None),
            Seen::OtherBody => return Err(Refusal::KeyReused),
            Seen::Started(id) => id,
        };
        let Some(campaign) = self.store.campaign(id).await? else { return Ok(None) };
        if campaign.state == CampaignState::Preparing {
            self.queue(&campaign).await?;
        }
        let progress = self.store.progress(&campaign).await?;
        Ok(Some(Accepted { view: CampaignView::new(campaign, &progress, now), warnings: Vec::new() }))
    }

    /// Everything that can be refused without counting. Answers the template, the newest version of which is pinned by that.
    async fn check(&self, request: &SendRequest) -> Result<(Head, Vec<&'static str>), Refusal> {
        let unknown = |field, message| Refusal::Malformed(vec![FieldError::new(field, message)]);
        let division = self.directory.division(&request.filter.division).await?;
        let division = division.ok_or_else(|| unknown("filter.division", "is not a known division"))?;
        let template = self.templates.head(&request.template_id).await?;
        let template = template.ok_or_else(|| unknown("templateId", "is not a known template"))?;
        if !template.active {
            return Err(unknown("templateId", "is a template that was deactivated"));
        }
        if let Some(active) = self.store.active_in(&request.filter.division).await? {
            return Err(Refusal::Busy(active));
        }
        let account = check_sender(&self.mailer, &division, &request.email_from).await?;
        Ok((template, if account.sandbox { vec![SANDBOX] } else { Vec::new() }))
    }

    /// The counts as Load would show them now; for a named recipient, of that recipient alone.
    async fn counts(&self, request: &SendRequest, now: Timestamp) -> Result<Counts, Refusal> {
        let rules = Rules { now, campaign: None, include_recently_invited: request.include_recently_invited };
        let Some(recipient_id) = request.recipient_id else {
            return Ok(self.directory.counts(&request.filter, rules).await?);
        };
        let mut counts = Counts::default();
        for item in self.directory.recipients(&[recipient_id]).await? {
            let recipient = Recipient::from(item);
            let selected = self.directory.selected(&recipient, &request.filter).await?;
            counts.add_recipient(&recipient, judge(&recipient, selected, rules));
        }
        if counts.total == 0 {
            let fault = FieldError::new("recipientId", "is not a recipient in this selection");
            return Err(Refusal::Malformed(vec![fault]));
        }
        Ok(counts)
    }

    async fn queue(&self, campaign: &Campaign) -> Result<(), QueueError> {
        self.fan_out.send(&FanOutMessage::of(campaign), Duration::ZERO).await
    }
}

/// Who asks, and under which key.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Name for the record of who started the campaign.
    pub name: &'a str,
    /// The request's idempotency key.
    pub key: RequestKey<'a>,
}

fn campaign(request: SendRequest, template: Head, counts: &Counts, created_by: &str, now: Timestamp) -> Campaign {
    let nobody = counts.will_email == 0;
    Campaign {
        campaign_id: clock::new_campaign_id(now),
        state: if nobody { CampaignState::Completed } else { CampaignState::Preparing },
        revision: 0,
        state_reason: None,
        filter: request.filter,
        recipient_id: request.recipient_id,
        template_id: template.template_id,
        template_version: template.version,
        template_name: template.name,
        email_from: request.email_from.to_string(),
        expected_recipients: request.expected_recipients,
        include_recently_invited: request.include_recently_invited,
        max_per_minute: request.max_per_minute,
        retrying: None,
        acknowledged: None,
        created_by: created_by.to_owned(),
        created_at: now,
        completed_at: nobody.then_some(now),
    }
}
