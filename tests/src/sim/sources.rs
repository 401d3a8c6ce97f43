//! Callers of the functions: queues, the clock, EventBridge Scheduler and API Gateway. Each may call late, twice, or
//! concurrently.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use portal_runtime::Consumer;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::task::spawn_local;

use super::instance::happens;
use super::stream;
use super::system::{Environment, System, Work};
use crate::cloud::ses::{BounceType, Form, Kind, in_envelope, report};
use crate::cloud::sqs::Received;
use crate::http::{Answer, Call};

/// A queue, and the function that reads it.
#[derive(Clone, Copy, Debug)]
struct Source {
    queue: &'static str,
    function: &'static str,
    logical: &'static str,
    /// How many run at once; nothing where the run decides.
    concurrency: Option<usize>,
}

/// The queues that call functions, as the template wires them.
const SOURCES: [Source; 4] = [
    Source { queue: "FanOutQueue", function: "fan-out", logical: "FanOutFunction", concurrency: Some(8) },
    Source { queue: "DeliverQueue", function: "deliver", logical: "DeliverFunction", concurrency: None },
    Source { queue: "FeedbackQueue", function: "feedback", logical: "FeedbackFunction", concurrency: Some(5) },
    Source { queue: "ResendQueue", function: "resend", logical: "ResendFunction", concurrency: Some(2) },
];

/// How often Lambda tries an asynchronous call again, after how long each.
const RETRIES: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];

/// How often the sweep comes.
const EVERY_MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Its longest interval while nothing happens.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(60);

/// How an invocation ended.
pub enum Ended<T> {
    /// By itself.
    Done(T),
    /// Killed or out of time, at an unknown point.
    Lost,
}

/// Starts everything that calls functions by itself.
pub fn start(system: &Arc<System>) {
    for source in SOURCES {
        spawn_local(read(system.clone(), source));
    }
    stream::start(system);
    spawn_local(sweep_each_minute(system.clone()));
    spawn_local(fire_schedules(system.clone()));
}

/// Hands the messages of a queue to its function, as many at once as it may.
async fn read(system: Arc<System>, source: Source) {
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let concurrency = source.concurrency.unwrap_or_else(|| system.with(|state| state.plan.deliverers));
        let messages = match running.len() < concurrency {
            true => receive(&system, source),
            false => Vec::new(),
        };
        if !messages.is_empty() {
            running.spawn_local(handle(system.clone(), source, messages));
            continue;
        }
        let next = system.at_once(|state, now| {
            let next =
                state.cloud.sqs.next_visible(source.queue).map(|at| at.max(now + SignedDuration::from_millis(1)));
            next.unwrap_or(now + SignedDuration::from_hours(24))
        });
        let woken = system.wake.notified();
        tokio::select! {
            biased;
            Some(_) = running.join_next() => {}
            () = woken => {}
            () = tokio::time::sleep_until(system.time.instant(next)), if running.len() < concurrency => {}
        }
    }
}

/// Takes messages out of a queue; some of them may be handed out again meanwhile, some come late.
fn receive(system: &System, source: Source) -> Vec<Received> {
    let batch = system.template.batch_size(source.logical);
    system.at_once(|state, now| {
        let received = state.cloud.sqs.receive(source.queue, batch, now);
        let mut handed_out = Vec::with_capacity(received.len());
        for message in received {
            let random = &mut state.random;
            if happens(random, state.plan.late) {
                let delay = SignedDuration::from_hours(96).mul_f64(random.random_range(0.0..1.0_f64).powi(3));
                state.report.late += 1;
                state.log.event(now, format_args!("{} message {} is late by {delay:#}", source.queue, message.id));
                state.cloud.sqs.hold(source.queue, &message.receipt, now + delay);
                continue;
            }
            if happens(random, state.plan.twice) {
                let again = SignedDuration::from_secs_f64(random.random_range(0.0..40.0_f64).powi(2) / 40.0);
                state.report.twice += 1;
                state.cloud.sqs.make_visible(source.queue, &message.id, now + again);
            }
            handed_out.push(message);
        }
        handed_out
    })
}

