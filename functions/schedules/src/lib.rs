//! `schedules`: stores schedules in the table and in EventBridge Scheduler, and shows the result of each occurrence.

mod keep;
mod list;
mod preview;
mod routes;
mod view;

use jiff::Timestamp;
use portal_aws::audit::Audit;
use portal_aws::audit::trail::Trails;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::idempotency::IdempotencyKeys;
use portal_aws::named::Lookup;
use portal_aws::schedules::ScheduleStore;
use portal_aws::schedules::scheduler::Scheduler;
use portal_aws::settings::InvalidSetting;
use portal_domain::schedule::ScheduleState;
use portal_domain::{Division, Schedule, ScheduleId};
use portal_http::{Caller, Problem};

pub use routes::{router, routes};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Schedules {
    store: ScheduleStore,
    trails: Trails,
    keys: IdempotencyKeys,
    directory: DirectoryReader,
    lookup: Lookup,
    scheduler: Scheduler,
    audit: Audit,
}

impl Schedules {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: ScheduleStore::new(context)?,
            trails: Trails::new(context)?,
            keys: IdempotencyKeys::new(context)?,
            audit: Audit::new(context)?,
            lookup: Lookup::new(context)?,
            directory: DirectoryReader::new(context)?,
            scheduler: Scheduler::new(context)?,
        })
    }

    /// A schedule of a division that the caller has permission for. Any other is not found (guarantee 9).
    async fn schedule(&self, caller: &Caller, id: &str) -> Result<Schedule, Problem> {
        let id = ScheduleId::parse(id).ok_or_else(unknown)?;
        let schedule = self.store.schedule(&id).await?.filter(|schedule| schedule.state != ScheduleState::Deleted);
        schedule.filter(|schedule| caller.may(&schedule.plan.filter.division)).ok_or_else(unknown)
    }

    /// Updates EventBridge Scheduler; if that fails, the sweep does it.
    async fn arm(&self, schedule: &Schedule, division: Option<&Division>, now: Timestamp) {
        let zone = division.map_or("UTC", |division| division.time_zone.as_str());
        if let Err(error) = self.scheduler.arm(schedule, zone, now).await {
            tracing::error!(schedule.id = %schedule.schedule_id, error = %error, "left to the sweep");
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no such schedule.")
}
