//! The operator's filter in a query string has the same names, limits and faults as in a JSON body.

use portal_domain::input::FieldError;
use portal_domain::{DivisionId, Filter};
use proptest::prelude::*;
use serde_json::json;

use crate::Query;

fn from_query(query: &str) -> Result<Filter, Vec<FieldError>> {
    let uri = format!("/v1/counts?{query}").parse().expect("a URI");
    Query::of(&uri).read(Filter::read).map_err(|problem| problem.errors().to_vec())
}

#[test]
fn query_and_json_find_the_same_faults() {
    let table = [
        ("", json!({})),
        ("division=", json!({"division": null})),
        ("division=D&nonsense=1", json!({"division": "D", "nonsense": 1})),
        ("division=D&withBalanceDue=yes", json!({"division": "D", "withBalanceDue": "yes"})),
        ("division=D&withBalanceDue=1", json!({"division": "D", "withBalanceDue": 1})),
        ("division=%01&billGroup=%00", json!({"division": "\u{1}", "billGroup": "\0"})),
        ("Division=D", json!({"Division": "D"})),
    ];
    for (query, json) in table {
        let faults = from_query(query).expect_err(query);
        assert_eq!(Filter::from_json(&json, ""), Err(faults), "{query}");
    }
}

#[test]
fn json_takes_only_an_object() {
    let faults = Filter::from_json(&json!("D"), "filter").expect_err("no object");
    assert_eq!(faults[0].field, "filter");
}

fn filters() -> impl Strategy<Value = Filter> {
    let text = || prop::option::of(prop_oneof!["\\PC{1,8}", "[A-D \u{200b}\u{e4}\u{308}\t]{0,8}", any::<String>()]);
    let texts = ("[A-Z ]{0,4}[A-Z]", text(), text(), text(), text());
    (texts, any::<[bool; 4]>()).prop_map(|((division, class, group, source, site), flags)| Filter {
        account_class: class,
        bill_group: group,
        account_source: source,
        site_source: site,
        with_active_services: flags[0],
        with_balance_due: flags[1],
        billing_contacts_only: flags[2],
        without_automatic_payment: flags[3],
        ..Filter::whole(DivisionId::new(division))
    })
}

proptest! {
    #[test]
    fn query_json_and_storage_give_the_same_filter(filter in filters()) {
        let json = serde_json::to_value(&filter).expect("a filter serialises");
        let read = Filter::from_json(&json, "");
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in json.as_object().into_iter().flatten() {
            query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        prop_assert_eq!(from_query(&query.finish()), read.clone());
        if let Ok(read) = read {
            let stored = serde_json::to_value(&read).expect("a filter serialises");
            prop_assert_eq!(Filter::from_json(&stored, "filter"), Ok(read));
        }
    }
}
