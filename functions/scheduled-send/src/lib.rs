//! `scheduled-send`: starts the campaign of a schedule that is due, once.
//!
//! EventBridge Scheduler calls it asynchronously, perhaps more than once for the same occurrence. The result of an
//! occurrence is written with its campaign, or instead of one, so a second call finds it (guarantee 2). Lambda retries
//! an error; what still fails goes to the failure queue, and the sweep records it.

mod event;

use jiff::Timestamp;
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::start::Once;
use portal_aws::context::Context;
use portal_aws::directory::templates::TemplateRefusal;
use portal_aws::launch::{CampaignRequest, Guard, Launcher, Ready, Refusal};
use portal_aws::mail::MailError;
use portal_aws::named::Unusable;
use portal_aws::operators::{Operators, OperatorsError};
use portal_aws::queue::QueueError;
use portal_aws::schedules::{ScheduleStore, Written as Stored};
use portal_aws::settings::InvalidSetting;
use portal_aws::table::{Attempts, StoreError};
use portal_domain::campaign::StartedBy;
use portal_domain::campaign::audit::Action;
use portal_domain::email::EmailAddress;
use portal_domain::input::FieldError;
use portal_domain::schedule::{Failure, Occurrence, ScheduleState, Skip, Verdict};
use portal_domain::{CampaignId, Schedule, ScheduleId};
use serde_json::Value;

use crate::event::{Event, Written};

/// An occurrence could not be handled; it will be received again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The event is not Scheduler's.
    #[error("the event can't be read: {}", named(.0))]
    Unreadable(Vec<FieldError>),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The owner could not be looked up.
    #[error(transparent)]
    Operators(#[from] OperatorsError),
    /// SES could not be asked about the sender.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The people could not be counted.
    #[error("the division is too large to be counted now")]
    NotCounted,
    /// The fan-out could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The schedule kept changing.
    #[error("the schedule kept changing")]
    KeptChanging,
}

fn named(faults: &[FieldError]) -> String {
    let named: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    named.join("; ")
}

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct ScheduledSend {
    store: CampaignStore,
    schedules: ScheduleStore,
    launcher: Launcher,
    operators: Operators,
}

/// The decision about an occurrence.
enum Decision {
    /// Its campaign is started.
    Start(Box<Ready>),
    /// This result is recorded.
    Record(Verdict),
}

