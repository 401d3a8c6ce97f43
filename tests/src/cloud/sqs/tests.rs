use serde_json::json;

use super::*;
use crate::cloud::Service;

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn at(seconds: i64) -> Timestamp {
    START + SignedDuration::from_secs(seconds)
}

/// A queue `q` with a time-out of 60 seconds, kept for an hour, and `dead` for what was received twice.
fn sqs() -> Sqs {
    let mut sqs = Sqs::new();
    let redrive = Some(Redrive { queue: "dead".to_owned(), max_receives: 2 });
    let (visibility, retention) = (SignedDuration::from_secs(60), SignedDuration::from_hours(1));
    sqs.create("q", QueueSettings { visibility, retention, redrive });
    sqs.create("dead", QueueSettings::default());
    sqs
}

fn bodies(received: &[Received]) -> Vec<&str> {
    received.iter().map(|message| message.body.as_str()).collect()
}

fn send(sqs: &mut Sqs, body: &str, delay: i64, now: Timestamp) -> String {
    sqs.send("q", body, SignedDuration::from_secs(delay), now)
}

#[test]
fn a_received_message_is_hidden_until_its_timeout_and_any_handle_deletes_it() {
    let mut sqs = sqs();
    send(&mut sqs, "a", 0, START);
    let first = sqs.receive("q", 10, START);
    assert_eq!((bodies(&first), first[0].receives), (vec!["a"], 1));
    assert!(sqs.receive("q", 10, at(59)).is_empty());
    let second = sqs.receive("q", 10, at(60));
    assert_eq!((&second[0].id, second[0].receives), (&first[0].id, 2));
    assert_ne!(second[0].receipt, first[0].receipt);
    assert!(sqs.delete("q", &first[0].receipt));
    assert!(!sqs.delete("q", &second[0].receipt) && sqs.is_empty("q"));
}

#[test]
fn a_delayed_message_is_counted_and_comes_after_those_visible_longer() {
    let mut sqs = sqs();
    send(&mut sqs, "late", 900, START);
    send(&mut sqs, "soon", 5, START);
    send(&mut sqs, "now", 0, at(5));
    assert_eq!((sqs.len("q"), sqs.next_visible("q")), (3, Some(at(5))));
    assert_eq!(bodies(&sqs.receive("q", 10, at(5))), ["soon", "now"]);
    assert_eq!(sqs.messages("q").collect::<Vec<_>>(), ["late", "soon", "now"]);
    assert_eq!(sqs.queue("q").counts(at(6)), [0, 2, 1]);
    assert_eq!(bodies(&sqs.receive("q", 1, at(900))), ["soon"]);
}

#[test]
fn a_message_received_too_often_moves_to_the_dead_letters_on_the_next_receive() {
    let mut sqs = sqs();
    let id = send(&mut sqs, "a", 0, START);
    for time in [0, 60] {
        assert_eq!(sqs.receive("q", 10, at(time)).len(), 1);
    }
    assert_eq!((sqs.len("q"), sqs.len("dead")), (1, 0));
    assert!(sqs.receive("q", 10, at(120)).is_empty());
    assert_eq!((sqs.len("q"), sqs.len("dead")), (0, 1));
    let dead = &sqs.receive("dead", 10, at(120))[0];
    assert_eq!((&dead.id, dead.sent_at, dead.receives), (&id, START, 3));
}

#[test]
fn a_message_is_gone_when_it_is_older_than_the_retention() {
    let mut sqs = sqs();
    send(&mut sqs, "a", 0, START);
    assert_eq!(sqs.receive("q", 1, at(3_500)).len(), 1);
    assert!(sqs.receive("q", 1, at(3_600)).is_empty() && sqs.is_empty("q"));
}

#[test]
fn a_message_delivered_twice_at_once_is_held_by_its_newest_receiver() {
    let mut sqs = sqs();
    let id = send(&mut sqs, "a", 0, START);
    let first = sqs.receive("q", 1, START);
    assert!(sqs.make_visible("q", &id, at(1)));
    let second = sqs.receive("q", 1, at(1));
    assert!(!sqs.hold("q", &first[0].receipt, at(2)) && sqs.hold("q", &second[0].receipt, at(500)));
    assert_eq!(sqs.next_visible("q"), Some(at(500)));
    sqs.delete("q", &second[0].receipt);
    assert!(!sqs.make_visible("q", &id, at(2)));
}

fn call(sqs: &mut Sqs, operation: &str, mut body: serde_json::Value) -> (u16, serde_json::Value) {
    body["QueueUrl"] = json!(Sqs::url("q"));
    let (service, operation) = (Service::Sqs, operation.to_owned());
    let reply = sqs.answer(
        &Call { function: None, service, operation, path: "/".to_owned(), body: body.to_string().into_bytes() },
        START,
    );
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

#[test]
fn a_message_has_its_limits() {
    let mut sqs = sqs();
    let large = "x".repeat(1_048_576);
    let with = |body: &str, delay: i64| json!({"MessageBody": body, "DelaySeconds": delay});
    let table = [
        (with("a", 900), None),
        (with(&large, 0), None),
        (with("\u{9}\u{a}\u{d}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}", 0), None),
        (with("a", 901), Some("InvalidParameterValue")),
        (with("a", -1), Some("InvalidParameterValue")),
        (with(&format!("{large}x"), 0), Some("InvalidParameterValue")),
        (with("\u{b}", 0), Some("InvalidMessageContents")),
        (with("\u{fffe}", 0), Some("InvalidMessageContents")),
        (with("", 0), Some("MissingParameter")),
    ];
    for (body, refused) in table {
        let (status, answer) = call(&mut sqs, "SendMessage", body);
        assert_eq!(status, if refused.is_some() { 400 } else { 200 });
        assert_eq!(answer["__type"].as_str(), refused.map(|code| format!("com.amazonaws.sqs#{code}")).as_deref());
    }
}

#[test]
fn a_batch_is_refused_as_a_whole_but_a_message_in_it_alone() {
    let mut sqs = sqs();
    let entry = |id: &str, body: &str| json!({"Id": id, "MessageBody": body});
    let half = "x".repeat(524_289);
    let eleven: Vec<_> = (0..11).map(|id| entry(&id.to_string(), "a")).collect();
    let table = [
        (json!([]), "EmptyBatchRequest"),
        (json!(eleven), "TooManyEntriesInBatchRequest"),
        (json!([entry("1", "a"), entry("1", "b")]), "BatchEntryIdsNotDistinct"),
        (json!([entry("a b", "a")]), "InvalidBatchEntryId"),
        (json!([entry("1", &half), entry("2", &half)]), "BatchRequestTooLong"),
    ];
    for (entries, code) in table {
        let (_, answer) = call(&mut sqs, "SendMessageBatch", json!({"Entries": entries}));
        assert_eq!(answer["__type"], format!("com.amazonaws.sqs#{code}"));
    }
    let (_, answer) = call(&mut sqs, "SendMessageBatch", json!({"Entries": [entry("1", "\u{1}"), entry("2", "b")]}));
    assert_eq!((&answer["Failed"][0]["Id"], &answer["Successful"][0]["Id"]), (&json!("1"), &json!("2")));
    assert_eq!(sqs.messages("q").collect::<Vec<_>>(), ["b"]);
}
