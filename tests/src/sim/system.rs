//! The whole system in one thread: AWS in memory, and every function in environments of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use deliver::Deliver;
use fan_out::FanOut;
use feedback::Feedback;
use jiff::{SignedDuration, Timestamp};
use portal_aws::context::Context;
use portal_aws::directory::keys::HEARTBEAT;
use portal_aws::limiter::LIMITERS;
use portal_aws::settings::Settings;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use resend::Resend;
use rollup::Rollup;
use scheduled_send::ScheduledSend;
use serde_json::{Value, json};
use sweep::Sweep;
use tokio::sync::Notify;

use super::checks::Checks;
use super::checks::asked::DAILY_LIMIT;
use super::instance::{Instance, Time, happens};
use super::log::Log;
use super::network::{self, Step, leave_keys, refusal, spoiled};
use super::plan::{Fault, Plan};
use super::report::Report;
use crate::cloud::tables::Name;
use crate::cloud::template::Template;
use crate::cloud::{Call, Cloud, DERIVED, DIRECTORY, Reply, Service, settings};

/// The system.
#[derive(Debug)]
pub struct System {
    /// The time.
    pub time: Time,
    /// What `template.yaml` says.
    pub template: Template,
    /// Told whenever a message may have become visible.
    pub wake: Notify,
    /// Told whenever an item may have been written.
    pub written: Notify,
    settings: Settings,
    state: Mutex<State>,
    idle: Mutex<BTreeMap<&'static str, Vec<Arc<Environment>>>>,
}

/// The services' state, the plan of faults, and the checks.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct State {
    pub random: StdRng,
    pub plan: Plan,
    pub cloud: Cloud,
    pub log: Log,
    pub report: Report,
    pub checks: Checks,
    /// How many items and messages were written, without the limiter's, and without what
    /// derived numbers are kept by.
    pub written: u64,
    /// When the table Directory was written last, except for heartbeats.
    pub directory_written: Timestamp,
    /// How many calls `directory`, `rollup` and `load` made.
    pub uncounted: usize,
    /// Faults ordered by a test, in order.
    pub script: Vec<Step>,
    /// How many more calls of an environment are likely to meet a fault after one did.
    pub trouble: HashMap<String, u32>,
    instances: u64,
}

/// An environment, and the function in it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Environment {
    pub instance: Arc<Instance>,
    pub work: Work,
}

/// A function.
#[derive(Debug)]
#[expect(missing_docs, reason = "the variants are the functions")]
pub enum Work {
    FanOut(FanOut),
    Deliver(Deliver),
    Feedback(Feedback),
    Resend(Resend),
    Rollup(Rollup),
    Sweep(Box<Sweep>),
    ScheduledSend(Box<ScheduledSend>),
    Http(Router),
}

impl System {
    /// An empty system, in which everything is drawn from `seed`.
    pub fn new(seed: u64, start: Timestamp) -> Arc<Self> {
        let template = Template::read();
        let state = State {
            random: StdRng::seed_from_u64(seed),
            plan: Plan::calm(),
            cloud: Cloud::new(&template),
            log: Log::default(),
            report: Report::default(),
            checks: Checks::default(),
            written: 0,
            directory_written: start,
            uncounted: 0,
            script: Vec::new(),
            trouble: HashMap::new(),
            instances: 0,
        };
        // One that is reached.
        let limit = ("SELF_SERVICE_DAILY_LIMIT".to_owned(), DAILY_LIMIT.to_string());
        Arc::new(Self {
            time: Time::starting_at(start),
            settings: settings().into_iter().chain([limit]).collect(),
            template,
            wake: Notify::new(),
            written: Notify::new(),
            state: Mutex::new(state),
            idle: Mutex::default(),
        })
    }

