//! The scenarios against the local cloud that `PORTAL_STACK` names.

use serde_json::json;
use tests::Stack;

use crate::{mails, name, others, queues, schedules};

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn queues() {
    queues::scenario(&Stack::running().config()).await;
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn mails() {
    let config = Stack::running().config();
    let domain = format!("{}.example.com", name());
    aws_sdk_sesv2::Client::new(&config).create_email_identity().email_identity(&domain).send().await.unwrap();
    mails::scenario(&config, &domain).await;
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn notices() {
    let config = Stack::running().config();
    let topic = aws_sdk_sns::Client::new(&config).create_topic().name(name()).send().await.unwrap();
    others::notices(&config, &topic.topic_arn.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn events() {
    let (config, bus) = (Stack::running().config(), name());
    aws_sdk_eventbridge::Client::new(&config).create_event_bus().name(&bus).send().await.unwrap();
    others::events(&config, &bus).await;
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn schedules() {
    let (config, group) = (Stack::running().config(), name());
    aws_sdk_scheduler::Client::new(&config).create_schedule_group().name(&group).send().await.unwrap();
    schedules::scenario(&config, &group).await;
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn users() {
    let stack = Stack::running();
    let created = stack.cognito("CreateUserPool", &json!({"PoolName": name()}));
    let pool = created["UserPool"]["Id"].as_str().unwrap();
    for user in ["on", "off"] {
        stack.cognito("AdminCreateUser", &json!({"UserPoolId": pool, "Username": user}));
    }
    for group in ["390", "directory"] {
        stack.cognito("CreateGroup", &json!({"UserPoolId": pool, "GroupName": group}));
        let member = json!({"UserPoolId": pool, "Username": "on", "GroupName": group});
        stack.cognito("AdminAddUserToGroup", &member);
    }
    stack.cognito("AdminDisableUser", &json!({"UserPoolId": pool, "Username": "off"}));
    others::users(&stack.config(), pool).await;
}
