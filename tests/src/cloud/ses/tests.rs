use portal_domain::feedback::parse::{Message, parse};
use portal_domain::feedback::{Report, Standing};

use super::*;
use crate::cloud::Service;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn ses(account: Account) -> Ses {
    let mut ses = Ses::new(account);
    ses.verify("Example.com");
    ses
}

fn call(operation: &str, path: &str, body: &Value) -> Call {
    let (operation, path) = (operation.to_owned(), path.to_owned());
    Call { function: None, service: Service::Ses, operation, path, body: body.to_string().into_bytes() }
}

fn request(from: &str, to: &[&str]) -> Value {
    json!({"FromEmailAddress": from, "Destination": {"ToAddresses": to}, "ConfigurationSetName": "feedback",
        "EmailTags": [{"Name": "attempt", "Value": "1"}],
        "Content": {"Simple": {"Subject": {"Data": "S"}, "Body": {"Text": {"Data": "T"}}}}})
}

/// The status, the code and the words with which an e-mail is answered.
fn send_from(ses: &mut Ses, from: &str, now: Timestamp) -> (u16, String, String) {
    let reply = ses.answer(&call("SendEmail", "/v2/email/outbound-emails", &request(from, &["to@example.org"])), now);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    (reply.status, text("__type"), text("message"))
}

fn send(ses: &mut Ses, now: Timestamp) -> (u16, String) {
    let (status, _, message) = send_from(ses, "a@example.com", now);
    (status, message)
}

fn throttled(message: &str) -> (u16, String) {
    (429, message.to_owned())
}

#[test]
fn the_rate_counts_any_second_and_the_burst_comes_on_top() {
    let mut ses = ses(Account { rate: 2.0, burst: 1.0, ..Account::default() });
    for time in [0, 500, 999] {
        assert_eq!(send(&mut ses, at(time)).0, 200);
    }
    assert_eq!(send(&mut ses, at(999)), throttled("Maximum sending rate exceeded."));
    assert_eq!(send(&mut ses, at(1_000)).0, 200);
    assert_eq!(send(&mut ses, at(1_499)), throttled("Maximum sending rate exceeded."));
    assert_eq!(send(&mut ses, at(1_500)).0, 200);
}

#[test]
fn the_quota_counts_the_last_24_hours() {
    let day = 86_400_000;
    let mut ses = ses(Account { quota: Some(2), ..Account::default() });
    for time in [0, 1_000] {
        assert_eq!(send(&mut ses, at(time)).0, 200);
    }
    assert_eq!(send(&mut ses, at(day - 1)), throttled("Daily message quota exceeded."));
    assert_eq!(send(&mut ses, at(day)).0, 200);
    assert_eq!(send(&mut ses, at(day + 999)), throttled("Daily message quota exceeded."));
    assert_eq!(ses.sent_in_a_day(at(day + 1_000)), 1);
    ses.account.quota = None;
    assert_eq!(send(&mut ses, at(day + 1_000)).0, 200);
    let account = ses.answer(&call("GetAccount", "/v2/email/account", &Value::Null), at(day + 1_000));
    assert!(account.body.contains(r#""Max24HourSend":-1.0"#), "{}", account.body);
}

#[test]
fn a_sender_stands_on_its_address_its_domain_or_a_domain_above() {
    let mut ses = ses(Account::default());
    ses.verify("one@example.org");
    for (from, code) in [
        ("a@example.com", ""),
        ("A <a@Mail.EXAMPLE.com>", ""),
        ("one@example.org", ""),
        ("two@example.org", "MessageRejected"),
        ("a@notexample.com", "MessageRejected"),
        ("nobody", "BadRequestException"),
    ] {
        assert_eq!(send_from(&mut ses, from, at(0)).1, code, "{from}");
    }
    ses.unverify("example.com");
    let (_, code, message) = send_from(&mut ses, "a@example.com", at(0));
    assert_eq!(code, "MessageRejected");
    assert!(message.starts_with("Email address is not verified. ") && message.ends_with("a@example.com"), "{message}");
    assert_eq!(ses.mails().len(), 3);
}

#[test]
fn a_paused_account_takes_nothing_and_the_sandbox_only_verified_recipients() {
    let mut ses = ses(Account { sending_enabled: false, ..Account::default() });
    assert_eq!(send_from(&mut ses, "a@example.com", at(0)).1, "SendingPausedException");
    ses.account = Account { sandbox: true, ..Account::default() };
    assert_eq!(send_from(&mut ses, "a@example.com", at(0)).1, "MessageRejected");
    ses.verify("to@example.org");
    assert_eq!(send_from(&mut ses, "a@example.com", at(0)).0, 200);
}

#[test]
fn what_is_reported_reads_as_what_became_of_the_mail() {
    let mut ses = ses(Account::default());
    send(&mut ses, at(0));
    let mail = &ses.mails()[0];
    let became = Report::Became;
    for (kind, expected, notified) in [
        (Kind::Send, Report::Sent, false),
        (Kind::Delivery, became(Standing::Delivered), true),
        (Kind::DeliveryDelay, became(Standing::Delayed), false),
        (Kind::Bounce(BounceType::Transient), became(Standing::SoftBounced), true),
        (Kind::Bounce(BounceType::Permanent), became(Standing::Bounced), true),
        (Kind::Bounce(BounceType::Undetermined), became(Standing::SoftBounced), true),
        (Kind::Complaint, became(Standing::Complained), true),
        (Kind::NotSpam, Report::Sent, true),
        (Kind::Reject, became(Standing::Rejected), false),
        (Kind::RenderingFailure, became(Standing::Rejected), false),
    ] {
        let event = report(mail, kind, at(5), Form::Event);
        let notification = report(mail, kind, at(5), Form::Notification);
        let wrapped = in_envelope("arn:aws:sns:us-east-1:000000000000:feedback", &event, "1", at(5));
        let forms = [Some(event), Some(wrapped), notified.then_some(notification)];
        for text in forms.into_iter().flatten() {
            let Ok(Message::Report(told)) = parse(&text) else { panic!("{kind:?}: {text}") };
            assert_eq!((&told.message_id, &told.destination), (&mail.message_id, &mail.to));
            assert!(told.report == expected, "{kind:?}: {text}");
        }
    }
    let tags =
        |form| serde_json::from_str::<Value>(&report(mail, Kind::Send, at(5), form)).unwrap()["mail"]["tags"].clone();
    assert_eq!(tags(Form::Event), json!({"attempt": ["1"], "ses:configuration-set": ["feedback"]}));
    assert_eq!(tags(Form::Notification), Value::Null);
}
