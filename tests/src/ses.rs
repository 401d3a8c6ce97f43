//! Reports of SES.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use jiff::SignedDuration;
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_aws::clock;
use portal_aws::table::{key, n, s};
use portal_domain::{CampaignId, RecipientId};
use portal_runtime::Consumer;
use serde_json::{Value, json};

use crate::World;
use crate::cloud::CAMPAIGNS;

/// Kinds of events with the part that says what happened, as SES's documentation shows them.
pub fn part(kind: &str) -> (&'static str, &'static str, Value) {
    let bounce = |bounce_type: &str, sub_type: &str, said: &str| {
        let said = format!("smtp; {said} <who@example.com>");
        let who = json!([{"emailAddress": "who@example.com", "diagnosticCode": said}]);
        json!({"bounceType": bounce_type, "bounceSubType": sub_type, "bouncedRecipients": who, "feedbackId": "0100"})
    };
    match kind {
        "send" => ("Send", "send", json!({})),
        "delivery" => ("Delivery", "delivery", json!({"smtpResponse": "250 ok", "recipients": ["who@example.com"]})),
        "delay" => ("DeliveryDelay", "deliveryDelay", json!({"delayType": "MailboxFull"})),
        "softBounce" => ("Bounce", "bounce", bounce("Transient", "General", "452 4.2.2")),
        "refusal" => ("Bounce", "bounce", bounce("Transient", "General", "550 5.7.1")),
        "undetermined" => ("Bounce", "bounce", bounce("Undetermined", "Undetermined", "")),
        "bounce" => ("Bounce", "bounce", bounce("Permanent", "NoEmail", "550 5.1.1")),
        "complaint" => ("Complaint", "complaint", json!({"complaintFeedbackType": "abuse", "feedbackId": "0100"})),
        "reject" => ("Reject", "reject", json!({"reason": "Bad content"})),
        "renderingFailure" => ("Rendering Failure", "failure", json!({"errorMessage": "Attribute 'x' is not present"})),
        other => panic!("{other}"),
    }
}

/// What SES publishes of an attempt for the configuration set.
pub fn event(kind: &str, campaign: CampaignId, recipient: RecipientId, attempt: u32, message_id: &str) -> Value {
    let (kind, part, what) = part(kind);
    json!({"eventType": kind, part: what, "mail": {
        "timestamp": "2026-11-23T09:00:00.000Z", "messageId": message_id, "destination": ["who@example.com"],
        "headers": [{"name": "To", "value": "who@example.com"}],
        "tags": {"ses:configuration-set": ["feedback"], "campaign": [campaign.to_string()], "recipient": [recipient.to_string()],
            "attempt": [attempt.to_string()]},
    }})
}

/// The event of the newest attempt of a ledger row.
pub fn event_of(kind: &str, campaign: CampaignId, row: &LedgerItem) -> Value {
    let message_id = row.message_id.as_deref().unwrap_or("not-recorded");
    event(kind, campaign, row.recipient_id, row.attempt, message_id)
}

/// What SES publishes to the topic of an identity: without tags.
pub fn notification(kind: &str, to: &str, message_id: &str) -> Value {
    let (kind, part, what) = part(kind);
    json!({"notificationType": kind, part: what, "mail": {
        "timestamp": "2026-11-23T09:00:00.000Z", "messageId": message_id, "destination": [to], "source": "sender@example.com",
    }})
}

/// As a topic that doesn't deliver raw messages wraps it.
pub fn in_envelope(event: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:feedback", "Message": event.to_string()})
}

impl World {
    /// Hands these bodies to `feedback` in one batch; answers the positions of those that failed.
    pub async fn feed(&self, bodies: &[String]) -> Vec<usize> {
        let mut batch = SqsEvent::default();
        for (index, body) in bodies.iter().enumerate() {
            let mut record = SqsMessage::default();
            record.message_id = Some(index.to_string());
            record.body = Some(body.clone());
            batch.records.push(record);
        }
        let deadline = (clock::now() + SignedDuration::from_secs(60)).as_millisecond().unsigned_abs();
        let failures = self.feedback.handle(batch, deadline).await.batch_item_failures;
        failures.into_iter().map(|failure| failure.item_identifier.parse().unwrap()).collect()
    }

    /// Hands what SES reports to `feedback`, which must take it.
    pub async fn reports(&self, events: impl IntoIterator<Item = Value>) {
        for event in events {
            assert!(self.feed(&[event.to_string()]).await.is_empty(), "{event}");
        }
    }

    /// The ledger row of somebody in NORTH.
    pub async fn row(&self, campaign: CampaignId, email: &str) -> LedgerItem {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        self.store(Ledger::new).row(campaign, id).await.unwrap().unwrap()
    }

    /// Makes a row look as after another attempt that this campaign claimed.
    pub async fn set_attempt(&self, campaign: CampaignId, row: &LedgerItem, outcome: &str, attempt: u32) {
        let shard = portal_aws::campaigns::keys::shard_pk(campaign, row.recipient_id.shard());
        self.dynamo
            .update_item()
            .table_name(CAMPAIGNS)
            .set_key(Some(key(shard, portal_aws::campaigns::ledger::keys::ledger_sk(row.recipient_id))))
            .update_expression("SET outcome = :outcome, attempt = :attempt")
            .expression_attribute_values(":outcome", s(outcome))
            .expression_attribute_values(":attempt", n(attempt))
            .send()
            .await
            .unwrap();
    }
}
