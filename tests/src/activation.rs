//! Customers who accept invitations and ask for new ones, and the company's portal, which is told.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use portal_aws::directory::keys;
use portal_aws::dynamo::key;
use serde_json::{Value, json};

use crate::World;
use crate::http::{Answer, Call};

/// A password that somebody might choose. No log may have it.
pub const CHOSEN: &str = "never-log-me seven green kettles";

/// A queue that gets what is published on a world's bus.
#[derive(Debug)]
pub struct Portal(String);

/// The body of a request to accept.
pub fn activation(email: &str, temporary_password: &str) -> Value {
    json!({"email": email, "division": "NORTH", "temporaryPassword": temporary_password, "newPassword": CHOSEN})
}

impl World {
    /// Asks to accept the invitation of an address in `NORTH`.
    pub async fn activate(&self, email: &str, temporary_password: &str) -> Answer {
        self.post_activation(&activation(email, temporary_password)).await
    }

    /// The same with any body.
    pub async fn post_activation(&self, body: &Value) -> Answer {
        self.call(Call::new("POST", "/v1/activations").public().json(body)).await
    }

    /// Asks for a new e-mail.
    pub async fn ask_again(&self, division: &str, email: &str) -> Answer {
        let body = json!({"division": division, "email": email});
        self.call(Call::new("POST", "/v1/activations/resend").public().json(&body)).await
    }

    /// Hands a request for a new e-mail to its function as of a time; the e-mail waits in the queues.
    pub async fn resend_at(&self, division: &str, email: &str, now: Timestamp) {
        let mut record = SqsMessage::default();
        record.body = Some(json!({"division": division, "email": email}).to_string());
        let mut event = SqsEvent::default();
        event.records = vec![record];
        let response = self.resend.handle(event, now).await;
        assert!(response.batch_item_failures.is_empty());
    }

    /// The passwords that were mailed to an address, the oldest first.
    pub async fn passwords(&self, email: &str) -> Vec<String> {
        let mails = self.mails().await.into_iter().filter(|mail| mail.to[0] == email);
        mails.map(|mail| mail.password().to_owned()).collect()
    }

    /// The hash of the password that somebody in `NORTH` chose.
    pub async fn chosen_hash(&self, email: &str) -> Option<String> {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        let item = self.get(key(keys::recipient_pk(id), keys::CREDENTIAL)).await?;
        Some(item["passwordHash"].as_s().unwrap().clone())
    }

    /// Somebody in `NORTH` as the operator sees them.
    pub async fn person(&self, email: &str) -> Value {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        self.call(Call::new("GET", &format!("/v1/recipients/{id}?division=NORTH"))).await.json()
    }

    /// A portal that listens to everything on the bus.
    pub async fn portal(&self) -> Portal {
        let bus = &self.variables["EVENT_BUS_NAME"];
        let url = self.sqs.create_queue().queue_name(format!("portal-{bus}")).send().await.unwrap().queue_url.unwrap();
        let attributes = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let arn = attributes.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        let events = aws_sdk_eventbridge::Client::new(&self.config);
        let pattern = json!({"source": ["portal-invites"]}).to_string();
        events.put_rule().name(bus).event_bus_name(bus).event_pattern(pattern).send().await.unwrap();
        let target = Target::builder().id("1").arn(arn).build().unwrap();
        events.put_targets().rule(bus).event_bus_name(bus).targets(target).send().await.unwrap();
        Portal(url)
    }

    /// What a portal has been told since: types and details.
    pub async fn told(&self, portal: &Portal) -> Vec<(String, Value)> {
        let request = self.sqs.receive_message().queue_url(&portal.0).max_number_of_messages(10);
        let messages = request.wait_time_seconds(1).send().await.unwrap().messages.unwrap_or_default();
        let mut told = Vec::new();
        for message in messages {
            let event: Value = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
            told.push((event["detail-type"].as_str().unwrap().to_owned(), event["detail"].clone()));
            let delete = self.sqs.delete_message().queue_url(&portal.0).set_receipt_handle(message.receipt_handle);
            delete.send().await.unwrap();
        }
        told
    }
}
