//! What goes wrong in a round, drawn from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// Where functions can be killed: every step of the protocol, and of what customers do meanwhile.
pub const FAIL_POINTS: [&str; 13] = [
    "send.started",
    "fan-out.written",
    "fan-out.queued",
    "deliver.read",
    "deliver.claimed",
    "deliver.sent",
    "deliver.recorded",
    "feedback.read",
    "feedback.written",
    "activate.read",
    "activate.accepted",
    "resend.read",
    "resend.joined",
];

/// A service that the functions call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Service {
    DynamoDb,
    Ses,
    Sqs,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Refused: too much comes at once.
    Throttled,
    /// Refused: another transaction holds an item.
    Conflict,
    /// Not made, and answered with a fault of the server.
    ServerError,
    /// Not made: the connection is reset.
    Reset,
    /// Made, and the connection breaks before the answer is there.
    AnswerLost,
    /// Not made, and nothing is heard for long.
    TimeoutBefore,
    /// Made, and nothing is heard for long.
    TimeoutAfter,
    /// Made and answered, late.
    Slow,
}

/// A fault that some calls meet.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Fault {
    pub service: Service,
    pub kind: Kind,
    /// Only calls of this operation.
    pub operation: Option<&'static str>,
    /// How likely a call meets it.
    pub probability: f64,
    /// How often at most, for faults that take a long time.
    pub times: Option<u32>,
}

/// The longest that the proxy holds a call before it makes it: nothing takes effect later than this after the last call.
pub const LONGEST_HOLD: Duration = Duration::from_millis(1_500);

/// Longer than `deliver` waits for SES, in milliseconds.
const BEYOND_PATIENCE: u32 = 11_000;

/// Every fault, with the highest probability that is drawn for it.
const CATALOG: [Fault; 25] = {
    use Kind::*;
    use Service::*;
    const fn fault(service: Service, kind: Kind, operation: Option<&'static str>, probability: f64) -> Fault {
        Fault { service, kind, operation, probability, times: None }
    }
    const fn rare(times: u32, fault: Fault) -> Fault {
        Fault { times: Some(times), ..fault }
    }
    [
        fault(DynamoDb, Throttled, None, 0.1),
        fault(DynamoDb, Conflict, Some("TransactWriteItems"), 0.3),
        fault(DynamoDb, Conflict, Some("TransactGetItems"), 0.3),
        fault(DynamoDb, ServerError, None, 0.1),
        fault(DynamoDb, ServerError, Some("TransactWriteItems"), 0.4),
        fault(DynamoDb, Reset, None, 0.05),
        fault(DynamoDb, AnswerLost, None, 0.05),
        fault(DynamoDb, AnswerLost, Some("TransactWriteItems"), 0.4),
        rare(6, fault(DynamoDb, TimeoutBefore, None, 0.02)),
        rare(6, fault(DynamoDb, TimeoutAfter, Some("TransactWriteItems"), 0.1)),
        fault(DynamoDb, Slow, None, 0.2),
        rare(2, fault(Ses, Throttled, Some("SendEmail"), 0.2)),
        fault(Ses, ServerError, None, 0.2),
        fault(Ses, Reset, None, 0.2),
        fault(Ses, AnswerLost, None, 0.2),
        rare(1, fault(Ses, TimeoutBefore, Some("SendEmail"), 0.05)),
        rare(1, fault(Ses, TimeoutAfter, Some("SendEmail"), 0.05)),
        fault(Ses, Slow, None, 0.3),
        fault(Sqs, Throttled, None, 0.2),
        fault(Sqs, ServerError, None, 0.2),
        fault(Sqs, Reset, None, 0.1),
        fault(Sqs, AnswerLost, None, 0.2),
        rare(6, fault(Sqs, TimeoutBefore, None, 0.1)),
        rare(6, fault(Sqs, TimeoutAfter, None, 0.1)),
        fault(Sqs, Slow, None, 0.3),
    ]
};

