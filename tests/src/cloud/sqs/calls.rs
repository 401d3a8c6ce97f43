//! The operations of SQS, in its JSON protocol.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{ARN, QueueSettings, Received, Redrive, Sqs};
use crate::cloud::Reply;

/// Most entries of a batch, and most messages of a receive.
const BATCH: u64 = 10;

/// Largest message, and largest batch, in bytes: bodies, attributes with their names and types.
const SIZE: usize = 1_048_576;

/// Longest delay of a message, in seconds.
const DELAY: u64 = 900;

/// Longest visibility time-out, in seconds.
const VISIBILITY: u64 = 43_200;

/// Why a call is refused: SQS's code and its words.
pub(super) struct Refusal(&'static str, String);

impl From<Refusal> for Reply {
    fn from(Refusal(code, message): Refusal) -> Self {
        Self::error(400, &format!("com.amazonaws.sqs#{code}"), &message)
    }
}

/// What a message is sent with.
struct Entry {
    body: String,
    attributes: BTreeMap<String, String>,
    delay: SignedDuration,
}

impl Entry {
    fn read(entry: &Value) -> Result<Self, Refusal> {
        let body = text(entry, "MessageBody")?;
        let delay = number(entry, "DelaySeconds", 0..=DELAY)?.unwrap_or(0);
        let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        match body.chars().find(|c| !is_allowed(*c)) {
            Some(_) => Err(Refusal("InvalidMessageContents", "Invalid characters found.".to_owned())),
            None if body.is_empty() => {
                Err(Refusal("MissingParameter", "The request must contain the parameter MessageBody.".to_owned()))
            }
            None => Ok(Self { body, attributes: attributes(entry)?, delay: seconds(delay) }),
        }
    }
}

impl Sqs {
    pub(super) fn call(&mut self, operation: &str, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        match operation {
            "CreateQueue" => self.create_queue(body),
            "SendMessage" => self.send_message(&self.addressed(body)?, body, now),
            "SendMessageBatch" => self.send_batch(&self.addressed(body)?, body, now),
            "ReceiveMessage" => self.receive_message(&self.addressed(body)?, body, now),
            "DeleteMessage" => {
                let name = self.addressed(body)?;
                let invalid = |_| Refusal("ReceiptHandleIsInvalid", "The receipt handle is invalid.".to_owned());
                self.queue(&name).delete(&text(body, "ReceiptHandle")?).map_err(invalid)?;
                Ok(json!({}))
            }
            "GetQueueAttributes" => {
                let name = self.addressed(body)?;
                Ok(json!({"Attributes": self.attributes(&name, &wanted(body, "AttributeNames"), now)}))
            }
            other => Err(Refusal("UnsupportedOperation", format!("{other} is not simulated."))),
        }
    }

    /// The queue that a call names.
    fn addressed(&self, body: &Value) -> Result<String, Refusal> {
        let url = text(body, "QueueUrl")?;
        let name = url.rsplit('/').next().unwrap_or_default();
        match self.queues.contains_key(name) {
            true => Ok(name.to_owned()),
            false => Err(Refusal("QueueDoesNotExist", "The specified queue does not exist.".to_owned())),
        }
    }

    fn create_queue(&mut self, body: &Value) -> Result<Value, Refusal> {
        let name = text(body, "QueueName")?;
        let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=80).contains(&name.len()) || !name.chars().all(is_valid) {
            return Err(invalid("QueueName"));
        }
        let given = &body["Attributes"];
        let default = QueueSettings::default();
        let redrive = given["RedrivePolicy"].as_str().map(|policy| self.redrive(policy)).transpose()?;
        let visibility = number(given, "VisibilityTimeout", 0..=VISIBILITY)?.map_or(default.visibility, seconds);
        let retention = number(given, "MessageRetentionPeriod", 60..=1_209_600)?.map_or(default.retention, seconds);
        let settings = QueueSettings { visibility, retention, redrive };
        match self.queues.get(&name) {
            Some(queue) if queue.settings != settings => {
                let message = "A queue already exists with the same name and a different value for an attribute.";
                return Err(Refusal("QueueNameExists", message.to_owned()));
            }
            Some(_) => {}
            None => self.create(name.clone(), settings),
        }
        Ok(json!({"QueueUrl": Self::url(&name)}))
    }

    fn redrive(&self, policy: &str) -> Result<Redrive, Refusal> {
        let policy: Value = serde_json::from_str(policy).map_err(|_| invalid("RedrivePolicy"))?;
        let queue = policy["deadLetterTargetArn"].as_str().and_then(|arn| arn.strip_prefix(ARN));
        let queue = queue.filter(|name| self.queues.contains_key(*name)).ok_or_else(|| invalid("RedrivePolicy"))?;
        let most = number(&policy, "maxReceiveCount", 1..=1_000)?.ok_or_else(|| invalid("RedrivePolicy"))?;
        Ok(Redrive { queue: queue.to_owned(), max_receives: u32::try_from(most).unwrap_or(u32::MAX) })
    }

    fn send_message(&mut self, name: &str, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let size = size(body);
        let Entry { body, attributes, delay } = Entry::read(body)?;
        if size > SIZE {
            return Err(too_long());
        }
        Ok(json!({"MessageId": self.send_with(name, body, attributes, delay, now)}))
    }

    /// A batch that breaks a rule of batches is refused as a whole; an entry that breaks one of messages fails alone.
    fn send_batch(&mut self, name: &str, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let none = Vec::new();
        let entries = body["Entries"].as_array().unwrap_or(&none);
        let ids: Vec<&str> = entries.iter().map(|entry| entry["Id"].as_str().unwrap_or_default()).collect();
        let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if entries.is_empty() {
            return Err(Refusal("EmptyBatchRequest", "There should be at least one entry in the request.".to_owned()));
        } else if entries.len() as u64 > BATCH {
            let message = format!("Maximum number of entries per request are {BATCH}. You have sent {}.", ids.len());
            return Err(Refusal("TooManyEntriesInBatchRequest", message));
        } else if ids.iter().any(|id| !(1..=80).contains(&id.len()) || !id.chars().all(is_valid)) {
            return Err(Refusal("InvalidBatchEntryId", "An id has 1 to 80 letters, digits, - and _.".to_owned()));
        } else if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
            return Err(Refusal("BatchEntryIdsNotDistinct", "Two entries have the same id.".to_owned()));
        } else if entries.iter().map(size).sum::<usize>() > SIZE {
            let message = format!("Batch requests cannot be longer than {SIZE} bytes.");
            return Err(Refusal("BatchRequestTooLong", message));
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, entry) in ids.into_iter().zip(entries) {
            match self.send_message(name, entry, now) {
                Ok(sent) => successful.push(json!({"Id": id, "MessageId": sent["MessageId"]})),
                Err(Refusal(code, message)) => {
                    failed.push(json!({"Id": id, "SenderFault": true, "Code": code, "Message": message}));
                }
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    fn receive_message(&mut self, name: &str, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let max = number(body, "MaxNumberOfMessages", 1..=BATCH)?.unwrap_or(1) as usize;
        let visibility = number(body, "VisibilityTimeout", 0..=VISIBILITY)?.map(seconds);
        let received = match visibility {
            Some(visibility) => self.receive_for(name, max, visibility, now),
            None => self.receive(name, max, now),
        };
        let mut system = wanted(body, "MessageSystemAttributeNames");
        system.extend(wanted(body, "AttributeNames"));
        let attributes = wanted(body, "MessageAttributeNames");
        let messages: Vec<_> = received.iter().map(|message| shown(message, &system, &attributes)).collect();
        Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
    }

    fn attributes(&mut self, name: &str, wanted: &[String], now: Timestamp) -> Map<String, Value> {
        let queue = self.queue(name);
        let [visible, hidden, delayed] = queue.counts(now);
        let all = [
            ("ApproximateNumberOfMessages", visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", hidden.to_string()),
            ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
            ("VisibilityTimeout", queue.settings.visibility.as_secs().to_string()),
            ("MessageRetentionPeriod", queue.settings.retention.as_secs().to_string()),
            ("QueueArn", Self::arn(name)),
        ];
        all.into_iter()
            .filter(|(name, _)| matches(wanted, name))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }
}

/// A message as ReceiveMessage shows it: of its attributes those that were asked for.
fn shown(message: &Received, system: &[String], names: &[String]) -> Value {
    let mut shown = json!({"MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body});
    let about = [
        ("SentTimestamp", message.sent_at.as_millisecond().to_string()),
        ("ApproximateReceiveCount", message.receives.to_string()),
    ];
    let about: BTreeMap<_, _> = about.into_iter().filter(|(name, _)| matches(system, name)).collect();
    if !about.is_empty() {
        shown["Attributes"] = json!(about);
    }
    let typed = |value: &String| json!({"DataType": "String", "StringValue": value});
    let attributes = message.attributes.iter().filter(|(name, _)| matches(names, name));
    let attributes: BTreeMap<_, _> = attributes.map(|(name, value)| (name, typed(value))).collect();
    if !attributes.is_empty() {
        shown["MessageAttributes"] = json!(attributes);
    }
    shown
}

fn wanted(body: &Value, field: &str) -> Vec<String> {
    let names = body[field].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn matches(wanted: &[String], name: &str) -> bool {
    let covers = |pattern: &str| match pattern.strip_suffix(".*") {
        Some(start) => start.is_empty() || name.starts_with(start),
        None => pattern == "All" || pattern == name,
    };
    wanted.iter().any(|pattern| covers(pattern))
}

fn text(body: &Value, field: &str) -> Result<String, Refusal> {
    let missing = || Refusal("MissingParameter", format!("The request must contain the parameter {field}."));
    body[field].as_str().map(str::to_owned).ok_or_else(missing)
}

/// A number within bounds, written as a number or, as attributes are, as text.
fn number(body: &Value, field: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
    let read = match &body[field] {
        Value::Null => return Ok(None),
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    read.filter(|value| bounds.contains(value)).map(Some).ok_or_else(|| invalid(field))
}

fn attributes(entry: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let mut attributes = BTreeMap::new();
    for (name, value) in entry["MessageAttributes"].as_object().into_iter().flatten() {
        let text = value["StringValue"].as_str().filter(|text| value["DataType"] == "String" && !text.is_empty());
        attributes.insert(name.clone(), text.ok_or_else(|| invalid("MessageAttributes"))?.to_owned());
    }
    Ok(attributes)
}

fn size(entry: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let attributes = entry["MessageAttributes"].as_object().into_iter().flatten();
    let attributes =
        attributes.map(|(name, value)| name.len() + length(&value["DataType"]) + length(&value["StringValue"]));
    length(&entry["MessageBody"]) + attributes.sum::<usize>()
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(seconds as i64)
}

fn invalid(parameter: &str) -> Refusal {
    Refusal("InvalidParameterValue", format!("Value for parameter {parameter} is invalid."))
}

fn too_long() -> Refusal {
    let message = format!("One or more parameters are invalid. Reason: Message must be shorter than {SIZE} bytes.");
    Refusal("InvalidParameterValue", message)
}
