//! EventBridge: what was put on buses.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, Reply};

/// Most entries of a call.
const BATCH: usize = 10;

/// An event that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Name of the bus, as the sender gave it.
    pub bus: String,
    /// Who sent it.
    pub source: String,
    /// What it is.
    pub detail_type: String,
    /// What it says.
    pub detail: Value,
    /// When it was taken.
    pub at: Timestamp,
}

/// All buses of an account. Every name is that of a bus.
#[derive(Debug, Default)]
pub struct EventBus {
    events: Vec<Event>,
    failures: VecDeque<String>,
    entries: u64,
}

impl EventBus {
    /// Buses without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every event that was taken, the oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Fails the next `count` entries with this code, such as `ThrottlingException`.
    pub fn fail_next(&mut self, count: usize, code: &str) {
        self.failures.extend(std::iter::repeat_n(code.to_owned(), count));
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        let body = call.json();
        let entries = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        if call.operation != "PutEvents" {
            return Reply::error(400, "UnknownOperationException", &format!("{} is not simulated.", call.operation));
        }
        if !(1..=BATCH).contains(&entries.len()) {
            let message = format!("1 validation error detected: 'entries' must have 1 to {BATCH} members.");
            return Reply::error(400, "ValidationException", &message);
        }
        let mut failed = 0;
        let answers: Vec<Value> = entries
            .iter()
            .map(|entry| match self.put(entry, now) {
                Ok(id) => json!({"EventId": id}),
                Err((code, message)) => {
                    failed += 1;
                    json!({"ErrorCode": code, "ErrorMessage": message})
                }
            })
            .collect();
        Reply::json(&json!({"FailedEntryCount": failed, "Entries": answers}))
    }

    fn put(&mut self, entry: &Value, now: Timestamp) -> Result<String, (String, String)> {
        if let Some(code) = self.failures.pop_front() {
            return Err((code, "The driver makes it fail.".to_owned()));
        }
        let required = |name: &str| {
            let given = entry[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let reason = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            given.ok_or_else(|| ("InvalidArgument".to_owned(), reason))
        };
        let (source, detail_type, detail) = (required("Source")?, required("DetailType")?, required("Detail")?);
        if source.starts_with("aws.") {
            let reason = "Not authorized for the source.".to_owned();
            return Err(("NotAuthorizedForSourceException".to_owned(), reason));
        }
        let detail = serde_json::from_str::<Value>(&detail).ok().filter(Value::is_object);
        let detail = detail.ok_or_else(|| ("MalformedDetail".to_owned(), "Detail is malformed.".to_owned()))?;
        let bus = entry["EventBusName"].as_str().unwrap_or("default").to_owned();
        self.events.push(Event { bus, source, detail_type, detail, at: now });
        self.entries += 1;
        Ok(format!("00000000-0000-4000-8000-{:012x}", self.entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Service;

    #[test]
    fn entries_fail_one_by_one_and_are_answered_in_order() {
        let mut bus = EventBus::new();
        bus.fail_next(1, "ThrottlingException");
        let entry = |detail: &str| json!({"EventBusName": "b", "Source": "s", "DetailType": "t", "Detail": detail});
        let entries = [entry("{}"), entry("{\"a\":1}"), entry("[]"), json!({"Detail": "{}"})];
        let (operation, path) = ("PutEvents".to_owned(), "/".to_owned());
        let body = json!({"Entries": entries}).to_string().into_bytes();
        let reply = bus.answer(
            &Call { function: None, service: Service::EventBridge, operation, path, body },
            Timestamp::UNIX_EPOCH,
        );
        let answer: Value = serde_json::from_str(&reply.body).unwrap();
        let codes: Vec<_> =
            answer["Entries"].as_array().unwrap().iter().map(|entry| entry["ErrorCode"].as_str()).collect();
        assert_eq!(codes, [Some("ThrottlingException"), None, Some("MalformedDetail"), Some("InvalidArgument")]);
        assert_eq!(answer["FailedEntryCount"], 3);
        assert_eq!(bus.events().len(), 1);
        assert_eq!(bus.events()[0].detail, json!({"a": 1}));
    }
}