impl Fault {
    /// Where and what there is to meet, each once.
    pub fn all() -> Vec<(Service, Kind)> {
        let mut all: Vec<_> = CATALOG.iter().map(|fault| (fault.service, fault.kind)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The proxy's rule for it.
    pub fn rule(&self) -> Value {
        let (service, throttled, broken) = match self.service {
            Service::DynamoDb => ("dynamodb", "ProvisionedThroughputExceededException", "InternalServerError"),
            Service::Ses => ("sesv2", "TooManyRequestsException", "InternalServiceErrorException"),
            Service::Sqs => ("sqs", "RequestThrottled", "ServiceUnavailable"),
        };
        let hold = LONGEST_HOLD.as_millis();
        let mut rule = match self.kind {
            Kind::Throttled => json!({"error": {"code": throttled}}),
            Kind::Conflict => json!({"error": {
                "code": "TransactionCanceledException",
                "status": 400,
                "message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                "fields": {"CancellationReasons": [
                    {"Code": "None"},
                    {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
                ]},
            }}),
            Kind::ServerError => json!({"error": {"code": broken, "status": 500}}),
            Kind::Reset => json!({"reset": true}),
            Kind::AnswerLost => json!({"response": {"abort_bytes": 0}}),
            Kind::TimeoutBefore if self.service == Service::Ses => json!({"timeout_ms": BEYOND_PATIENCE}),
            Kind::TimeoutBefore => json!({"timeout_ms": hold}),
            // SES's answer has some 60 bytes: at this pace it takes longer than anybody waits.
            Kind::TimeoutAfter if self.service == Service::Ses => json!({"response": {"bandwidth_kbps": 0.003}}),
            Kind::TimeoutAfter => json!({"latency": hold, "response": {"abort_bytes": 0}}),
            Kind::Slow => json!({"latency": {"min": 20, "max": 400}}),
        };
        rule["service"] = json!(service);
        rule["probability"] = json!(self.probability);
        if let Some(operation) = self.operation {
            rule["operation"] = json!(operation);
        }
        if let Some(times) = self.times {
            rule["times"] = json!(times);
        }
        rule
    }
}

/// What whoever comes to a fail point may meet there.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The fail point.
    pub point: &'static str,
    /// How likely it is killed.
    pub kill: f64,
    /// How likely others do something before it goes on.
    pub meddle: f64,
}

/// One campaign, and what it meets.
#[derive(Clone, Debug)]
pub struct Round {
    /// What calls meet.
    pub faults: Vec<Fault>,
    /// What happens between the functions' steps.
    pub steps: Vec<Step>,
    /// How likely a message is handed to two invocations at the same time.
    pub twice: f64,
    /// How likely an invocation is cut off somewhere.
    pub cut_off: f64,
    /// Mean time between two acts of other people.
    pub pause: Duration,
    /// How long after its start things go wrong, if the campaign doesn't come to rest before.
    pub storm: Duration,
}

impl Round {
    /// The rounds of the run with this seed, and the chances that are left to draw.
    pub fn of(seed: u64) -> (Vec<Self>, StdRng) {
        let mut rng = StdRng::seed_from_u64(seed);
        let rounds = (0..2).map(|_| Self::draw(&mut rng)).collect();
        (rounds, rng)
    }

    /// Every fault and kill is there or not, and then more or less likely.
    fn draw(rng: &mut StdRng) -> Self {
        let drawn = CATALOG.iter().filter_map(|fault| {
            let probability = fault.probability * rng.random_range(0.1..1.0);
            rng.random_bool(0.4).then_some(Fault { probability, ..*fault })
        });
        let faults = drawn.collect();
        let drawn = FAIL_POINTS.iter().map(|point| {
            let kill = if rng.random_bool(0.6) { rng.random_range(0.05..0.4) } else { 0.0 };
            Step { point, kill, meddle: rng.random_range(0.0..0.8) }
        });
        let steps = drawn.collect();
        Self {
            faults,
            steps,
            twice: rng.random_range(0.0..0.4),
            cut_off: rng.random_range(0.0..0.1),
            pause: Duration::from_millis(rng.random_range(50..300)),
            storm: Duration::from_millis(rng.random_range(5_000..12_000)),
        }
    }
}
