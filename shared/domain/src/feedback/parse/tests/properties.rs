//! Whatever comes, reading it neither panics nor keeps an address.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Message, parse};
use super::{bounce, event};

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["Bounce", "Complaint", "Send", "Permanent", "Notification", "test"])
            .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "eventType",
        "notificationType",
        "Type",
        "Message",
        "mail",
        "tags",
        "messageId",
        "destination",
        "bounce",
        "bounceType",
        "bounceSubType",
        "complaint",
        "complaintFeedbackType",
        "deliveryDelay",
        "campaign",
        "recipient",
        "attempt",
        "purpose",
    ]);
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_json_makes_it_panic_in_an_envelope_or_without(json in any_json()) {
        let _ = parse(&json.to_string());
        let _ = parse(&json!({"Type": "Notification", "Message": json.to_string()}).to_string());
    }

    #[test]
    fn what_is_kept_of_a_broken_event_holds_no_address(at in 0_usize..1_400, with in "\\PC{0,4}") {
        let mut text = event("Bounce", "bounce", bounce("Permanent", "General")).to_string();
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &with);
        match parse(&text) {
            Ok(Message::Report(told)) => prop_assert!(!told.detail.unwrap_or_default().contains('@')),
            Ok(Message::Ignored(kind)) => prop_assert!(!kind.contains('@')),
            Err(error) => prop_assert!(!error.to_string().contains("example.com")),
        }
    }
}
