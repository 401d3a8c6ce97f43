//! The use case: from a request to a campaign, or to a clear refusal with nothing written.

use jiff::Timestamp;
use portal_aws::campaigns::start::Once;
use portal_aws::clock;
use portal_aws::derived::counting::Behind;
use portal_aws::idempotency::{Made, RequestKey, Seen};
use portal_aws::launch::{self, CampaignRequest, Guard};
use portal_aws::mail::MailError;
use portal_aws::named::Unusable;
use portal_aws::queue::QueueError;
use portal_aws::table::StoreError;
use portal_domain::audience::AudienceRule;
use portal_domain::campaign::{CampaignView, Progress};
use portal_domain::division::SenderRefusal;
use portal_domain::input::FieldError;
use portal_domain::selection::Counts;
use portal_domain::{CampaignId, DivisionId};
use portal_http::Caller;
use schemars::JsonSchema;
use serde_json::Value;

use crate::{Send, SendRequest};

/// Why nothing was started. Nothing is written in any of these cases but [`Refusal::Queue`]: then the campaign is
/// stored, and the sweep or a repeat of the request queues it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request is malformed.
    #[error("the request is malformed")]
    Malformed(Vec<FieldError>),
    /// The caller may not send in this division.
    #[error("the caller may not send in division {0}")]
    Forbidden(DivisionId),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The sender can't be used.
    #[error(transparent)]
    Sender(#[from] SenderRefusal),
    /// SES could not be asked about the sender.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Another campaign holds the division.
    #[error("campaign {0} is active in the division")]
    Busy(CampaignId, Option<Box<CampaignView>>),
    /// The recipients can't be counted now.
    #[error("the division is too large to be counted now")]
    NotCounted(Behind),
    /// The number of recipients differs too much from what the operator was shown (guarantee 7).
    #[error("the selection has changed since it was loaded")]
    Drifted(Box<Counts>),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fan-out could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<launch::Refusal> for Refusal {
    fn from(refusal: launch::Refusal) -> Self {
        use launch::Refusal as Launch;
        match refusal {
            Launch::Unusable(Unusable::Sender(refusal), faults) if faults.is_empty() => Self::Sender(refusal),
            Launch::Unusable(_, faults) => Self::Malformed(faults),
            Launch::Mail(error) => Self::Mail(error),
            Launch::Busy(campaign) => Self::Busy(campaign, None),
            Launch::NotCounted(behind) => Self::NotCounted(behind),
            Launch::Guarded(counts) => Self::Drifted(counts),
            // No schedule starts this campaign, so the conflict is the idempotency key.
            Launch::Before | Launch::Changed => Self::KeyReused,
            Launch::Store(error) => Self::Store(error),
            Launch::Queue(error) => Self::Queue(error),
        }
    }
}

/// A campaign that was started, now or by an earlier call with the same key.
#[derive(Debug, serde::Serialize, JsonSchema)]
#[schemars(rename = "StartedCampaign")]
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
    /// Starts a campaign. The idempotency key is looked up first (guarantee 7).
    pub async fn start(&self, asker: &Asker<'_>, body: Result<Value, FieldError>) -> Result<Accepted, Refusal> {
        let now = clock::now();
        if let Some(accepted) = self.repeat(asker, now).await? {
            return Ok(accepted);
        }
        match self.start_new(asker, body, now).await {
            // The active campaign may be that of the same request, made twice at once.
            Err(refusal @ (Refusal::Busy(..) | Refusal::Drifted(_) | Refusal::KeyReused)) => {
                match self.repeat(asker, now).await? {
                    Some(accepted) => Ok(accepted),
                    None => Err(self.explained(refusal, now).await?),
                }
            }
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
        let request = match SendRequest::parse(&body) {
            Ok(request) => request,
            Err(faults) => return Err(Refusal::Malformed(self.with_lookup(asker.caller, &body, faults).await?)),
        };
        asker.check(&request.filter.division)?;
        let ready = self.launcher.check(campaign_request(request), now).await?;
        let warnings = if ready.sandbox { vec![SANDBOX] } else { Vec::new() };
        let excluded = ready.counts.excluded;
        let id = clock::new_campaign_id(now);
        let campaign = self.launcher.start(ready, id, &asker.caller.actor(), Once::Request(asker.key), now).await?;
        fail::fail_point!("send.started");
        self.launcher.fan_out(&campaign).await?;
        let progress = Progress { excluded, ..Progress::default() };
        Ok(Accepted { view: CampaignView::new(campaign, &progress, now), warnings })
    }

    /// All faults of a request that is refused for `faults` already.
    pub(crate) async fn faults(
        &self,
        caller: &Caller,
        body: &Result<Value, FieldError>,
        mut faults: Vec<FieldError>,
    ) -> Result<Vec<FieldError>, Refusal> {
        match body {
            Ok(body) => {
                faults.extend(SendRequest::parse(body).err().into_iter().flatten());
                self.with_lookup(caller, body, faults).await
            }
            Err(fault) => {
                faults.push(fault.clone());
                Ok(faults)
            }
        }
    }

    /// Adds faults for everything that the request names and that does not exist.
    async fn with_lookup(
        &self,
        caller: &Caller,
        body: &Value,
        faults: Vec<FieldError>,
    ) -> Result<Vec<FieldError>, Refusal> {
        Ok(self.launcher.lookup().find(body, |division| caller.may(division)).await?.with(faults))
    }

    /// The campaign that an earlier call of this request started, if any. Messages that a crash left unqueued are
    /// queued.
    async fn repeat(&self, asker: &Asker<'_>, now: Timestamp) -> Result<Option<Accepted>, Refusal> {
        let id = match self.keys.seen(asker.key, now).await? {
            Seen::No => return Ok(None),
            Seen::Made(Made::CampaignId(id)) => id,
            Seen::Made(Made::ScheduleId(_)) | Seen::OtherBody => return Err(Refusal::KeyReused),
        };
        let Some(campaign) = self.store.campaign(id).await? else { return Ok(None) };
        asker.check(&campaign.filter.division)?;
        self.launcher.fan_out(&campaign).await?;
        let progress = self.store.progress(&campaign).await?;
        Ok(Some(Accepted { view: CampaignView::new(campaign, &progress, now), warnings: Vec::new() }))
    }

    /// Adds the active campaign's progress to a refusal because the division is busy.
    async fn explained(&self, refusal: Refusal, now: Timestamp) -> Result<Refusal, Refusal> {
        Ok(match refusal {
            Refusal::Busy(id, None) => Refusal::Busy(id, self.store.view(id, now).await?.map(Box::new)),
            other => other,
        })
    }
}

/// The caller, and the request's idempotency key.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Who starts the campaign.
    pub caller: &'a Caller,
    /// The request's idempotency key.
    pub key: RequestKey<'a>,
}

impl Asker<'_> {
    fn check(&self, division: &DivisionId) -> Result<(), Refusal> {
        if self.caller.may(division) { Ok(()) } else { Err(Refusal::Forbidden(division.clone())) }
    }
}

fn campaign_request(request: SendRequest) -> CampaignRequest {
    CampaignRequest {
        filter: request.filter,
        recipient_id: request.recipient_id,
        audience: AudienceRule::default(),
        template_id: request.template_id,
        email_from: request.email_from,
        guard: Guard::Expected(request.expected_recipients),
        include_recently_invited: request.include_recently_invited,
        max_per_minute: request.max_per_minute,
        quiet_hours: None,
        schedule: None,
    }
}