    /// Does something with the state.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with the state, at a time.
    pub fn at_once<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.time.now();
        self.with(|state| act(state, now))
    }

    /// Writes down what happened.
    pub fn note(&self, what: impl std::fmt::Display) {
        self.at_once(|state, now| state.log.event(now, what));
    }

    /// An environment for an invocation: one that is idle, or a new one.
    pub fn environment(self: &Arc<Self>, function: &'static str) -> Arc<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = idle.entry(function).or_default();
        let cold = self.with(|state| happens(&mut state.random, state.plan.cold));
        if !pool.is_empty() && !cold {
            let index = self.with(|state| state.random.random_range(0..pool.len()));
            return pool.swap_remove(index);
        }
        let instance = self.with(|state| {
            state.instances += 1;
            let most = state.plan.skew;
            let skew = most.mul_f64(state.random.random_range(-1.0..=1.0));
            Arc::new(Instance::new(function, state.instances, self.time, skew, &mut state.random))
        });
        let work = self.function(function, &instance);
        Arc::new(Environment { instance, work })
    }

    /// Gives an environment back after an invocation that ended.
    pub fn release(&self, function: &'static str, environment: Arc<Environment>) {
        if !environment.instance.is_dead() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(function).or_default().push(environment);
        }
    }

    fn function(self: &Arc<Self>, function: &str, instance: &Arc<Instance>) -> Work {
        let context = &Context::new(&network::config(self, instance), &self.settings);
        match function {
            "fan-out" => Work::FanOut(FanOut::new(context).unwrap()),
            "deliver" => Work::Deliver(Deliver::new(context).unwrap()),
            "feedback" => Work::Feedback(Feedback::new(context).unwrap()),
            "resend" => Work::Resend(Resend::new(context).unwrap()),
            "rollup" => Work::Rollup(Rollup::new(context).unwrap()),
            "sweep" => Work::Sweep(Box::new(Sweep::new(context).unwrap())),
            "scheduled-send" => Work::ScheduledSend(Box::new(ScheduledSend::new(context).unwrap())),
            "send" => Work::Http(send::router(send::Send::new(context).unwrap())),
            "load" => Work::Http(load::router(load::Load::new(context).unwrap())),
            "activate" => Work::Http(activate::router(activate::Activate::new(context).unwrap())),
            "campaigns" => Work::Http(campaigns::router(campaigns::Campaigns::new(context).unwrap())),
            "schedules" => Work::Http(schedules::router(schedules::Schedules::new(context).unwrap())),
            "templates" => Work::Http(templates::router(templates::Templates::new(context).unwrap())),
            "directory" => Work::Http(directory::router(directory::Directory::new(context).unwrap())),
            other => panic!("there is no function {other}"),
        }
    }

    /// A function is killed where it stands.
    pub fn killed(&self, instance: &Instance, place: String) {
        self.at_once(|state, now| {
            state.log.event(now, format_args!("{} is killed {place}", instance.name));
            *state.report.kills.entry(place.clone()).or_default() += 1;
        });
        instance.kill(place);
    }

    /// A function stands still for a time.
    pub fn frozen(&self, instance: &Instance, time: SignedDuration, place: &str) {
        self.at_once(|state, now| {
            state.log.event(now, format_args!("{} stands still for {time:#} {place}", instance.name));
            state.report.freezes += 1;
            instance.freeze(now + time);
        });
    }

    /// Applies a call, unless a fault prevents it, and answers it.
    pub fn perform(
        self: &Arc<Self>,
        instance: &Instance,
        call: &Call,
        fault: Option<Fault>,
        lag: SignedDuration,
    ) -> Reply {
        let reply = self.at_once(|state, now| state.perform(instance, call, fault, lag, now));
        if call.service == Service::Sqs {
            self.wake.notify_waiters();
        }
        if call.service == Service::DynamoDb {
            self.written.notify_waiters();
        }
        if call.operation == "SendEmail" && reply.1 {
            self.report_mail();
        }
        reply.0
    }
}