impl ScheduledSend {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            schedules: ScheduleStore::new(context)?,
            launcher: Launcher::new(context)?,
            operators: Operators::new(context)?,
        })
    }

    /// Handles an occurrence at time `now` and returns its result; `None` if its schedule or rule no longer exists.
    pub async fn run(&self, event: &Value, now: Timestamp) -> Result<Option<Occurrence>, RunError> {
        let event = Event::parse(event).map_err(RunError::Unreadable)?;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            if let Some(known) = self.schedules.occurrence(&event.schedule_id, event.scheduled_at).await? {
                return self.dealt_with(known).await.map(Some);
            }
            let Some(schedule) = self.schedule(&event, now).await? else {
                tracing::warn!(schedule.id = %event.schedule_id, "no such schedule, or no longer with this rule");
                return Ok(None);
            };
            let occurrence = |verdict| Occurrence { scheduled_at: event.scheduled_at, at: now, verdict };
            let written = match self.decide(&event, &schedule, now).await? {
                Decision::Start(ready) => {
                    let id = Occurrence::campaign_id(&schedule.schedule_id, event.scheduled_at);
                    let verdict = Verdict::Started { campaign_id: id, will_email: ready.counts.will_email };
                    self.start(&schedule, *ready, id, &occurrence(verdict), now).await?
                }
                Decision::Record(verdict) => Some(occurrence(verdict)),
            };
            if let Some(occurrence) = written {
                match &occurrence.verdict {
                    Verdict::Started { .. } => return Ok(Some(occurrence)),
                    verdict => tracing::warn!(schedule.id = %event.schedule_id, why = verdict.detail(), "no campaign"),
                }
                if self.schedules.record(&schedule, &occurrence).await? == Stored::Done {
                    return Ok(Some(occurrence));
                }
            }
        }
        Err(RunError::KeptChanging)
    }

    /// The call that started the campaign may have died before it queued the fan-out.
    async fn dealt_with(&self, known: Occurrence) -> Result<Occurrence, RunError> {
        if let Verdict::Started { campaign_id, .. } = known.verdict
            && let Some(campaign) = self.store.campaign(campaign_id).await?
        {
            self.launcher.fan_out(&campaign).await?;
        }
        Ok(known)
    }

    /// The current schedule of an event. One in the template is stored in the table as the event brings it.
    async fn schedule(&self, event: &Event, now: Timestamp) -> Result<Option<Schedule>, RunError> {
        let stored = self.schedules.schedule(&event.schedule_id).await?;
        let Some(written) = &event.written else {
            let current = stored.filter(|schedule| schedule.state != ScheduleState::Deleted);
            return Ok(current.filter(|schedule| event.rule == Some(schedule.timing_revision)));
        };
        match stored {
            None => self.keep_new(&event.schedule_id, written, now).await.map(Some),
            Some(schedule) if schedule.plan == written.plan && schedule.owner == written.owner => Ok(Some(schedule)),
            Some(schedule) => {
                let next = schedule.replanned(written.plan.clone(), written.owner.clone(), now);
                self.schedules.change(&schedule, &next, Action::Changed).await?;
                Ok(self.schedules.schedule(&event.schedule_id).await?)
            }
        }
    }

    async fn keep_new(&self, id: &ScheduleId, written: &Written, now: Timestamp) -> Result<Schedule, RunError> {
        let schedule = Schedule::new(id.clone(), written.plan.clone(), written.owner.clone(), now);
        let schedule = Schedule { in_template: true, ..schedule };
        // A faster call wrote the same.
        self.schedules.create(&schedule, None).await?;
        Ok(schedule)
    }

    async fn decide(&self, event: &Event, schedule: &Schedule, now: Timestamp) -> Result<Decision, RunError> {
        let scheduled_at = event.scheduled_at;
        if schedule.state != ScheduleState::Active {
            return Ok(Decision::Record(Verdict::skipped(Skip::NotActive)));
        }
        if Occurrence::is_late(scheduled_at, now) {
            return Ok(Decision::Record(Verdict::late()));
        }
        let failed = |reason| Ok(Decision::Record(Verdict::failed(reason)));
        if !self.operators.may_send(&schedule.owner.user, &schedule.plan.filter.division).await? {
            return failed(Failure::OwnerWithoutPermission);
        }
        let Some(request) = campaign_request(schedule, scheduled_at) else { return failed(Failure::SenderRefused) };
        match self.launcher.check(request, now).await {
            Ok(ready) if !event.is_on_clock(ready.time_zone()) => failed(Failure::OtherTimeZone),
            Ok(ready) => Ok(Decision::Start(Box::new(ready))),
            Err(refusal) => {
                tracing::warn!(schedule.id = %schedule.schedule_id, error = %refusal, "refused");
                verdict(refusal).map(Decision::Record)
            }
        }
    }

    /// Starts the campaign, or returns the result to record instead; `None` if schedule or occurrence changed
    /// meanwhile.
    async fn start(
        &self,
        schedule: &Schedule,
        ready: Ready,
        id: CampaignId,
        occurrence: &Occurrence,
        now: Timestamp,
    ) -> Result<Option<Occurrence>, RunError> {
        let once = Once::Occurrence(schedule, occurrence);
        match self.launcher.start(ready, id, &schedule.owner.actor(), once, now).await {
            Ok(campaign) => {
                fail::fail_point!("scheduled-send.started");
                self.launcher.fan_out(&campaign).await?;
                Ok(Some(occurrence.clone()))
            }
            Err(Refusal::Before | Refusal::Changed) => Ok(None),
            Err(refusal) => Ok(Some(Occurrence { verdict: verdict(refusal)?, ..occurrence.clone() })),
        }
    }
}

fn campaign_request(schedule: &Schedule, scheduled_at: Timestamp) -> Option<CampaignRequest> {
    let plan = &schedule.plan;
    Some(CampaignRequest {
        filter: plan.filter.clone(),
        recipient_id: None,
        audience: plan.audience,
        template_id: plan.template_id.clone(),
        email_from: EmailAddress::normalise(&plan.email_from).ok()?,
        guard: Guard::AtMost(plan.max_recipients),
        include_recently_invited: false,
        max_per_minute: plan.max_per_minute,
        quiet_hours: plan.quiet_hours.clone(),
        schedule: Some(StartedBy { schedule_id: schedule.schedule_id.clone(), name: plan.name.clone(), scheduled_at }),
    })
}

/// What a refusal means for an occurrence. A transient refusal is an error, so that the occurrence is tried again.
fn verdict(refusal: Refusal) -> Result<Verdict, RunError> {
    let failed = |reason| Ok(Verdict::failed(reason));
    match refusal {
        Refusal::Unusable(unusable, _) => failed(match unusable {
            Unusable::Division | Unusable::Recipient => Failure::UnknownDivision,
            Unusable::Template(TemplateRefusal::Unknown | TemplateRefusal::Inactive) => Failure::TemplateUnusable,
            Unusable::Template(TemplateRefusal::Version(..) | TemplateRefusal::ForeignHost(_)) => {
                Failure::TemplateRefused
            }
            Unusable::Sender(_) => Failure::SenderRefused,
        }),
        Refusal::Mail(error) => Err(error.into()),
        Refusal::Busy(campaign) => {
            Ok(Verdict::Skipped { reason: Skip::DivisionBusy.into(), campaign_id: Some(campaign), will_email: None })
        }
        Refusal::NotCounted(_) => Err(RunError::NotCounted),
        Refusal::Guarded(counts) => Ok(Verdict::Skipped {
            reason: Skip::TooManyRecipients.into(),
            campaign_id: None,
            will_email: Some(counts.will_email),
        }),
        Refusal::Before | Refusal::Changed => Err(RunError::KeptChanging),
        Refusal::Store(error) => Err(error.into()),
        Refusal::Queue(error) => Err(error.into()),
    }
}
