//! Starts a campaign, for `send` and `scheduled-send`: from a request to a campaign, or to a refusal with nothing
//! written.

use std::time::Duration;

use jiff::Timestamp;
use portal_domain::audience::AudienceRule;
use portal_domain::campaign::audit::Actor;
use portal_domain::campaign::{StartedBy, StateReason, drifted, most_for};
use portal_domain::email::EmailAddress;
use portal_domain::input::FieldError;
use portal_domain::mail::template::Head;
use portal_domain::quiet_hours::QuietHours;
use portal_domain::selection::{Counts, Rules, judge};
use portal_domain::{Campaign, CampaignId, CampaignState, Division, Filter, Recipient, RecipientId, TemplateId};

use crate::campaigns::CampaignStore;
use crate::campaigns::start::{Once, Started};
use crate::context::Context;
use crate::derived::counting::{Behind, CountError, Counted, CountedFrom, Counting};
use crate::mail::MailError;
use crate::named::{Lookup, Named, Unusable, Usable};
use crate::queue::{FanOutMessage, Queue, QueueError};
use crate::settings::InvalidSetting;
use crate::table::StoreError;

/// The campaign to be started.
#[derive(Clone, Debug)]
pub struct CampaignRequest {
    /// Whom to address.
    pub filter: Filter,
    /// The only recipient of the selection to address.
    pub recipient_id: Option<RecipientId>,
    /// Whom of the selection.
    pub audience: AudienceRule,
    /// The notification template.
    pub template_id: TemplateId,
    /// The sender.
    pub email_from: EmailAddress,
    /// The limit on the number of people.
    pub guard: Guard,
    /// Also mail people who were invited in the last 24 hours.
    pub include_recently_invited: bool,
    /// Most e-mails a minute.
    pub max_per_minute: Option<u32>,
    /// When it may send.
    pub quiet_hours: Option<QuietHours>,
    /// The schedule that asks for it.
    pub schedule: Option<StartedBy>,
}

impl CampaignRequest {
    fn named(&self) -> Named {
        Named {
            division: Some(self.filter.division.clone()),
            filter: Some(self.filter.clone()),
            template: Some(self.template_id.clone()),
            sender: Some(self.email_from.clone()),
            recipient: self.recipient_id,
        }
    }
}

/// The limit on the number of people who would be e-mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The number that an operator was shown: the present one may differ a little.
    Expected(u64),
    /// The most that are allowed.
    AtMost(u64),
}

impl Guard {
    fn refuses(self, will_email: u64) -> bool {
        match self {
            Self::Expected(expected) => drifted(expected, will_email),
            Self::AtMost(most) => will_email > most,
        }
    }
}

/// Why nothing was started. Nothing is written in any of these cases, except that after [`Refusal::Queue`] the campaign
/// exists, and the sweep or a repeat of the request continues it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Something that the request names can't be used: the first such thing, and all faults. A sender that is refused
    /// alone is none of them ([`Found::with`](crate::named::Found::with)).
    #[error("{0}")]
    Unusable(Unusable, Vec<FieldError>),
    /// SES could not be asked about the sender.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Another campaign holds the division.
    #[error("campaign {0} is active in the division")]
    Busy(CampaignId),
    /// The people can't be counted now.
    #[error("the division is too large to be counted now")]
    NotCounted(Behind),
    /// The number of people is not what the guard allows.
    #[error("the number of people is not what was expected")]
    Guarded(Box<Counts>),
    /// The campaign was started before.
    #[error("it was started before")]
    Before,
    /// The schedule has changed since it was read.
    #[error("the schedule has changed")]
    Changed,
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fan-out could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What a request would start, checked.
#[derive(Clone, Debug)]
pub struct Ready {
    request: CampaignRequest,
    division: Division,
    template: Head,
    /// The counts of people whom it would reach now.
    pub counts: Counts,
    /// Before this time everything that was written is in them.
    as_of: Timestamp,
    /// The SES account is in the sandbox.
    pub sandbox: bool,
}

impl Ready {
    /// The time zone of the division, by name.
    pub fn time_zone(&self) -> &str {
        &self.division.time_zone
    }
}

/// Starts campaigns.
#[derive(Clone, Debug)]
pub struct Launcher {
    store: CampaignStore,
    lookup: Lookup,
    counting: Counting,
    fan_out: Queue,
}