impl State {
    /// Answers a call; also returns whether an e-mail left.
    fn perform(
        &mut self,
        instance: &Instance,
        call: &Call,
        fault: Option<Fault>,
        lag: SignedDuration,
        now: Timestamp,
    ) -> (Reply, bool) {
        // A written transaction is recognised by its token: it can be throttled, but no longer cancelled.
        let cancels = |fault: &Fault| matches!(fault, Fault::Conflict | Fault::InProgress);
        let fault = fault.filter(|fault| !(cancels(fault) && self.cloud.tables.has_written(&call.json())));
        let refused = fault.and_then(|fault| refusal(fault, call));
        let mut mailed = false;
        let mut wrote = String::new();
        let forbidden = self.cloud.roles.refuse(call);
        if forbidden.is_some() {
            let what = self.cloud.roles.refused().last().cloned().unwrap_or_default();
            self.checks.broken(now, what);
        }
        let mut reply = match forbidden.or(refused) {
            Some(reply) => reply,
            None => {
                self.checks.called(call, now);
                match call.service {
                    Service::DynamoDb => {
                        let (reply, written) = self.tabled(instance, call, fault, lag, now);
                        wrote = written;
                        reply
                    }
                    Service::Sqs => self.queued(call, fault, now),
                    Service::Ses => {
                        if call.operation == "SendEmail" && !instance.is_late() {
                            self.checks.tries_to_send(self.cloud.ses.account.rate, now);
                        }
                        let reply = self.cloud.ses.answer(call, now);
                        mailed = call.operation == "SendEmail" && reply.status == 200;
                        reply
                    }
                    Service::EventBridge => self.published(call, fault, now),
                    Service::Sns | Service::Scheduler | Service::Cognito => self.cloud.answer(call, now),
                }
            }
        };
        let took_effect = reply.status == 200;
        if let Some(spoiled) = fault.filter(|_| took_effect).and_then(spoiled) {
            reply = spoiled;
        }
        let met = fault.map(|fault| format!(" ({fault:?})")).unwrap_or_default();
        let (name, operation, status) = (&instance.name, &call.operation, reply.status);
        self.log.event(now, format_args!("{name} {operation} {status}{met}{wrote}"));
        self.uncounted += usize::from(matches!(instance.function, "directory" | "rollup" | "load"));
        if mailed {
            let mail = self.cloud.ses.mails().last().cloned().unwrap();
            self.log.event(now, format_args!("{name} mails {:?} {:?}", mail.to, mail.tags));
            self.checks.mailed(&mail, &instance.name);
        }
        (reply, mailed)
    }

    fn tabled(
        &mut self,
        instance: &Instance,
        call: &Call,
        fault: Option<Fault>,
        lag: SignedDuration,
        now: Timestamp,
    ) -> (Reply, String) {
        if fault == Some(Fault::Unprocessed) {
            let (part, left) = leave_keys(call, &mut self.random);
            let (reply, _) = self.cloud.tables.answer(&part.operation, part.json(), now, lag);
            let mut body: Value = serde_json::from_str(&reply.body).unwrap();
            body["UnprocessedKeys"] = left;
            return (Reply { body: body.to_string(), ..reply }, String::new());
        }
        let (reply, changes) = self.cloud.tables.answer(&call.operation, call.json(), now, lag);
        let names: Vec<_> = changes.iter().map(|change| format!("{}/{}", change.name.pk, change.name.sk)).collect();
        self.checks.changed(&changes, instance, now);
        self.cloud.stream.add(&changes, now);
        if changes.iter().any(|change| change.name.table == DIRECTORY && change.name.sk != HEARTBEAT) {
            self.directory_written = now;
        }
        let counts = |name: &Name| name.pk != LIMITERS && name.sk != HEARTBEAT && name.table != DERIVED;
        self.written += changes.iter().filter(|change| counts(&change.name)).count() as u64;
        (reply, if names.is_empty() { String::new() } else { format!(" writes {}", names.join(", ")) })
    }

    /// A batch of messages may be refused in part.
    fn queued(&mut self, call: &Call, fault: Option<Fault>, now: Timestamp) -> Reply {
        self.written += u64::from(call.operation.starts_with("Send"));
        if fault != Some(Fault::PartlyRefused) {
            return self.cloud.sqs.answer(call, now);
        }
        let mut request = call.json();
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        let (refused, taken): (Vec<_>, Vec<_>) = entries.into_iter().partition(|_| self.random.random_bool(0.5));
        let mut body = json!({"Successful": []});
        if !taken.is_empty() {
            request["Entries"] = json!(taken);
            let reply = self.cloud.sqs.answer(&Call { body: request.to_string().into_bytes(), ..call.clone() }, now);
            body = serde_json::from_str(&reply.body).unwrap();
        }
        let failed =
            refused.iter().map(|entry| json!({"Id": entry["Id"], "Code": "InternalError", "SenderFault": false}));
        body["Failed"] = failed.collect();
        Reply::json(&body)
    }

    /// Some events of a call may be refused.
    fn published(&mut self, call: &Call, fault: Option<Fault>, now: Timestamp) -> Reply {
        if fault == Some(Fault::PartlyRefused) {
            let most = call.json()["Entries"].as_array().map_or(1, Vec::len);
            self.cloud.bus.fail_next(self.random.random_range(1..=most), "ThrottlingException");
        }
        self.cloud.bus.answer(call, now)
    }
}
