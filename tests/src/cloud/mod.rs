//! AWS in memory: the operations that the functions call, behind the SDK's own HTTP client.
//!
//! The functions' requests are made, signed, serialised, retried and read by the real SDK; only the network and the
//! services behind it are replaced. Every service is a plain state machine: it gets a call and the time, and answers at
//! once. Who drives it decides when a call arrives, whether its answer gets back, and what goes wrong.

pub mod connector;
pub mod event_bus;
pub mod scheduler;
pub mod ses;
pub mod sns;
pub mod sqs;
pub mod tables;
pub mod template;
pub mod users;

use serde_json::{Value, json};

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

    /// The last part of the path, decoded: in REST services the name of what is called for.
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
