//! The line between a function and AWS. Every call of the SDK may be delayed, lost or refused, or its function may be
//! killed at it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::RetryConfig;
use jiff::SignedDuration;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::instance::{Instance, SdkTime, happens};
use super::plan::Fault;
use super::system::System;
use crate::cloud::connector::{named, read, response};
use crate::cloud::{Call, Reply, Service};

/// The configuration of an environment's SDK. It has a region of its own, because clients of one process and region
/// share a retry quota, and in Lambda every environment is a process of its own.
pub fn config(system: &Arc<System>, instance: &Arc<Instance>) -> SdkConfig {
    let line = Line { system: system.clone(), instance: instance.clone() };
    let client = http_client_fn(move |_, _| SharedHttpConnector::new(line.clone()));
    let region = aws_config::Region::new(instance.name.replace('#', "-"));
    let credentials = aws_sdk_dynamodb::config::Credentials::new("simulated", "simulated", None, None, "simulated");
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(region)
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(credentials))
        .endpoint_url("http://aws.invalid")
        .http_client(client)
        .retry_config(RetryConfig::standard())
        .timeout_config(portal_aws::config::timeouts())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .time_source(SdkTime(instance.clone()))
        .build();
    named(&config, instance.function)
}

#[derive(Clone)]
struct Line {
    system: Arc<System>,
    instance: Arc<Instance>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { system, instance } = self.clone();
        HttpConnectorFuture::new(async move {
            let call = read(request).await?;
            travel(system, instance, call).await
        })
    }
}

/// The fate of one call.
struct Trip {
    there: Duration,
    back: Duration,
    fault: Option<Fault>,
    end: Option<End>,
    lag: SignedDuration,
}

/// The fate of the function at a call.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum End {
    KilledBefore,
    KilledAfter,
    FrozenBefore(SignedDuration),
    FrozenAfter(SignedDuration),
}

/// A fault that a test orders for the next call of an operation by a function.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Step {
    pub function: &'static str,
    pub operation: &'static str,
    pub fault: Option<Fault>,
    pub end: Option<End>,
}

async fn travel(system: Arc<System>, instance: Arc<Instance>, call: Call) -> Result<HttpResponse, ConnectorError> {
    let trip = system.with(|state| state.trip(&instance, &call));
    let place = |when: &str| format!("{} {when} {}", instance.function, call.operation);
    match trip.end {
        Some(End::KilledBefore) => {
            system.killed(&instance, place("before"));
            std::future::pending::<()>().await;
        }
        Some(End::FrozenBefore(time)) => {
            system.frozen(&instance, time, &place("before"));
            tokio::task::yield_now().await;
        }
        _ => {}
    }
    if trip.fault == Some(Fault::NoConnection) {
        return Err(broken(std::io::ErrorKind::ConnectionRefused));
    }
    let after = place("after");
    let answered_call = call.clone();
    let (answer, answered) = oneshot::channel();
    // Once sent, a call takes effect even if the function dies meanwhile.
    tokio::task::spawn_local(async move {
        tokio::time::sleep(trip.there).await;
        let reply = system.perform(&instance, &call, trip.fault, trip.lag);
        match trip.end {
            Some(End::KilledAfter) => return system.killed(&instance, after),
            Some(End::FrozenAfter(time)) => system.frozen(&instance, time, &after),
            _ => {}
        }
        tokio::time::sleep(trip.back).await;
        // The caller may be gone.
        let _ = answer.send(reply);
    });
    let reply = match (answered.await, trip.fault) {
        (Err(_), _) | (Ok(_), Some(Fault::NoAnswer)) => std::future::pending().await,
        (Ok(_), Some(Fault::AnswerLost)) => return Err(broken(std::io::ErrorKind::ConnectionReset)),
        (Ok(reply), _) => reply,
    };
    Ok(response(&answered_call, reply))
}

impl super::system::State {
    /// Draws the fate of a call.
    fn trip(&mut self, instance: &Instance, call: &Call) -> Trip {
        let plan = &self.plan;
        let random = &mut self.random;
        let latency = plan.latency.unsigned_abs();
        let slow = if random.random_bool(0.01) { 20 } else { 1 };
        let mut time = || latency.mul_f64(random.random_range(0.1..1.0)) * slow;
        let (there, back) = (time(), time());
        let in_trouble = self.trouble.get(&instance.name).copied().unwrap_or(0);
        let chance = |fault: &Fault| {
            let usual = plan.faults.get(fault).copied().unwrap_or(0.0);
            if in_trouble > 0 && usual > 0.0 && is_passing(*fault) { plan.again } else { usual }
        };
        let fault = possible(call).into_iter().find(|fault| happens(random, chance(fault)));
        let trouble = match fault {
            Some(_) => random.random_range(0..6),
            None => in_trouble.saturating_sub(1),
        };
        self.trouble.insert(instance.name.clone(), trouble);
        if let Some(fault) = fault {
            *self.report.faults.entry(fault).or_default() += 1;
        }
        let standing = |random: &mut StdRng| plan.longest_freeze.mul_f64(random.random_range(0.0..1.0));
        let end = match () {
            () if happens(random, plan.kill) => {
                Some(if random.random_bool(0.5) { End::KilledBefore } else { End::KilledAfter })
            }
            () if happens(random, plan.freeze) => {
                let time = standing(random);
                Some(if random.random_bool(0.5) { End::FrozenBefore(time) } else { End::FrozenAfter(time) })
            }
            () => None,
        };
        let lag = plan.lag.mul_f64(random.random_range(0.0..1.0));
        let step =
            self.script.iter().position(|step| step.function == instance.function && step.operation == call.operation);
        let (fault, end) = match step.map(|index| self.script.remove(index)) {
            Some(step) => (step.fault, step.end),
            None => (fault, end),
        };
        Trip { there, back, fault, end, lag }
    }
}

