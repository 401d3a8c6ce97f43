//! EventBridge Scheduler: its schedules, and which of them are due.

mod cron;
mod timing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use timing::Timing;

use super::{Call, Reply};

/// What a schedule's input may hold in place of the time at which it is due.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// A call of a target that became due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The schedule's group.
    pub group: String,
    /// The schedule's name.
    pub name: String,
    /// When it was due.
    pub scheduled_at: Timestamp,
    /// What the target is told, with the time filled in.
    pub input: String,
    /// ARN of the target.
    pub target: String,
    /// ARN of the queue for what can't be handed over, if there is one.
    pub dead_letter_queue_arn: Option<String>,
}

#[derive(Debug)]
struct Schedule {
    /// The latest request that wrote it, without its token.
    body: Value,
    /// The token of the call that created it, by which Scheduler recognises a repeat.
    token: Option<String>,
    timing: Timing,
    created: Timestamp,
    modified: Timestamp,
    /// When it is due; nothing if never, or if it is disabled.
    next: Option<Timestamp>,
}

/// The schedules of an account.
#[derive(Debug, Default)]
pub struct Scheduler {
    groups: BTreeSet<String>,
    schedules: BTreeMap<(String, String), Schedule>,
    fired: Vec<Firing>,
}

impl Scheduler {
    /// No schedule, and the group `default`.
    pub fn new() -> Self {
        Self { groups: ["default".to_owned()].into(), ..Self::default() }
    }

    /// Creates a group of schedules.
    pub fn create_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned());
    }

    /// Everything that became due since the last call, up to and including `now`, oldest first. What was due before a
    /// change or deletion of its schedule fires as it was then.
    pub fn due(&mut self, now: Timestamp) -> Vec<Firing> {
        self.advance(now);
        let mut fired = std::mem::take(&mut self.fired);
        fired.sort_by(|a, b| (a.scheduled_at, &a.group, &a.name).cmp(&(b.scheduled_at, &b.group, &b.name)));
        fired
    }

    /// When the next schedule is due, which may be past.
    pub fn next_due(&self) -> Option<Timestamp> {
        let fired = self.fired.iter().map(|firing| firing.scheduled_at);
        self.schedules.values().filter_map(|schedule| schedule.next).chain(fired).min()
    }

    /// A schedule, as the request made it that created or changed it last.
    pub fn schedule(&self, group: &str, name: &str) -> Option<&Value> {
        self.schedules.get(&(group.to_owned(), name.to_owned())).map(|schedule| &schedule.body)
    }

    /// The groups and names of all schedules.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.schedules.keys().map(|(group, name)| (group.as_str(), name.as_str()))
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        self.advance(now);
        let body = call.json();
        let group = body["GroupName"].as_str().map(str::to_owned).or_else(|| call.query("groupName"));
        let group = group.unwrap_or_else(|| "default".to_owned());
        if !self.groups.contains(&group) {
            return not_found(&format!("Schedule group {group} does not exist."));
        }
        let key = (group, call.name_in_path());
        match call.operation.as_str() {
            "CreateSchedule" | "UpdateSchedule" => self.put(key, body, call.operation == "CreateSchedule", now),
            "DeleteSchedule" => match self.schedules.remove(&key) {
                Some(_) => Reply::json(&json!({})),
                None => unknown(&key),
            },
            "GetSchedule" => self.schedules.get(&key).map_or_else(|| unknown(&key), |schedule| shown(&key, schedule)),
            other => invalid(&format!("{other} is not simulated.")),
        }
    }

    fn put(&mut self, key: (String, String), mut body: Value, creates: bool, now: Timestamp) -> Reply {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&key.1.len()) || !key.1.chars().all(is_name) {
            return invalid("The name must have 1 to 64 letters, digits and - _ .");
        }
        if let Some(missing) = missing(&body) {
            return invalid(&format!("{missing} must not be null."));
        }
        let token = body.as_object_mut().and_then(|body| body.remove("ClientToken"));
        let token = token.and_then(|token| token.as_str().map(str::to_owned));
        let known = self.schedules.get(&key);
        match known {
            Some(known) if creates && known.token.is_some() && known.token == token => return created(&key),
            Some(_) if creates => {
                let message = format!("Schedule {} already exists.", key.1);
                return Reply::error(409, "ConflictException", &message);
            }
            None if !creates => return unknown(&key),
            _ => {}
        }
        let timing = match Timing::read(&body, now) {
            Ok(timing) => timing,
            Err(wrong) => return invalid(&wrong),
        };
        let (created_at, token) = known.map_or((now, token), |known| (known.created, known.token.clone()));
        let next = if body["State"] == "DISABLED" { None } else { timing.first() };
        let answer = created(&key);
        self.schedules.insert(key, Schedule { body, token, timing, created: created_at, modified: now, next });
        answer
    }

    /// Fires what is due, and forgets schedules that had their last time and were to be deleted then.
    fn advance(&mut self, now: Timestamp) {
        let fired = &mut self.fired;
        self.schedules.retain(|(group, name), schedule| {
            let mut had_a_time = false;
            while let Some(due) = schedule.next.filter(|due| *due <= now) {
                had_a_time = true;
                fired.push(firing(group, name, &schedule.body["Target"], due));
                schedule.next = schedule.timing.after(due);
            }
            let is_over = had_a_time && schedule.next.is_none();
            !(is_over && schedule.body["ActionAfterCompletion"] == "DELETE")
        });
    }
}

fn firing(group: &str, name: &str, target: &Value, due: Timestamp) -> Firing {
    let time = due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Firing {
        group: group.to_owned(),
        name: name.to_owned(),
        scheduled_at: due,
        input: target["Input"].as_str().unwrap_or("{}").replace(SCHEDULED_TIME, &time),
        target: target["Arn"].as_str().unwrap_or_default().to_owned(),
        dead_letter_queue_arn: target["DeadLetterConfig"]["Arn"].as_str().map(str::to_owned),
    }
}

fn missing(body: &Value) -> Option<&'static str> {
    let required = ["/ScheduleExpression", "/FlexibleTimeWindow/Mode", "/Target/Arn", "/Target/RoleArn"];
    required.into_iter().find(|field| body.pointer(field).is_none_or(Value::is_null))
}

fn arn((group, name): &(String, String)) -> String {
    format!("arn:aws:scheduler:us-east-1:000000000000:schedule/{group}/{name}")
}

fn created(key: &(String, String)) -> Reply {
    Reply::json(&json!({"ScheduleArn": arn(key)}))
}

fn shown(key: &(String, String), schedule: &Schedule) -> Reply {
    let mut shown = schedule.body.clone();
    let defaults = [("State", "ENABLED"), ("ScheduleExpressionTimezone", "UTC"), ("ActionAfterCompletion", "NONE")];
    for (field, default) in defaults {
        if shown[field].is_null() {
            shown[field] = json!(default);
        }
    }
    let seconds = |at: Timestamp| json!(at.as_millisecond() as f64 / 1_000.0);
    shown["Arn"] = json!(arn(key));
    shown["GroupName"] = json!(key.0);
    shown["Name"] = json!(key.1);
    shown["CreationDate"] = seconds(schedule.created);
    shown["LastModificationDate"] = seconds(schedule.modified);
    Reply::json(&shown)
}

fn unknown((_, name): &(String, String)) -> Reply {
    not_found(&format!("Schedule {name} does not exist."))
}

fn not_found(message: &str) -> Reply {
    Reply::error(404, "ResourceNotFoundException", message)
}

fn invalid(message: &str) -> Reply {
    Reply::error(400, "ValidationException", message)
}

#[cfg(test)]
mod tests;