impl Launcher {
    /// Builds it from a function's settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            lookup: Lookup::new(context)?,
            counting: Counting::new(context)?,
            fan_out: context.queue("FAN_OUT_QUEUE_URL")?,
        })
    }

    /// Looks up what a request names, to report all its faults at once.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Checks everything that a campaign needs, and counts.
    pub async fn check(&self, request: CampaignRequest, now: Timestamp) -> Result<Ready, Refusal> {
        let named = request.named();
        let found = self.lookup.division_and_template(&named).await?;
        // SES answers few questions a second. It is not asked about a campaign that can't start now.
        if let (Some(Ok(_)), Some(Ok(_))) = (&found.division, &found.template)
            && let Some(active) = self.store.active_in(&request.filter.division).await?
        {
            return Err(Refusal::Busy(active));
        }
        let found = self.lookup.sender_and_recipient(&named, found).await?;
        let Usable { division, template, account, recipient } =
            found.usable().map_err(|(unusable, faults)| Refusal::Unusable(unusable, faults))?;
        let sandbox = match account {
            // Schedules due in the same minute ask SES more often than it answers. Their campaigns start anyway: SES
            // had verified the sender when they were saved, and if it no longer does, sending pauses the campaign.
            Err(error) if error.is_transient() && request.schedule.is_some() => {
                tracing::warn!(error = %error, "the sender is not looked up");
                false
            }
            account => account?.sandbox,
        };
        let Counted { counts, as_of, .. } = self.counts(&request, recipient.as_ref(), &division, now).await?;
        if request.guard.refuses(counts.will_email) {
            return Err(Refusal::Guarded(Box::new(counts)));
        }
        Ok(Ready { request, division, template, counts, as_of, sandbox })
    }

    /// The counts that Load would show now for this audience, or those of the named recipient alone.
    async fn counts(
        &self,
        request: &CampaignRequest,
        recipient: Option<&Recipient>,
        division: &Division,
        now: Timestamp,
    ) -> Result<Counted, Refusal> {
        let audience = request.audience.at(now, &division.zone());
        let rules = Rules { audience, ..Rules::of_new_campaign(now, request.include_recently_invited) };
        let Some(recipient) = recipient else {
            return self.counting.counts(&request.filter, rules).await.map_err(|error| match error {
                CountError::Store(error) => error.into(),
                CountError::Behind(behind) => Refusal::NotCounted(behind),
            });
        };
        let mut counts = Counts::default();
        counts.add_recipient(recipient, judge(recipient, true, rules));
        Ok(Counted { counts, as_of: now, from: CountedFrom::Index })
    }

    /// Starts the checked campaign, once. If its quiet hours are now, it starts paused.
    pub async fn start(
        &self,
        ready: Ready,
        id: CampaignId,
        by: &Actor,
        once: Once<'_>,
        now: Timestamp,
    ) -> Result<Campaign, Refusal> {
        let counts = ready.counts;
        let campaign = campaign(ready, id, by, now);
        match self.store.start(&campaign, counts.excluded, once).await? {
            Started::Now => {}
            Started::Before => return Err(Refusal::Before),
            Started::Changed => return Err(Refusal::Changed),
            Started::Busy => {
                let active = self.store.active_in(&campaign.filter.division).await?;
                return Err(Refusal::Busy(active.unwrap_or(campaign.campaign_id)));
            }
        }
        tracing::info!(campaign.id = %campaign.campaign_id, expected = counts.will_email, "campaign started");
        Ok(campaign)
    }

    /// Queues the fan-out of a started campaign, unless it has begun or has nothing to do. A message too many is
    /// harmless.
    pub async fn fan_out(&self, campaign: &Campaign) -> Result<(), QueueError> {
        if campaign.state == CampaignState::Preparing || campaign.goes_on_at(campaign.created_at).is_some() {
            self.fan_out.send(&FanOutMessage::of(campaign), Duration::ZERO).await?;
        }
        Ok(())
    }
}

fn campaign(ready: Ready, campaign_id: CampaignId, by: &Actor, now: Timestamp) -> Campaign {
    let Ready { request, division, template, counts, as_of, .. } = ready;
    // If the counts are old, there may be somebody by now, whom the fan-out finds.
    let nobody = counts.will_email == 0 && as_of >= now;
    let mut campaign = Campaign {
        campaign_id,
        state: if nobody { CampaignState::Completed } else { CampaignState::Preparing },
        revision: 0,
        state_reason: None,
        filter: request.filter,
        recipient_id: request.recipient_id,
        self_service: None,
        schedule: request.schedule,
        audience_rule: request.audience,
        quiet_hours: request.quiet_hours,
        time_zone: division.time_zone,
        template_id: template.template_id,
        template_version: template.version,
        template_name: template.name,
        email_from: request.email_from.to_string(),
        expected_recipients: match request.guard {
            Guard::Expected(expected) => expected,
            Guard::AtMost(_) => counts.will_email,
        },
        most_recipients: Some(match request.guard {
            Guard::Expected(expected) => most_for(expected),
            Guard::AtMost(most) => most,
        }),
        include_recently_invited: request.include_recently_invited,
        max_per_minute: request.max_per_minute,
        retrying: None,
        acknowledged: None,
        created_by: by.name.clone(),
        created_by_person: by.person.clone(),
        created_at: now,
        completed_at: nobody.then_some(now),
    };
    if !nobody && !campaign.may_send_at(now) {
        (campaign.state, campaign.state_reason) = (CampaignState::Paused, Some(StateReason::QuietHours.into()));
    }
    campaign
}
