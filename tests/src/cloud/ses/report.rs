//! What SES publishes of an e-mail: events of a configuration set, and notifications of an identity
//! (docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html, …/notification-contents.html).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Mail;

/// What became of an e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SES took it.
    Send,
    /// The recipient's mail server took it.
    Delivery,
    /// It is not delivered yet.
    DeliveryDelay,
    /// It came back.
    Bounce(BounceType),
    /// The recipient complains of it.
    Complaint,
    /// The recipient took it out of the spam, which mail servers report like a complaint.
    NotSpam,
    /// SES found a virus in it and didn't send it.
    Reject,
    /// Its template could not be filled in.
    RenderingFailure,
}

/// How an e-mail bounced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BounceType {
    Transient,
    Permanent,
    Undetermined,
}

/// Whose report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An event of a configuration set, with the e-mail's tags.
    Event,
    /// A notification of an identity, without tags. SES has them of bounces, complaints and deliveries only.
    Notification,
}

/// The JSON that SES publishes of an e-mail.
pub fn report(mail: &Mail, kind: Kind, at: Timestamp, form: Form) -> String {
    let (name, field, part) = part(mail, kind, at);
    let (named, mail) = match form {
        Form::Event => ("eventType", described(mail, true)),
        Form::Notification => ("notificationType", described(mail, false)),
    };
    json!({named: name, field: part, "mail": mail}).to_string()
}

/// A message as a topic of SNS delivers it that doesn't deliver raw messages.
pub fn in_envelope(topic: &str, message: &str, message_id: &str, at: Timestamp) -> String {
    json!({"Type": "Notification", "MessageId": message_id, "TopicArn": topic, "Message": message,
        "Timestamp": time(at), "SignatureVersion": "1", "Signature": "", "SigningCertURL": "", "UnsubscribeURL": ""})
    .to_string()
}

fn described(mail: &Mail, tagged: bool) -> Value {
    let mut described = json!({"timestamp": time(mail.at), "source": mail.from, "messageId": mail.message_id,
        "destination": mail.to, "sendingAccountId": "000000000000"});
    if tagged {
        let mut tags: BTreeMap<&str, [&str; 1]> =
            mail.tags.iter().map(|(name, value)| (name.as_str(), [value.as_str()])).collect();
        if let Some(set) = &mail.configuration_set {
            tags.insert("ses:configuration-set", [set]);
        }
        described["tags"] = json!(tags);
        described["headersTruncated"] = json!(false);
        described["headers"] =
            json!([{"name": "To", "value": mail.to.join(", ")}, {"name": "Subject", "value": mail.subject}]);
    }
    described
}

/// The name of a kind, and the part that says what happened.
fn part(mail: &Mail, kind: Kind, at: Timestamp) -> (&'static str, &'static str, Value) {
    let recipients: Vec<Value> = mail.to.iter().map(|to| json!({"emailAddress": to})).collect();
    let feedback_id = &mail.message_id;
    let at = time(at);
    match kind {
        Kind::Send => ("Send", "send", json!({})),
        Kind::Delivery => {
            let part = json!({"timestamp": at, "processingTimeMillis": 500, "recipients": mail.to,
                "smtpResponse": "250 2.6.0 Message received", "reportingMTA": "mta.example.com"});
            ("Delivery", "delivery", part)
        }
        Kind::DeliveryDelay => {
            let part = json!({"timestamp": at, "delayType": "MailboxFull", "delayedRecipients": recipients});
            ("DeliveryDelay", "deliveryDelay", part)
        }
        Kind::Bounce(bounce) => {
            let (kind, sub_type) = match bounce {
                BounceType::Transient => ("Transient", "General"),
                BounceType::Permanent => ("Permanent", "NoEmail"),
                BounceType::Undetermined => ("Undetermined", "Undetermined"),
            };
            let part = json!({"timestamp": at, "bounceType": kind, "bounceSubType": sub_type,
                "bouncedRecipients": recipients, "feedbackId": feedback_id});
            ("Bounce", "bounce", part)
        }
        Kind::Complaint | Kind::NotSpam => {
            let feedback = if kind == Kind::NotSpam { "not-spam" } else { "abuse" };
            let part = json!({"timestamp": at, "complaintFeedbackType": feedback, "complaintSubType": null,
                "complainedRecipients": recipients, "feedbackId": feedback_id});
            ("Complaint", "complaint", part)
        }
        Kind::Reject => ("Reject", "reject", json!({"reason": "Bad content"})),
        Kind::RenderingFailure => {
            let part = json!({"errorMessage": "Attribute 'name' is not present", "templateName": "invitation"});
            ("Rendering Failure", "failure", part)
        }
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
