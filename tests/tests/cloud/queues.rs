//! Queues.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::name;

/// Visible, hidden and delayed messages.
async fn counts(sqs: &aws_sdk_sqs::Client, url: &str) -> [String; 3] {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let request = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let attributes = request.send().await.unwrap().attributes.unwrap();
    names.map(|name| attributes[&name].clone())
}

async fn receive(sqs: &aws_sdk_sqs::Client, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
    let request = sqs.receive_message().queue_url(url).max_number_of_messages(10).message_attribute_names("All");
    let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
    request.send().await.unwrap().messages.unwrap_or_default()
}

fn entry(id: &str, body: &str, delay: i32) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).delay_seconds(delay).build().unwrap()
}

pub async fn scenario(config: &SdkConfig) {
    let sqs = aws_sdk_sqs::Client::new(config);
    let (queue, dead) = (name(), name());
    let dead = sqs.create_queue().queue_name(dead).send().await.unwrap().queue_url.unwrap();
    let arn = sqs.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::QueueArn);
    let arn = arn.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
    let redrive = serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let create = sqs
        .create_queue()
        .queue_name(queue)
        .attributes(QueueAttributeName::VisibilityTimeout, "0")
        .attributes(QueueAttributeName::RedrivePolicy, redrive);
    let url = create.clone().send().await.unwrap().queue_url.unwrap();
    assert_eq!(create.send().await.unwrap().queue_url.unwrap(), url, "it is there already");

    // A message with an attribute, and another that comes later.
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
    let sent = sqs.send_message().queue_url(&url).message_body("ä").message_attributes("n", attribute);
    let id = sent.send().await.unwrap().message_id.unwrap();
    let batch = sqs.send_message_batch().queue_url(&url).entries(entry("x", "later", 900)).send().await.unwrap();
    assert_eq!((batch.successful[0].id.as_str(), batch.failed.len()), ("x", 0));
    assert_eq!(counts(&sqs, &url).await, ["1", "0", "1"]);

    // Received twice, it is dead.
    let mut receipts = Vec::new();
    for receives in ["1", "2"] {
        let messages = receive(&sqs, &url).await;
        let [message] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((message.message_id.as_deref(), message.body.as_deref()), (Some(id.as_str()), Some("ä")));
        let attributes: &HashMap<_, String> = message.attributes.as_ref().unwrap();
        assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], receives);
        assert!(attributes[&MessageSystemAttributeName::SentTimestamp].parse::<i64>().unwrap() > 0);
        assert_eq!(message.message_attributes.as_ref().unwrap()["n"].string_value(), Some("v"));
        receipts.push(message.receipt_handle.clone().unwrap());
    }
    assert_ne!(receipts[0], receipts[1]);
    assert!(receive(&sqs, &url).await.is_empty());
    let letters = receive(&sqs, &dead).await;
    assert_eq!((letters.len(), letters[0].message_id.as_deref()), (1, Some(id.as_str())));
    assert_eq!(letters[0].message_attributes.as_ref().unwrap()["n"].string_value(), Some("v"));
    assert_eq!(counts(&sqs, &dead).await, ["0", "1", "0"]);
    let receipt = letters[0].receipt_handle.clone();
    sqs.delete_message().queue_url(&dead).set_receipt_handle(receipt).send().await.unwrap();
    assert_eq!(counts(&sqs, &dead).await, ["0", "0", "0"]);

    refusals(&sqs, &url).await;
    assert_eq!(counts(&sqs, &url).await, ["0", "0", "1"], "nothing refused is queued");
}

async fn refusals(sqs: &aws_sdk_sqs::Client, url: &str) {
    let large = "x".repeat(1_048_577);
    for (body, code) in [("\u{1}", "InvalidMessageContents"), (large.as_str(), "InvalidParameterValue")] {
        let refused = sqs.send_message().queue_url(url).message_body(body).send().await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
    }
    let half = "x".repeat(524_289);
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|id| entry(&id.to_string(), "a", 0)).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("x", "a", 0), entry("x", "b", 0)], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "a", 0)], "InvalidBatchEntryId"),
        (vec![entry("x", &half, 0), entry("y", &half, 0)], "BatchRequestTooLong"),
    ] {
        let refused = sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await.unwrap_err();
        assert_eq!(refused.code(), Some(format!("AWS.SimpleQueueService.{code}").as_str()));
    }
    let nowhere = url.replace("/cloud-", "/none-");
    let unknown = sqs.send_message().queue_url(nowhere).message_body("a").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert!(unknown.as_service_error().unwrap().is_queue_does_not_exist());
}