/// The faults that are likely to come again at once.
fn is_passing(fault: Fault) -> bool {
    matches!(fault, Fault::Throttled | Fault::Conflict | Fault::InProgress | Fault::ErrorBefore | Fault::MailThrottled)
}

/// The faults that a call may meet.
fn possible(call: &Call) -> Vec<Fault> {
    let any = [Fault::ErrorBefore, Fault::ErrorAfter, Fault::AnswerLost, Fault::NoAnswer, Fault::NoConnection];
    let mut faults = match (call.service, call.operation.as_str()) {
        (Service::Ses, "SendEmail") => {
            return vec![
                Fault::MailThrottled,
                Fault::MailRefused,
                Fault::MailUnknownSent,
                Fault::MailUnknown,
                Fault::MailClosed,
                Fault::AnswerLost,
                Fault::NoAnswer,
                Fault::NoConnection,
            ];
        }
        (Service::Ses, _) => vec![Fault::MailThrottled],
        (Service::DynamoDb, "TransactWriteItems") => vec![Fault::Throttled, Fault::Conflict, Fault::InProgress],
        (Service::DynamoDb, "TransactGetItems") => vec![Fault::Throttled, Fault::Conflict],
        (Service::DynamoDb, "BatchGetItem") => vec![Fault::Throttled, Fault::Unprocessed],
        (Service::Sqs, "SendMessageBatch") | (Service::EventBridge, _) => {
            vec![Fault::PartlyRefused]
        }
        (Service::DynamoDb, _) => vec![Fault::Throttled],
        _ => Vec::new(),
    };
    faults.extend(any);
    faults
}

/// The answer to a call that this fault keeps from taking effect; `None` if the call takes effect.
pub(super) fn refusal(fault: Fault, call: &Call) -> Option<Reply> {
    let dynamo = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    Some(match fault {
        Fault::Throttled => {
            Reply::error(400, &dynamo("ProvisionedThroughputExceededException"), "The level of configured … exceeded")
        }
        Fault::InProgress => Reply::error(400, &dynamo("TransactionInProgressException"), "is in progress"),
        Fault::Conflict => {
            let actions = call.json()["TransactItems"].as_array().map_or(1, Vec::len);
            let mut reasons = vec![json!({"Code": "None"}); actions];
            reasons[actions / 2] =
                json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"});
            let body = json!({"__type": dynamo("TransactionCanceledException"), "CancellationReasons": reasons,
                "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons"});
            Reply { status: 400, body: body.to_string() }
        }
        Fault::ErrorBefore | Fault::MailUnknown => Reply::error(500, "InternalServerError", "Internal error"),
        Fault::MailThrottled => Reply::error(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
        Fault::MailRefused => Reply::error(400, "BadRequestException", "Local address contains control or whitespace"),
        Fault::MailClosed => Reply::error(400, "AccountSuspendedException", "The account is suspended."),
        _ => return None,
    })
}

/// The answer to a call that took effect and meets this fault.
pub(super) fn spoiled(fault: Fault) -> Option<Reply> {
    matches!(fault, Fault::ErrorAfter | Fault::MailUnknownSent)
        .then(|| Reply::error(500, "InternalServerError", "Internal error"))
}

/// Splits a BatchGetItem: the keys that are read, and those that are left, as the answer names them.
pub(super) fn leave_keys(call: &Call, random: &mut StdRng) -> (Call, Value) {
    let mut request = call.json();
    let mut left = json!({});
    if let Some(tables) = request["RequestItems"].as_object_mut() {
        // The SDK writes tables in the order of a hash map.
        let mut names: Vec<_> = tables.keys().cloned().collect();
        names.sort();
        for name in names {
            let keys: Vec<Value> = tables[&name]["Keys"].as_array().cloned().unwrap_or_default();
            let (later, now): (Vec<_>, Vec<_>) = keys.into_iter().partition(|_| random.random_bool(0.3));
            if later.is_empty() || now.is_empty() {
                tables[&name]["Keys"] = json!(later.into_iter().chain(now).collect::<Vec<_>>());
                continue;
            }
            left[&name] = tables[&name].clone();
            left[&name]["Keys"] = json!(later);
            tables[&name]["Keys"] = json!(now);
        }
    }
    (Call { body: request.to_string().into_bytes(), ..call.clone() }, left)
}

fn broken(kind: std::io::ErrorKind) -> ConnectorError {
    ConnectorError::io(std::io::Error::from(kind).into())
}
