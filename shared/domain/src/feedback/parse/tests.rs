mod properties;

use serde_json::{Value, json};

use super::*;

/// What SES says of the e-mail itself in an event of a configuration set: its documentation's example, with our tags.
fn mail() -> Value {
    json!({
        "timestamp": "2017-08-05T00:40:02.012Z",
        "source": "Sender Name <sender@example.com>",
        "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/sender@example.com",
        "sendingAccountId": "123456789012",
        "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        "destination": ["recipient@example.com"],
        "headersTruncated": false,
        "headers": [{"name": "To", "value": "recipient@example.com"}],
        "commonHeaders": {"to": ["recipient@example.com"], "subject": "Message sent from Amazon SES"},
        "tags": {
            "ses:configuration-set": ["ConfigSet"], "ses:source-ip": ["192.0.2.0"], "ses:from-domain": ["example.com"],
            "campaign": ["01KAP5ZT00EXAMPKE00000000Z"], "recipient": ["8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11"], "attempt": ["2"]
        }
    })
}

fn event(kind: &str, part: &str, what: Value) -> Value {
    json!({"eventType": kind, part: what, "mail": mail()})
}

fn bounce(bounce_type: &str, sub_type: &str) -> Value {
    let recipient = json!({"emailAddress": "recipient@example.com", "action": "failed", "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 <recipient@example.com> user unknown"});
    json!({"bounceType": bounce_type, "bounceSubType": sub_type, "bouncedRecipients": [recipient],
        "timestamp": "2017-08-05T00:41:02.669Z", "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "reportingMTA": "dsn; mta.example.com"})
}

fn complaint(sub_type: Value, feedback: Value) -> Value {
    json!({"complainedRecipients": [{"emailAddress": "recipient@example.com"}], "timestamp": "2017-08-05T00:41:02.669Z",
        "feedbackId": "01000157c44f053b", "userAgent": "Amazon SES Mailbox Simulator",
        "complaintSubType": sub_type, "complaintFeedbackType": feedback})
}

fn told(body: &str) -> SesReport {
    match parse(body) {
        Ok(Message::Report(told)) => told,
        Ok(Message::Ignored(kind)) => panic!("ignored as {kind}"),
        Err(error) => panic!("{error}: {body}"),
    }
}

fn ignored(body: &str) -> Option<String> {
    match parse(body) {
        Ok(Message::Ignored(kind)) => Some(kind),
        _ => None,
    }
}

#[test]
fn every_kind_of_event_has_its_report_and_detail() {
    let became = |standing| Report::Became(standing);
    let delay = json!({"timestamp": "2020-06-16T00:25:40.095Z", "delayType": "TransientCommunicationFailure",
        "expirationTime": "2020-06-16T00:25:40.914Z", "delayedRecipients": [{"emailAddress": "recipient@example.com"}]});
    let table = [
        (event("Send", "send", json!({})), Report::Sent, None),
        (
            event("Delivery", "delivery", json!({"smtpResponse": "250 2.6.0 Message received"})),
            became(Standing::Delivered),
            None,
        ),
        (
            event("DeliveryDelay", "deliveryDelay", delay),
            became(Standing::Delayed),
            Some("TransientCommunicationFailure"),
        ),
        (
            event("Bounce", "bounce", bounce("Permanent", "General")),
            became(Standing::Bounced),
            Some("Permanent/General"),
        ),
        (
            event("Bounce", "bounce", bounce("Permanent", "OnAccountSuppressionList")),
            became(Standing::Bounced),
            Some("Permanent/OnAccountSuppressionList"),
        ),
        (
            event("Bounce", "bounce", bounce("Undetermined", "Undetermined")),
            became(Standing::SoftBounced),
            Some("Undetermined/Undetermined/5.1.1"),
        ),
        (
            event("Bounce", "bounce", bounce("Transient", "MailboxFull")),
            became(Standing::SoftBounced),
            Some("Transient/MailboxFull/5.1.1"),
        ),
        (
            event("Complaint", "complaint", complaint(Value::Null, json!("abuse"))),
            became(Standing::Complained),
            Some("abuse"),
        ),
        (event("Complaint", "complaint", complaint(Value::Null, Value::Null)), became(Standing::Complained), None),
        (
            event("Complaint", "complaint", complaint(json!("OnAccountSuppressionList"), Value::Null)),
            became(Standing::Complained),
            Some("OnAccountSuppressionList"),
        ),
        (event("Reject", "reject", json!({"reason": "Bad content"})), became(Standing::Rejected), None),
        (
            event(
                "Rendering Failure",
                "failure",
                json!({"errorMessage": "Attribute 'x' is not present", "templateName": "T"}),
            ),
            became(Standing::Rejected),
            None,
        ),
    ];
    for (event, report, detail) in table {
        let read = told(&event.to_string());
        assert_eq!((read.report, read.detail.as_deref()), (report, detail), "{event}");
        let tags = read.sent_for.expect("its tags are those of a campaign");
        assert_eq!(tags.campaign.to_string(), "01KAP5ZT00EXAMPKE00000000Z");
        assert_eq!((tags.recipient.to_string().as_str(), tags.attempt), ("8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11", 2));
        assert_eq!(read.message_id, "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000");
        assert_eq!(read.destination, ["recipient@example.com"]);
    }
}

/// The mail server's status counts, where it is one: its own, or the one in what it said.
#[test]
fn of_a_transient_bounce_a_status_of_class_five_is_kept_and_no_other_text() {
    let table = [
        (json!({"status": "5.7.1"}), "Transient/General/5.7.1"),
        (json!({"status": "4.4.7", "diagnosticCode": "smtp; 550 5.4.4 gave up"}), "Transient/General"),
        (json!({"diagnosticCode": "smtp; 550-5.7.1 <who@example.com> refused"}), "Transient/General/5.7.1"),
        (json!({"diagnosticCode": "smtp; 550 refused from 5.1.2.3 at 10.0.0.1"}), "Transient/General"),
        (json!({"status": "5.1.1 who@example.com"}), "Transient/General"),
        (json!({"status": null, "diagnosticCode": null}), "Transient/General"),
        (json!({}), "Transient/General"),
    ];
    for (recipient, detail) in table {
        let mut bounce = bounce("Transient", "General");
        bounce["bouncedRecipients"] = json!([recipient]);
        let read = told(&event("Bounce", "bounce", bounce).to_string());
        let soft = Report::Became(Standing::SoftBounced);
        assert_eq!((read.report, read.detail.as_deref()), (soft, Some(detail)), "{recipient}");
    }
}

#[test]
fn a_report_that_takes_an_email_out_of_the_spam_is_no_complaint() {
    let event = event("Complaint", "complaint", complaint(Value::Null, json!("not-spam")));
    assert_eq!(told(&event.to_string()).report, Report::Sent);
}

#[test]
fn the_notification_of_an_identity_says_the_same_and_has_no_tags() {
    let mut mail = mail();
    mail.as_object_mut().expect("an object").remove("tags");
    let table = [
        (
            json!({"notificationType": "Bounce", "bounce": bounce("Permanent", "NoEmail"), "mail": mail}),
            Standing::Bounced,
        ),
        (json!({"notificationType": "Delivery", "delivery": {}, "mail": mail}), Standing::Delivered),
        (
            json!({"notificationType": "Complaint", "complaint": complaint(Value::Null, Value::Null), "mail": mail}),
            Standing::Complained,
        ),
    ];
    for (notification, standing) in table {
        let read = told(&notification.to_string());
        assert_eq!((read.report, read.sent_for), (Report::Became(standing), None));
    }
}

#[test]
fn an_event_reads_alike_in_the_envelope_of_a_topic_and_without() {
    let event = event("Bounce", "bounce", bounce("Permanent", "General")).to_string();
    let envelope = json!({"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic", "Subject": "Amazon SES Email Event Notification",
        "Message": event, "Timestamp": "2012-05-02T00:54:06.655Z", "SignatureVersion": "1", "Signature": "EXAMPLEw6JRN"});
    assert!(told(&envelope.to_string()) == told(&event));
}

#[test]
fn tags_that_are_not_those_of_a_campaigns_email_are_none() {
    for (name, value) in [
        ("campaign", json!(["spring"])),
        ("campaign", json!([])),
        ("recipient", json!(["ann"])),
        ("attempt", json!(["0"])),
        ("attempt", json!(["-1"])),
    ] {
        let mut event = event("Send", "send", json!({}));
        event["mail"]["tags"][name] = value;
        assert_eq!(told(&event.to_string()).sent_for, None, "{name}");
    }
}

#[test]
fn what_changes_nothing_is_ignored() {
    let greeting = "Successfully validated SNS topic for Amazon SES event publishing.";
    let mut test_mail = event("Bounce", "bounce", bounce("Permanent", "General"));
    test_mail["mail"]["tags"] = json!({"purpose": ["test"]});
    let table = [
        (event("Open", "open", json!({"ipAddress": "192.0.2.1"})).to_string(), "Open"),
        (event("Click", "click", json!({"link": "https://example.com"})).to_string(), "Click"),
        (event("Subscription", "subscription", json!({})).to_string(), "Subscription"),
        (json!({"eventType": "Something new, for ann@example.com"}).to_string(), "unknown"),
        (
            json!({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "…"}).to_string(),
            "AmazonSnsSubscriptionSucceeded",
        ),
        (
            json!({"Type": "SubscriptionConfirmation", "Message": "…", "Token": "…"}).to_string(),
            "SubscriptionConfirmation",
        ),
        (greeting.to_owned(), "Greeting"),
        (json!({"Type": "Notification", "Message": greeting}).to_string(), "Notification"),
        (test_mail.to_string(), "TestMail"),
    ];
    for (body, kind) in table {
        assert_eq!(ignored(&body).as_deref(), Some(kind), "{body}");
    }
}

#[test]
fn what_cant_be_read_is_an_error_that_quotes_nothing() {
    let lacking = |part: &str| {
        let mut event = event("Bounce", "bounce", bounce("Permanent", "General"));
        event.as_object_mut().expect("an object").remove(part);
        event.to_string()
    };
    let table = [
        (String::new(), "it is not of SES's form, at line 1, column 0"),
        ("ann@example.com".to_owned(), "it is not of SES's form, at line 1, column 1"),
        ("[]".to_owned(), "it is not of SES's form, at line 1, column 2"),
        ("{}".to_owned(), "it names no kind of event"),
        (
            json!({"Type": "Notification", "Message": "ann@example.com"}).to_string(),
            "it is not of SES's form, at line 1, column 1",
        ),
        (lacking("mail"), "an event lacks its part \"mail\""),
        (lacking("bounce"), "an event lacks its part \"bounce\""),
        (json!({"eventType": "Complaint", "mail": mail()}).to_string(), "an event lacks its part \"complaint\""),
        (
            json!({"eventType": "DeliveryDelay", "mail": mail()}).to_string(),
            "an event lacks its part \"deliveryDelay\"",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(parse(&body).err().map(|error| error.to_string()).as_deref(), Some(expected), "{body}");
    }
}

#[test]
fn a_detail_is_a_code_of_ses_or_nothing() {
    for (text, detail) in [
        ("auth-failure", Some("auth-failure")),
        ("ann@example.com", None),
        ("two words", None),
        ("", None),
        (&"a".repeat(64), Some("a".repeat(64).as_str())),
        (&"a".repeat(65), None),
    ] {
        let event = event("Complaint", "complaint", complaint(Value::Null, json!(text)));
        assert_eq!(told(&event.to_string()).detail.as_deref(), detail);
    }
}