async fn handle(system: Arc<System>, source: Source, messages: Vec<Received>) {
    let mut event = SqsEvent::default();
    for message in &messages {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.id.clone());
        record.body = Some(message.body.clone());
        event.records.push(record);
    }
    let timeout = system.template.timeout(source.logical);
    let ended = invoke(&system, source.function, timeout, async move |environment, deadline| {
        let deadline = deadline.as_millisecond().unsigned_abs();
        match &environment.work {
            Work::FanOut(function) => function.handle(event, deadline).await,
            Work::Deliver(function) => function.handle(event, deadline).await,
            Work::Feedback(function) => function.handle(event, deadline).await,
            Work::Resend(function) => function.handle(event, deadline).await,
            _ => SqsBatchResponse::default(),
        }
    });
    let (name, ended) = ended.await;
    let Ended::Done(response) = ended else { return };
    let failed: Vec<_> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    system.at_once(|state, now| {
        if source.function == "deliver" {
            state.checks.delivered(&name, failed.is_empty(), now);
        }
        for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
            if happens(&mut state.random, state.plan.undeleted) {
                state.log.event(now, format_args!("{} message {} is not deleted", source.queue, message.id));
            } else {
                state.cloud.sqs.delete(source.queue, &message.receipt);
            }
        }
    });
    system.wake.notify_waiters();
}

/// Calls a function once. At its time limit it is killed, unless it is frozen: then it may continue later, with nobody
/// waiting.
pub async fn invoke<T: 'static>(
    system: &Arc<System>,
    function: &'static str,
    timeout: SignedDuration,
    work: impl AsyncFnOnce(Arc<Environment>, Timestamp) -> T + 'static,
) -> (String, Ended<T>) {
    let environment = system.environment(function);
    let deadline = system.time.now() + timeout;
    let name = environment.instance.name.clone();
    system.note(format_args!("{name} begins"));
    let body = {
        let (system, environment) = (system.clone(), environment.clone());
        async move {
            let running = environment.instance.run(work(environment.clone(), deadline));
            let ended = AssertUnwindSafe(running).catch_unwind().await;
            let done = match ended {
                Ok(Ok(done)) => Some(done),
                Ok(Err(_)) => None,
                Err(_) => {
                    system.at_once(|state, now| state.checks.broken(now, format!("{function} panicked")));
                    None
                }
            };
            system.at_once(|state, now| {
                state.log.event(
                    now,
                    format_args!("{} {}", environment.instance.name, if done.is_some() { "ends" } else { "is gone" }),
                );
            });
            done
        }
    };
    let mut task = spawn_local(body);
    match tokio::time::timeout_at(system.time.instant(deadline), &mut task).await {
        Ok(Ok(Some(done))) => {
            system.release(function, environment);
            (name, Ended::Done(done))
        }
        Ok(_) => (name, Ended::Lost),
        Err(_) => {
            if !environment.instance.is_frozen() {
                system.killed(&environment.instance, format!("{function} out of time"));
            }
            (name, Ended::Lost)
        }
    }
}

/// The sweep comes every minute; sometimes not for an hour, sometimes twice at once. Without faults and writes it comes
/// less and less often, because a message may be days late.
async fn sweep_each_minute(system: Arc<System>) {
    let (mut written, mut rest) = (0, EVERY_MINUTE);
    loop {
        let (gap, times) = system.with(|state| {
            let random = &mut state.random;
            let nothing = state.plan.calm && state.written == written;
            rest = if nothing { (rest * 2).min(LONGEST_REST) } else { EVERY_MINUTE };
            written = state.written;
            let gap = match happens(random, state.plan.sweepless) {
                true => {
                    state.report.sweepless += 1;
                    SignedDuration::from_mins(random.random_range(5..60))
                }
                false => rest,
            };
            (gap, if happens(random, state.plan.sweep_twice) { 2 } else { 1 })
        });
        tokio::time::sleep(gap.unsigned_abs()).await;
        for _ in 0..times {
            spawn_local(sweep(system.clone()));
        }
    }
}

/// Sweeps once.
pub async fn sweep(system: Arc<System>) {
    let timeout = system.template.timeout("SweepFunction");
    let swept = invoke(&system, "sweep", timeout, async |environment, _| match &environment.work {
        Work::Sweep(sweep) => sweep.run(portal_aws::clock::now()).await.is_ok(),
        _ => false,
    });
    swept.await;
    system.at_once(|state, now| state.check_witnesses(now));
}

