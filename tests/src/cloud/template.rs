//! What `template.yaml` says of tables, queues and functions, so that the simulated AWS has what a deployed stack has.

use std::fs;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

/// The project's template, with CloudFormation's functions left as they are written.
#[derive(Debug)]
pub struct Template(Value);

/// A queue, and where its dead letters go.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct QueueShape {
    pub name: String,
    pub visibility: SignedDuration,
    pub retention: SignedDuration,
    /// The queue of dead letters, and after how many receives.
    pub redrive: Option<(String, u32)>,
}

impl Template {
    /// Reads the template of this checkout.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        let text = fs::read_to_string(path).unwrap();
        Self(plain(yaml_serde::from_str(&text).unwrap()))
    }

    /// A table, as a request to create it; `logical` is its name in the template.
    pub fn table(&self, logical: &str) -> Value {
        let properties = &self.0["Resources"][logical]["Properties"];
        let mut request = Map::new();
        for part in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"] {
            request.insert(part.to_owned(), properties[part].clone());
        }
        request.insert("TableName".to_owned(), json!(logical));
        Value::Object(request)
    }

    /// Every queue.
    pub fn queues(&self) -> Vec<QueueShape> {
        let resources = self.0["Resources"].as_object().unwrap();
        let queues = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::SQS::Queue");
        let shapes = queues.map(|(name, queue)| {
            let properties = &queue["Properties"];
            // What SQS takes where nothing is said.
            let seconds = |name: &str, default| SignedDuration::from_secs(properties[name].as_i64().unwrap_or(default));
            let redrive = &properties["RedrivePolicy"];
            let dead = redrive["deadLetterTargetArn"].as_str().and_then(|arn| arn.strip_suffix(".Arn"));
            QueueShape {
                name: name.clone(),
                visibility: seconds("VisibilityTimeout", 30),
                retention: seconds("MessageRetentionPeriod", 345_600),
                redrive: dead.map(|dead| (dead.to_owned(), redrive["maxReceiveCount"].as_u64().unwrap() as u32)),
            }
        });
        shapes.collect()
    }

    /// Method and path of every route that is for operators.
    pub fn routes_of_operators(&self) -> Vec<(String, String)> {
        let resources = self.0["Resources"].as_object().unwrap().values();
        let events = resources.filter_map(|resource| resource["Properties"]["Events"].as_object());
        let routes =
            events.flat_map(Map::values).filter(|event| event["Type"] == "Api").map(|event| &event["Properties"]);
        let guarded = routes.filter(|route| route["Auth"].is_null());
        guarded.map(|route| ["Method", "Path"].map(|part| route[part].as_str().unwrap().to_owned()).into()).collect()
    }

    /// How long a function may take.
    pub fn timeout(&self, logical: &str) -> SignedDuration {
        let seconds = self.0["Resources"][logical]["Properties"]["Timeout"].as_i64().unwrap();
        SignedDuration::from_secs(seconds)
    }

    /// How many messages a function that reads a queue gets at once.
    pub fn batch_size(&self, logical: &str) -> usize {
        let events = self.0["Resources"][logical]["Properties"]["Events"].as_object().unwrap();
        let queue = events.values().find(|event| event["Type"] == "SQS").unwrap();
        queue["Properties"]["BatchSize"].as_u64().unwrap() as usize
    }
}

/// YAML as JSON: a value with a tag, such as `!GetAtt Queue.Arn`, is the value.
fn plain(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Tagged(tagged) => plain(tagged.value),
        yaml_serde::Value::Sequence(values) => Value::Array(values.into_iter().map(plain).collect()),
        yaml_serde::Value::Mapping(map) => {
            let entries = map.into_iter().map(|(name, value)| {
                let name = name.as_str().map(str::to_owned).unwrap_or_else(|| format!("{name:?}"));
                (name, plain(value))
            });
            Value::Object(entries.collect())
        }
        other => serde_json::to_value(other).unwrap(),
    }
}
