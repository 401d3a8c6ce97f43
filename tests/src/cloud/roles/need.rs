//! The permissions that a call needs, as each service asks IAM for them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::cloud::{Call, Service};

/// One action on one resource, and what its conditions may look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Such as `dynamodb:GetItem`.
    pub action: String,
    /// The resource as the template writes it.
    pub resource: String,
    context: Vec<(&'static str, Vec<String>)>,
}

impl Need {
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: Vec::new() }
    }

    fn with(mut self, key: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.context.push((key, values.into_iter().collect()));
        self
    }

    /// The request's values for a condition key; `None` if it has none.
    pub fn values(&self, key: &str) -> &[String] {
        self.context.iter().find(|(name, _)| *name == key).map_or(&[], |(_, values)| values)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} with {:?}", self.action, self.resource, self.context)
    }
}

/// Everything that a call needs.
pub(super) fn needs(call: &Call) -> Vec<Need> {
    let operation = &call.operation;
    match call.service {
        Service::DynamoDb => of_tables(operation, &call.json()),
        // A batch needs what a single message needs.
        Service::Sqs => {
            let queue =
                call.json()["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default().to_owned();
            vec![Need::new(format!("sqs:{}", operation.trim_end_matches("Batch")), format!("{queue}.Arn"))]
        }
        Service::Sns => vec![Need::new(format!("sns:{operation}"), "NoticesTopic")],
        Service::EventBridge => vec![Need::new(format!("events:{operation}"), "EventBus.Arn")],
        Service::Cognito => vec![Need::new(format!("cognito-idp:{operation}"), "Operators.Outputs.PoolArn")],
        Service::Ses => of_mail(call),
        Service::Scheduler => {
            let name = call.name_in_path();
            let schedule = Need::new(
                format!("scheduler:{operation}"),
                arn("scheduler", &format!("schedule/${{ScheduleGroup}}/{name}")),
            );
            let pass = Need::new("iam:PassRole", "SchedulerRole.Arn")
                .with("iam:PassedToService", ["scheduler.amazonaws.com".to_owned()]);
            let passes = matches!(operation.as_str(), "CreateSchedule" | "UpdateSchedule");
            [schedule].into_iter().chain(passes.then_some(pass)).collect()
        }
    }
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")
}

/// An e-mail needs its sender's identity and its configuration set.
fn of_mail(call: &Call) -> Vec<Need> {
    let action = format!("ses:{}", call.operation);
    let resources = match call.operation.as_str() {
        "SendEmail" => {
            let body = call.json();
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            vec![
                arn("ses", &format!("identity/{}", text("FromEmailAddress"))),
                arn("ses", &format!("configuration-set/{}", text("ConfigurationSetName"))),
            ]
        }
        "GetEmailIdentity" => vec![arn("ses", &format!("identity/{}", call.name_in_path()))],
        // It has no resources.
        _ => vec!["*".to_owned()],
    };
    resources.into_iter().map(|resource| Need::new(&action, resource)).collect()
}

/// Each item that is read or written needs its action; what a batch or transaction is made of, by itself.
fn of_tables(operation: &str, request: &Value) -> Vec<Need> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let actions = request["TransactItems"].as_array().into_iter().flatten();
            let parts = actions.flat_map(|action| action.as_object().into_iter().flatten());
            let action = |kind: &str| match kind {
                "ConditionCheck" => "ConditionCheckItem".to_owned(),
                kind => format!("{kind}Item"),
            };
            parts.map(|(kind, part)| of_item(&action(kind), part)).collect()
        }
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            let of_table = |(table, wanted): (&String, &Value)| {
                let keys = wanted["Keys"].as_array().into_iter().flatten().filter_map(|key| key["pk"]["S"].as_str());
                of_read(operation, table, keys.map(str::to_owned).collect(), wanted)
            };
            tables.map(of_table).collect()
        }
        "Query" => {
            let table = request["TableName"].as_str().unwrap_or_default();
            vec![of_read(operation, table, vec![partition(request)], request)]
        }
        // It goes through all partitions.
        "Scan" => vec![of_read(operation, request["TableName"].as_str().unwrap_or_default(), Vec::new(), request)],
        _ => vec![of_item(operation, request)],
    }
}

fn of_item(operation: &str, request: &Value) -> Need {
    let table = request["TableName"].as_str().unwrap_or_default();
    let key = request.get("Key").or_else(|| request.get("Item")).unwrap_or(&Value::Null);
    let leading = vec![key["pk"]["S"].as_str().unwrap_or_default().to_owned()];
    if operation == "GetItem" {
        return of_read(operation, table, leading, request);
    }
    let mut attributes = named(request, &["ConditionExpression", "UpdateExpression"]);
    attributes.extend(key.as_object().into_iter().flat_map(Map::keys).cloned());
    let returned = request["ReturnValues"].as_str().unwrap_or("NONE").to_owned();
    Need::new(format!("dynamodb:{operation}"), resource(table, request))
        .with("dynamodb:LeadingKeys", leading)
        .with("dynamodb:Attributes", attributes)
        .with("dynamodb:ReturnValues", [returned])
}

fn of_read(operation: &str, table: &str, leading: Vec<String>, request: &Value) -> Need {
    let attributes = named(request, &["ProjectionExpression", "FilterExpression", "KeyConditionExpression"]);
    let select = match (request["Select"].as_str(), request.get("ProjectionExpression")) {
        (Some(select), _) => select,
        (None, Some(_)) => "SPECIFIC_ATTRIBUTES",
        (None, None) if request.get("IndexName").is_some() => "ALL_PROJECTED_ATTRIBUTES",
        (None, None) => "ALL_ATTRIBUTES",
    };
    Need::new(format!("dynamodb:{operation}"), resource(table, request))
        .with("dynamodb:LeadingKeys", leading)
        .with("dynamodb:Attributes", attributes)
        .with("dynamodb:Select", [select.to_owned()])
}

fn resource(table: &str, request: &Value) -> String {
    match request["IndexName"].as_str() {
        Some(index) => format!("${{{table}.Arn}}/index/{index}"),
        None => format!("{table}.Arn"),
    }
}

/// The partition that a query goes through: its key condition begins with it.
fn partition(request: &Value) -> String {
    let condition = request["KeyConditionExpression"].as_str().unwrap_or_default();
    let first = condition.split(" AND ").next().unwrap_or_default();
    let value = first.split_once(" = ").map(|(_, value)| value).unwrap_or_else(|| panic!("no partition: {condition}"));
    request["ExpressionAttributeValues"][value]["S"].as_str().unwrap_or_default().to_owned()
}

/// The attributes that expressions name: of a path its first part.
fn named(request: &Value, expressions: &[&str]) -> BTreeSet<String> {
    let written = expressions.iter().filter_map(|expression| request[*expression].as_str());
    let words =
        written.flat_map(|text| text.split(|letter: char| !(letter.is_alphanumeric() || "_#:.[]".contains(letter))));
    let first = words.filter_map(|word| word.split(['.', '[']).next());
    let name = |word: &str| match word.strip_prefix('#') {
        Some(_) => request["ExpressionAttributeNames"][word].as_str().map(str::to_owned),
        None => (!is_syntax(word)).then(|| word.to_owned()),
    };
    first.filter_map(name).collect()
}

fn is_syntax(word: &str) -> bool {
    const WORDS: [&str; 15] = [
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "attribute_exists",
        "attribute_not_exists",
        "begins_with",
        "contains",
        "size",
        "if_not_exists",
    ];
    word.is_empty() || word.starts_with(':') || WORDS.contains(&word)
}
