//! A world in which a test decides when schedules are due.

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use jiff::Timestamp;
use portal_domain::schedule::{Occurrence, Verdict};
use scheduled_send::{RunError, ScheduledSend};
use serde_json::{Value, json};

use crate::World;
use crate::cloud::GROUP;
use crate::http::Call;
use crate::world::SENDER;

/// A world with the operator `operator`, who may send, and the function that EventBridge Scheduler calls.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Scheduling {
    pub world: World,
    pub scheduled_send: ScheduledSend,
}

impl Scheduling {
    /// A world with this many people in NORTH.
    pub async fn with_people(people: usize) -> Self {
        Self::of(World::with_people(people).await)
    }

    /// One in this world.
    pub fn of(world: World) -> Self {
        world.cloud().users.put("operator", true, &["directory", "390"]);
        let scheduled_send = ScheduledSend::new(&world.context_of("scheduled-send")).unwrap();
        Self { world, scheduled_send }
    }

    /// Makes a schedule of [`weekly`] with these fields.
    pub async fn schedule(&self, fields: Value) -> Value {
        let answer = self.world.call(Call::new("POST", "/v1/schedules").json(&weekly(fields))).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// The schedule as the API shows it now.
    pub async fn shown(&self, schedule: &Value) -> Value {
        let answer = self.world.call(Call::new("GET", &path(schedule))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Pauses or resumes it.
    pub async fn command(&self, schedule: &Value, command: &str) -> Value {
        let answer = self.world.call(Call::new("POST", &format!("{}/{command}", path(schedule)))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Its occurrences in the API, newest first.
    pub async fn occurrences(&self, schedule: &Value) -> Vec<Value> {
        let answer = self.world.call(Call::new("GET", &format!("{}/occurrences", path(schedule)))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// Calls the function as Scheduler does when the schedule is due at `scheduled_at`, and it is `now`.
    pub async fn fire(
        &self,
        schedule: &Value,
        scheduled_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Occurrence>, RunError> {
        self.scheduled_send.run(&due(schedule, scheduled_at), now).await
    }

    /// The same, called on time; returns the result.
    pub async fn verdict(&self, schedule: &Value, at: Timestamp) -> Verdict {
        self.fire(schedule, at, at).await.unwrap().unwrap().verdict
    }

    /// The schedule as stored in EventBridge Scheduler.
    pub async fn known_to_scheduler(&self, schedule: &Value) -> Option<GetScheduleOutput> {
        let request = aws_sdk_scheduler::Client::new(&self.world.config).get_schedule();
        let request = request.group_name(GROUP).name(id(schedule));
        match request.send().await {
            Ok(known) => Some(known),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => None,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// A schedule of everybody in NORTH, every Monday at nine, with these fields in place of its own.
pub fn weekly(fields: Value) -> Value {
    let mut schedule = json!({
        "name": "Mondays", "filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": SENDER,
        "maxRecipients": 1_000, "rule": {"cron": "0 9 ? * MON *"},
    });
    schedule.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    schedule
}

/// The event of Scheduler.
pub fn due(schedule: &Value, scheduled_at: Timestamp) -> Value {
    json!({"scheduleId": id(schedule), "rule": 1, "scheduledTime": scheduled_at.to_string()})
}

/// The id of a schedule.
pub fn id(schedule: &Value) -> &str {
    schedule["scheduleId"].as_str().unwrap()
}

/// The path of a schedule.
pub fn path(schedule: &Value) -> String {
    format!("/v1/schedules/{}", id(schedule))
}