/// Calls `scheduled-send` for every schedule that is due, perhaps late or twice, and again when that fails.
async fn fire_schedules(system: Arc<System>) {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let due = system.at_once(|state, now| state.cloud.scheduler.due(now));
        for firing in due {
            let times = system.with(|state| if happens(&mut state.random, state.plan.twice / 2.0) { 2 } else { 1 });
            for _ in 0..times {
                let input: Value = serde_json::from_str(&firing.input).unwrap_or_default();
                system.note(format_args!("schedule {} is due since {}", firing.name, firing.scheduled_at));
                spawn_local(fire(system.clone(), input));
            }
        }
    }
}

async fn fire(system: Arc<System>, input: Value) {
    let late = system.with(|state| match happens(&mut state.random, state.plan.late * 5.0) {
        true => SignedDuration::from_mins(state.random.random_range(1..90)),
        false => SignedDuration::from_millis(state.random.random_range(0..40_000)),
    });
    tokio::time::sleep(late.unsigned_abs()).await;
    let timeout = system.template.timeout("ScheduledSendFunction");
    for attempt in 0..=RETRIES.len() {
        let event = input.clone();
        let ran = invoke(&system, "scheduled-send", timeout, async move |environment, _| match &environment.work {
            Work::ScheduledSend(function) => function.run(&event, portal_aws::clock::now()).await.is_ok(),
            _ => false,
        });
        if let Ended::Done(true) = ran.await.1 {
            return;
        }
        if let Some(pause) = RETRIES.get(attempt) {
            tokio::time::sleep(pause.unsigned_abs()).await;
        }
    }
    // Lambda's destination for what failed.
    let failed = json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": input});
    system.at_once(|state, now| {
        state.cloud.sqs.send("ScheduleFailuresQueue", failed.to_string(), SignedDuration::ZERO, now)
    });
}

/// Calls an HTTP function as API Gateway does; `None` if no answer came within its 29 seconds.
pub async fn call(system: &Arc<System>, function: &'static str, call: Call) -> Option<Answer> {
    let shown = format!("{:?}", call.route());
    let timeout = SignedDuration::from_secs(29);
    let answered = invoke(system, function, timeout, async move |environment, deadline| match &environment.work {
        Work::Http(router) => call.before(deadline).on(router.clone()).await,
        _ => panic!("{function} has no routes"),
    });
    let answer = match answered.await.1 {
        Ended::Done(answer) => Some(answer),
        Ended::Lost => None,
    };
    let status = answer.as_ref().map_or_else(|| "no answer".to_owned(), |answer| answer.status.as_u16().to_string());
    system.note(format_args!("{shown} is answered {status}"));
    answer
}

impl System {
    /// SES reports on the newest e-mail: soon or late, in any order, once, twice or never.
    pub fn report_mail(self: &Arc<Self>) {
        let reports = self.at_once(|state, now| {
            let mail = state.cloud.ses.mails().last().cloned().unwrap();
            let random = &mut state.random;
            let mut reports = Vec::new();
            let mut say = |random: &mut StdRng, kind: Kind, most: f64| {
                let delay = SignedDuration::from_secs_f64(most * random.random_range(0.0..1.0_f64).powi(4));
                let tagged = matches!(kind, Kind::Send | Kind::DeliveryDelay | Kind::Reject) || random.random_bool(0.9);
                let twice = random.random_bool(0.1);
                let mut body = report(&mail, kind, now, if tagged { Form::Event } else { Form::Notification });
                if random.random_bool(0.2) {
                    body = in_envelope("arn:aws:sns:us-east-1:000000000000:feedback", &body, &mail.message_id, now);
                }
                for _ in 0..=usize::from(twice) {
                    reports.push((delay, body.clone()));
                }
            };
            if random.random_bool(0.7) {
                say(random, Kind::Send, 30.0);
            }
            let kind = match random.random_range(0..1000) {
                0..850 => Kind::Delivery,
                850..870 => Kind::Bounce(BounceType::Transient),
                870..885 => Kind::DeliveryDelay,
                885..892 => Kind::Bounce(BounceType::Permanent),
                892..895 => Kind::Bounce(BounceType::Undetermined),
                895..897 => Kind::Complaint,
                897 => Kind::NotSpam,
                898 => Kind::RenderingFailure,
                899 => Kind::Reject,
                _ => return reports,
            };
            say(random, kind, 4_000.0);
            reports
        });
        for (delay, body) in reports {
            let system = self.clone();
            spawn_local(async move {
                tokio::time::sleep(delay.unsigned_abs()).await;
                system.at_once(|state, now| state.cloud.sqs.send("FeedbackQueue", &body, SignedDuration::ZERO, now));
                system.wake.notify_waiters();
            });
        }
    }
}
