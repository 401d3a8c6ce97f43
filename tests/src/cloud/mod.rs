//! AWS in memory: the operations that the functions call, behind the SDK's own HTTP client.
//!
//! The real SDK makes, signs, serialises, retries and reads the functions' requests; only the network and the services
//! behind it are replaced. Every service is a plain state machine that gets a call and the time, and answers at once.
//! The test decides when a call arrives, whether its answer gets back, and what goes wrong.

pub mod connector;
pub mod event_bus;
pub mod roles;
pub mod scheduler;
pub mod ses;
pub mod sns;
pub mod sqs;
pub mod stream;
pub mod tables;
pub mod template;
pub mod users;

use std::collections::HashMap;

use event_bus::EventBus;
use jiff::{SignedDuration, Timestamp};
use roles::Roles;
use scheduler::Scheduler;
use serde_json::{Value, json};
use ses::Ses;
use sns::Sns;
use sqs::{QueueSettings, Redrive, Sqs};
use stream::Stream;
use tables::Tables;
use template::Template;
use users::Users;

/// The table of divisions, accounts and recipients, by its name in the template.
pub const DIRECTORY: &str = "DirectoryTable";
/// The table of campaigns.
pub const CAMPAIGNS: &str = "CampaignsTable";
/// The table of who did what.
pub const AUDIT: &str = "AuditTable";
/// The table of derived numbers.
pub const DERIVED: &str = "DerivedTable";
/// The user pool of operators.
pub const POOL: &str = "simulated-pool";
/// The group of schedules.
pub const GROUP: &str = "simulated";

/// All services of an account.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Cloud {
    pub tables: Tables,
    pub stream: Stream,
    pub sqs: Sqs,
    pub ses: Ses,
    pub sns: Sns,
    pub bus: EventBus,
    pub scheduler: Scheduler,
    pub users: Users,
    pub roles: Roles,
}

impl Cloud {
    /// An account with a template's resources, all empty.
    pub fn new(template: &Template) -> Self {
        let mut tables = Tables::default();
        tables.create(&template.table(DIRECTORY));
        tables.create(&template.table(CAMPAIGNS));
        tables.create(&template.table(AUDIT));
        tables.create(&template.table(DERIVED));
        let mut sqs = Sqs::default();
        for queue in template.queues() {
            let redrive = queue.redrive.map(|(queue, max_receives)| Redrive { queue, max_receives });
            let settings = QueueSettings { visibility: queue.visibility, retention: queue.retention, redrive };
            sqs.create(&queue.name, settings);
        }
        let mut sns = Sns::new();
        sns.create("notices");
        let mut scheduler = Scheduler::new();
        scheduler.create_group(GROUP);
        let (ses, bus, users) = (Ses::default(), EventBus::default(), Users::new(POOL));
        Self {
            tables,
            stream: Stream::of(DIRECTORY),
            sqs,
            ses,
            sns,
            bus,
            scheduler,
            users,
            roles: Roles::new(template),
        }
    }

    /// Answers a call. Indexes of tables show writes at once.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        if let Some(refused) = self.roles.refuse(call) {
            return refused;
        }
        match call.service {
            Service::DynamoDb => {
                let (reply, changes) = self.tables.answer(&call.operation, call.json(), now, SignedDuration::ZERO);
                self.stream.add(&changes, now);
                reply
            }
            Service::Sqs => self.sqs.answer(call, now),
            Service::Ses => self.ses.answer(call, now),
            Service::Sns => self.sns.answer(call, now),
            Service::EventBridge => self.bus.answer(call, now),
            Service::Scheduler => self.scheduler.answer(call, now),
            Service::Cognito => self.users.answer(call, now),
        }
    }
}

/// What the environment of functions holds that work in this account.
pub fn settings() -> HashMap<String, String> {
    let queues = [
        ("FAN_OUT_QUEUE_URL", "FanOutQueue"),
        ("DELIVER_QUEUE_URL", "DeliverQueue"),
        ("FAN_OUT_DEAD_LETTER_QUEUE_URL", "FanOutDeadLetterQueue"),
        ("DELIVER_DEAD_LETTER_QUEUE_URL", "DeliverDeadLetterQueue"),
        ("PARKING_QUEUE_URL", "ParkingQueue"),
        ("RESEND_QUEUE_URL", "ResendQueue"),
        ("SCHEDULE_FAILURES_QUEUE_URL", "ScheduleFailuresQueue"),
    ];
    let others = [
        ("DIRECTORY_TABLE", DIRECTORY),
        ("CAMPAIGNS_TABLE", CAMPAIGNS),
        ("AUDIT_TABLE", AUDIT),
        ("DERIVED_TABLE", DERIVED),
        ("AUDIT_RETENTION_DAYS", "400"),
        ("LEDGER_RETENTION_DAYS", "400"),
        ("PUBLIC_URL", "https://invites.example.com"),
        ("NOTICES_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:notices"),
        ("EVENT_BUS_NAME", "simulated"),
        ("SCHEDULE_GROUP", GROUP),
        ("SCHEDULED_SEND_ARN", "arn:aws:lambda:us-east-1:000000000000:function:scheduled-send"),
        ("SCHEDULER_ROLE_ARN", "arn:aws:iam::000000000000:role/scheduler"),
        ("SCHEDULE_FAILURES_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:ScheduleFailuresQueue"),
        ("USER_POOL_ID", POOL),
        ("CONFIGURATION_SET", "simulated"),
        // Every division that is counted at all is large enough for its numbers.
        ("LARGE_DIVISION", "1"),
        ("SELF_SERVICE_DAILY_LIMIT", "2000"),
    ];
    let queues = queues.map(|(variable, queue)| (variable.to_owned(), Sqs::url(queue)));
    queues.into_iter().chain(others.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Service {
    DynamoDb,
    Sqs,
    Ses,
    Sns,
    EventBridge,
    Scheduler,
    Cognito,
}

/// A call, as it arrives at AWS.
#[derive(Clone, Debug)]
pub struct Call {
    /// The calling function, by the name in its user agent; `None` if a test calls.
    pub function: Option<String>,
    /// The service that is called.
    pub service: Service,
    /// The operation, such as `SendMessageBatch`.
    pub operation: String,
    /// The path and query of its address, percent-encoded.
    pub path: String,
    /// Its body: JSON, or a form for SNS.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON, or XML for SNS.
    pub body: String,
}

impl Call {
    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The last part of the path, decoded: in REST services the resource's name.
    pub fn name_in_path(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
    }

    /// A parameter of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        let found = form_urlencoded::parse(query.as_bytes()).find(|(field, _)| field == name);
        found.map(|(_, value)| value.into_owned())
    }
}

impl Reply {
    /// A successful answer.
    pub fn json(body: &Value) -> Self {
        Self { status: 200, body: body.to_string() }
    }

    /// An error, as all services answer that speak JSON.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: json!({"__type": code, "message": message}).to_string() }
    }
}
