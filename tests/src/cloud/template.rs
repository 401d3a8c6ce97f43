//! Tables, queues and functions of `template.yaml`, so that the simulated AWS has a deployed stack's resources.

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
            // The default of SQS.
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

    /// The routes of the gateway: the function's name, method, path, and who may call it: `NONE`, scopes, or nothing,
    /// which means operators.
    pub fn routes(&self) -> Vec<[String; 4]> {
        let resources = self.0["Resources"].as_object().unwrap();
        let functions = resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
        let routes = functions.flat_map(|function| {
            let properties = &function["Properties"];
            let name = properties["Environment"]["Variables"]["AWS_SDK_UA_APP_ID"].as_str().unwrap();
            let events = properties["Events"].as_object().into_iter().flat_map(Map::values);
            events.filter(|event| event["Type"] == "Api").map(move |event| {
                let route = &event["Properties"];
                let scopes = route["Auth"]["AuthorizationScopes"].as_array().map_or(&[][..], Vec::as_slice);
                let open = route["Auth"]["Authorizer"].as_str().filter(|authorizer| *authorizer == "NONE");
                let access: Vec<_> = scopes.iter().filter_map(Value::as_str).chain(open).collect();
                let [method, path] = ["Method", "Path"].map(|part| route[part].as_str().unwrap().to_owned());
                [name.to_owned(), method, path, access.join(" ")]
            })
        });
        routes.collect()
    }

    /// The statements of the role that each function has, by the name under which it makes its calls.
    pub fn roles(&self) -> Vec<(String, Vec<Value>)> {
        let resources = self.0["Resources"].as_object().unwrap();
        let functions = resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
        let role = |function: &Value| {
            let properties = &function["Properties"];
            let name = properties["Environment"]["Variables"]["AWS_SDK_UA_APP_ID"].as_str().unwrap();
            let role = properties["Role"].as_str().and_then(|role| role.strip_suffix(".Arn")).unwrap();
            let policies = resources[role]["Properties"]["Policies"].as_array().unwrap().iter();
            let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
            (name.to_owned(), statements.cloned().collect())
        };
        functions.map(role).collect()
    }

    /// Calls that Lambda makes in a function's role: on the queue or stream that it polls, and on the queue for
    /// failures. Function, action, and resource.
    pub fn calls_of_lambda(&self) -> Vec<(String, String, String)> {
        let resources = self.0["Resources"].as_object().unwrap();
        let functions = resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
        let calls = functions.flat_map(|function| {
            let properties = &function["Properties"];
            let name = properties["Environment"]["Variables"]["AWS_SDK_UA_APP_ID"].as_str().unwrap();
            let queue = |arn: &Value| arn.as_str().and_then(|arn| arn.strip_suffix(".Arn")).map(str::to_owned);
            let events = || properties["Events"].as_object().into_iter().flat_map(Map::values);
            let streams = events().filter_map(|event| event["Properties"]["Stream"].as_str()).map(str::to_owned);
            let read = events()
                .filter(|event| event["Type"] == "SQS")
                .filter_map(move |event| queue(&event["Properties"]["Queue"]));
            let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
            let read = read.flat_map(move |queue| actions.map(|action| (action, queue.clone())));
            let failures = queue(&properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]);
            let told = failures.map(|queue| ("sqs:SendMessage", queue));
            let queues = read.chain(told).map(|(action, queue)| (action, format!("{queue}.Arn")));
            let streams = streams.flat_map(|stream| {
                let read = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
                let read = read.map(|action| (action, stream.clone()));
                read.into_iter().chain([("dynamodb:ListStreams", "*".to_owned())])
            });
            let calls = queues.chain(streams).map(|(action, resource)| (name.to_owned(), action.to_owned(), resource));
            calls.collect::<Vec<_>>()
        });
        calls.collect()
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
