use serde_json::json;

use super::*;
use crate::email::Unusable;
use crate::link::LinkProfile;

fn valid() -> Value {
    json!({
        "accountId": "7590-VHVEG", "name": "Miller & Söhne", "division": "DAYTON",
        "accountClass": "RES", "billGroup": "G1", "accountSource": "WEB",
        "automaticPayment": false, "balanceDue": "10.25",
        "sites": [
            { "siteId": "S2", "siteSource": "BASIC", "activeServices": 2 },
            { "siteId": "S1", "siteSource": "FIBER", "activeServices": 0 },
        ],
        "contacts": [
            { "contactId": "C2", "name": "Zoë", "email": " ZOE@example.com", "billing": true, "portal": "accepted" },
            { "contactId": "C1", "siteId": "S1", "email": "zoe@example.com" },
            { "contactId": "C3", "email": "zoë@example.com", "siteId": null },
        ],
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut account = valid();
    *account.pointer_mut(pointer).expect("the pointer is right") = value;
    account
}

fn faults(account: &Value) -> Vec<(String, String)> {
    let faults = Account::parse(account).expect_err("the account has faults");
    faults.into_iter().map(|fault| (fault.field, fault.message)).collect()
}

fn fields_at_fault(account: &Value) -> Vec<String> {
    faults(account).into_iter().map(|(field, _)| field).collect()
}

#[test]
fn a_valid_account_is_read_whole_in_the_order_of_its_ids() {
    let parsed = Account::parse(&valid()).expect("it is valid");
    let account = parsed.account;
    assert_eq!(account.balance_due.to_string(), "10.25");
    assert_eq!(account.sites.iter().map(|site| site.site_id.as_str()).collect::<Vec<_>>(), ["S1", "S2"]);
    assert_eq!(account.contacts.iter().map(|contact| contact.portal).collect::<Vec<_>>(), {
        use PortalStatus::{Accepted, NotSent};
        [NotSent, Accepted, NotSent]
    });
    assert_eq!(account.contacts[2].address, ContactAddress::Unusable(Unusable::NonAsciiLocalPart));
    assert_eq!(parsed.warnings.len(), 1);
    assert_eq!(parsed.warnings[0].field, "contacts[2].email", "the place in the input, not in the order of ids");
}

#[test]
fn an_account_survives_being_stored() -> Result<(), serde_json::Error> {
    let account = Account::parse(&valid()).expect("it is valid").account;
    assert_eq!(serde_json::from_value::<Account>(serde_json::to_value(&account)?)?, account);
    Ok(())
}

#[test]
fn contacts_with_one_address_are_one_link_and_the_furthest_status_wins() {
    let account = Account::parse(&valid()).expect("it is valid").account;
    let links = account.links();
    let on_account = links.values().next().expect("one address is usable");
    assert_eq!(links.len(), 1);
    assert_eq!(on_account.status, PortalStatus::Accepted);
    let [on_site, on_all] = on_account.link.contacts.as_slice() else { panic!("two contacts have the address") };
    assert_eq!(on_site.contact_id, "C1");
    assert_eq!(on_site.profile.site_sources.iter().collect::<Vec<_>>(), ["FIBER"]);
    assert_eq!(on_all.profile.site_sources.iter().collect::<Vec<_>>(), ["BASIC", "FIBER"]);
    // The account has services, though the site of the first contact has none.
    assert!(on_site.profile.active_services && on_site.profile.balance_due && !on_site.profile.billing_contact);
    assert!(on_all.profile.billing_contact);
}

#[test]
fn only_a_balance_above_zero_is_due() {
    let due = |text: &str| -> bool {
        let account = Account::parse(&with("/balanceDue", json!(text))).expect("it is valid").account;
        account.profiles().keys().any(|LinkProfile { balance_due, .. }| *balance_due)
    };
    assert!(due("0.01"));
    for none in ["0", "0.00", "-0.00", "-5"] {
        assert!(!due(none), "{none}");
    }
}

#[test]
fn an_empty_object_lacks_every_required_field() {
    let required = [
        "accountId",
        "division",
        "accountClass",
        "billGroup",
        "accountSource",
        "automaticPayment",
        "balanceDue",
        "sites",
        "contacts",
    ];
    assert_eq!(fields_at_fault(&json!({})), required);
    assert_eq!(faults(&json!([])), [("body".to_owned(), "must be a JSON object".to_owned())]);
}

#[test]
fn all_faults_are_found_at_once_and_say_where() {
    let mut account = valid();
    account["accountId"] = json!(" x");
    account["automaticPayment"] = json!("yes");
    account["colour"] = json!("red");
    account["sites"][1]["activeServices"] = json!(-1);
    account["sites"][0]["siteId"] = json!("S1");
    account["contacts"][1]["siteId"] = json!("S9");
    account["contacts"][2]["contactId"] = json!("C2");
    account["contacts"][0]["portal"] = json!("invited");
    account["contacts"][0]["e-mail"] = json!("x");
    let mut found = fields_at_fault(&account);
    found.sort_unstable();
    let expected = [
        "accountId",
        "automaticPayment",
        "colour",
        "contacts[0].e-mail",
        "contacts[0].portal",
        "contacts[1].siteId",
        "contacts[2].contactId",
        "sites[1].activeServices",
        "sites[1].siteId",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_amount_is_an_exact_decimal_in_a_string() {
    for taken in ["0", "-3.5", "999999999999.9999", "10.25"] {
        assert!(Account::parse(&with("/balanceDue", json!(taken))).is_ok(), "{taken}");
    }
    for refused in ["", "-", ".5", "5.", "1e3", "1_000", "+1", " 1", "1,5", "NaN", "1000000000000", "0.00001", "--1"] {
        assert_eq!(fields_at_fault(&with("/balanceDue", json!(refused))), ["balanceDue"], "{refused}");
    }
    let (_, message) = &faults(&with("/balanceDue", json!(10.25)))[0];
    assert!(message.contains("string"), "{message}");
}

#[test]
fn limits_hold_at_their_edges() {
    for (pointer, longest) in [("/accountId", ID_CHARS), ("/name", NAME_CHARS), ("/billGroup", ATTRIBUTE_CHARS)] {
        assert!(Account::parse(&with(pointer, json!("ä".repeat(longest)))).is_ok(), "{pointer}");
        assert!(Account::parse(&with(pointer, json!("ä".repeat(longest + 1)))).is_err(), "{pointer}");
    }
    let services = "/sites/0/activeServices";
    assert!(Account::parse(&with(services, json!(ACTIVE_SERVICES))).is_ok());
    assert!(Account::parse(&with(services, json!(ACTIVE_SERVICES + 1))).is_err());
    assert!(Account::parse(&with(services, json!(1.5))).is_err());
    let contacts = |n: usize| json!((0..n).map(|i| json!({ "contactId": i.to_string() })).collect::<Vec<_>>());
    assert!(Account::parse(&with("/contacts", contacts(CONTACTS))).is_ok());
    assert!(Account::parse(&with("/contacts", contacts(CONTACTS + 1))).is_err());
}

#[test]
fn an_id_can_stand_in_a_path() {
    for taken in ["a/b", "a\\b", "FZ1#x", "FZ?X", "...", "100%", "Ä 1"] {
        assert!(Account::parse(&with("/accountId", json!(taken))).is_ok(), "{taken}");
        assert_eq!(account_id(taken).map(|id| id.to_string()).as_deref(), Ok(taken));
    }
    for refused in [".", "..", " a", "a ", "a\u{85}b", "", " "] {
        assert_eq!(fields_at_fault(&with("/accountId", json!(refused))), ["accountId"], "{refused}");
        assert!(account_id(refused).is_err(), "{refused}");
    }
}

#[test]
fn no_text_holds_a_line_break_or_a_nul() {
    for pointer in ["/accountId", "/name", "/division", "/accountClass", "/sites/0/siteSource", "/contacts/0/name"] {
        for text in ["a\r\nb", "a\nb", "a\0b"] {
            assert!(Account::parse(&with(pointer, json!(text))).is_err(), "{pointer} {text:?}");
        }
    }
}

#[test]
fn an_account_that_no_item_can_hold_is_refused() {
    let wide = |i: usize| json!({ "siteId": i.to_string(), "siteSource": format!("{i:0>100}"), "activeServices": 1 });
    let sites: Vec<_> = (0..1_000).map(wide).collect();
    let mut account = with("/sites", json!(sites));
    let person = |i: usize| json!({ "contactId": i.to_string(), "email": "one@example.com" });
    account["contacts"] = json!((0..2).map(person).collect::<Vec<_>>());
    assert!(Account::parse(&account).is_ok());
    // One link of three contacts, each with all sources of all sites, is too long.
    account["contacts"] = json!((0..3).map(person).collect::<Vec<_>>());
    assert_eq!(fields_at_fault(&account), ["contacts"]);
    // So are the profiles of a thousand contacts, each on a site of its own.
    let person = |i: usize| json!({ "contactId": i.to_string(), "siteId": i.to_string(), "name": "n".repeat(200) });
    account["contacts"] = json!((0..1_000).map(person).collect::<Vec<_>>());
    assert_eq!(fields_at_fault(&account), ["contacts"]);
}
