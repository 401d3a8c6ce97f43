//! What operators who subscribe are told.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::World;

/// A queue that is subscribed to a world's notices.
#[derive(Debug)]
pub struct Subscription(String);

impl World {
    /// Subscribes to the notices.
    pub async fn subscribe(&self) -> Subscription {
        let name = format!("notices-{}", uuid::Uuid::new_v4().simple());
        let url = self.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
        let attributes = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let arn = attributes.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        let sns = aws_sdk_sns::Client::new(&self.config);
        sns.subscribe()
            .topic_arn(&self.variables["NOTICES_TOPIC_ARN"])
            .protocol("sqs")
            .endpoint(arn)
            .send()
            .await
            .unwrap();
        Subscription(url)
    }

    /// The texts of the notices that have come since.
    pub async fn read_notices(&self, subscription: &Subscription) -> Vec<String> {
        let request = self.sqs.receive_message().queue_url(&subscription.0).max_number_of_messages(10);
        let messages = request.wait_time_seconds(1).send().await.unwrap().messages.unwrap_or_default();
        let text = |body: &str| {
            let envelope: Value = serde_json::from_str(body).unwrap();
            envelope["Message"].as_str().unwrap().to_owned()
        };
        messages.iter().map(|message| text(message.body.as_deref().unwrap())).collect()
    }
}
