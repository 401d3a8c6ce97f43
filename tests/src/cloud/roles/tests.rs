use serde_json::json;

use super::*;
use crate::cloud::Service;

fn call(function: &str, operation: &str, body: &Value) -> Call {
    Call {
        function: Some(function.to_owned()),
        service: Service::DynamoDb,
        operation: operation.to_owned(),
        path: "/".to_owned(),
        body: body.to_string().into_bytes(),
    }
}

fn roles() -> Roles {
    Roles::new(&Template::read())
}

fn allows(function: &str, operation: &str, body: &Value) -> bool {
    roles().refuse(&call(function, operation, body)).is_none()
}

fn of_recipients(more: Value) -> Value {
    let mut wanted = json!({"Keys": [{"pk": {"S": "RECIPIENT#1"}, "sk": {"S": "RECIPIENT"}}]});
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"RequestItems": {"DirectoryTable": wanted}})
}

#[test]
fn digests_and_hashes_of_passwords_are_read_by_those_who_need_them() {
    let named = |attribute: &str| {
        of_recipients(json!({"ProjectionExpression": "#a, email", "ExpressionAttributeNames": {"#a": attribute}}))
    };
    let inside = of_recipients(json!({"ProjectionExpression": "email, earlier[0].digest"}));
    for function in ["load", "send", "campaigns", "templates", "resend", "fan-out", "sweep", "directory"] {
        assert!(allows(function, "BatchGetItem", &named("status")), "{function}");
        for (what, body) in [("all", of_recipients(json!({}))), ("digest", named("digest")), ("a path", inside.clone())]
        {
            assert!(!allows(function, "BatchGetItem", &body), "{function} {what}");
        }
        let hash =
            json!({"TableName": "DirectoryTable", "Key": {"pk": {"S": "CREDENTIAL#1"}, "sk": {"S": "CREDENTIAL"}}});
        assert!(!allows(function, "GetItem", &hash), "{function}");
    }
    for function in ["deliver", "activate"] {
        assert!(allows(function, "BatchGetItem", &of_recipients(json!({}))), "{function}");
    }
}

#[test]
fn a_write_that_answers_what_was_there_is_a_read_of_it() {
    let update = |returned: &str| {
        json!({"TableName": "DirectoryTable", "Key": {"pk": {"S": "RECIPIENT#1"}, "sk": {"S": "RECIPIENT"}},
            "UpdateExpression": "REMOVE undeliverable", "ReturnValues": returned})
    };
    assert!(allows("campaigns", "UpdateItem", &update("NONE")));
    assert!(!allows("campaigns", "UpdateItem", &update("ALL_OLD")));
}

#[test]
fn a_transaction_needs_all_that_its_actions_need() {
    let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "x"}});
    let update =
        |pk: &str| json!({"Update": {"TableName": "DirectoryTable", "Key": key(pk), "UpdateExpression": "SET a = :a"}});
    assert!(allows("deliver", "TransactWriteItems", &json!({"TransactItems": [update("RECIPIENT#1")]})));
    let both = json!({"TransactItems": [update("RECIPIENT#1"), update("ACCOUNT#1")]});
    assert!(!allows("deliver", "TransactWriteItems", &both), "it writes recipients only");
}

#[test]
fn indexes_other_tables_and_other_services_need_grants_of_their_own() {
    let query = |index: Option<&str>, pk: &str| {
        let mut query = json!({"TableName": "DirectoryTable", "KeyConditionExpression": "x = :x AND begins_with(y, :y)",
            "ExpressionAttributeValues": {":x": {"S": pk}, ":y": {"S": ""}}});
        if let Some(index) = index {
            query["IndexName"] = json!(index);
        }
        query
    };
    assert!(allows("load", "Query", &query(Some("by-division"), "NORTH#0")));
    assert!(!allows("load", "Query", &query(None, "NORTH#0")));
    assert!(!allows("resend", "Query", &query(Some("by-division"), "NORTH#0")));
    let body = json!({"QueueUrl": "https://queues/000000000000/DeliverQueue"});
    let sends = |function: &str| {
        let call = Call { service: Service::Sqs, ..call(function, "SendMessageBatch", &body) };
        roles().refuse(&call).is_none()
    };
    assert!(sends("fan-out") && !sends("send"));
}

#[test]
fn what_nobody_used_is_listed_and_what_lambda_does_is_used() {
    let mut roles = roles();
    let unused = |roles: &Roles, function: &str, part: &str| {
        let granted = roles.granted();
        granted.difference(roles.used()).any(|grant| grant.function == function && grant.part == part)
    };
    assert!(unused(&roles, "load", "HEARTBEAT#*") && unused(&roles, "deliver", "RECIPIENT#*"));
    assert!(!unused(&roles, "deliver", "sqs:ReceiveMessage") && !unused(&roles, "load", "logs:PutLogEvents"));
    let beat = json!({"TableName": "DirectoryTable", "Item": {"pk": {"S": "HEARTBEAT#1"}, "sk": {"S": "1"}}});
    assert_eq!(roles.refuse(&call("load", "PutItem", &beat)), None);
    assert!(!unused(&roles, "load", "HEARTBEAT#*"));
    assert!(roles.refuse(&call("console", "PutItem", &beat)).is_some_and(|reply| reply.status == 400));
    assert_eq!(roles.refused().len(), 1);
    assert_eq!(roles.refuse(&Call { function: None, ..call("", "Scan", &json!({})) }), None, "a test may look at all");
}
