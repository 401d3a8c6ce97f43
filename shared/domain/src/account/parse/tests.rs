use serde_json::json;

use super::*;
use crate::email::Unusable;
use crate::input::ID_CHARS;
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
    account["accountId"] = json!("x\0");
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
    for refused in [".", "..", "a\u{7f}b", "a\0", "\u{92}a", "", " ", "\u{200b}", " .. "] {
        assert_eq!(fields_at_fault(&with("/accountId", json!(refused))), ["accountId"], "{refused}");
        assert!(account_id(refused).is_err(), "{refused}");
    }
}

#[test]
fn names_and_values_are_cleaned_and_what_was_done_is_told() {
    let pointers =
        ["/name", "/accountClass", "/billGroup", "/accountSource", "/sites/0/siteSource", "/contacts/0/name"];
    for pointer in pointers {
        for (text, expected) in
            [("Joe\u{92}s Diner", "Joe’s Diner"), ("Joe\r\nDiner\0", "Joe Diner"), ("JOS\u{c3}\u{89}", "JOSÉ")]
        {
            let parsed = Account::parse(&with(pointer, json!(text))).expect(pointer);
            let stored = json!(parsed.account).to_string();
            assert!(stored.contains(&format!("\"{expected}\"")), "{pointer} {stored}");
            let path = pointer[1..].replace("/0/", "[0].");
            assert!(parsed.warnings.iter().any(|warning| warning.field == path), "{pointer} {:?}", parsed.warnings);
        }
    }
    let nameless = Account::parse(&with("/name", json!("\u{1}\u{200b}"))).expect("a name may be missing");
    assert_eq!((nameless.account.name.as_str(), nameless.warnings[0].field.as_str()), ("", "name"));
    assert_eq!(fields_at_fault(&with("/billGroup", json!("\u{1}"))), ["billGroup"], "a value may not");
}

#[test]
fn a_length_is_judged_of_the_cleaned_text() {
    let name = format!("\u{feff}  {}\r\n", "n".repeat(NAME_CHARS));
    assert_eq!(Account::parse(&with("/name", json!(name))).expect("it fits").account.name.len(), NAME_CHARS);
    let id = format!(" {}\u{200b}", "i".repeat(ID_CHARS));
    assert!(Account::parse(&with("/accountId", json!(id))).is_ok());
}

#[test]
fn ids_that_differ_in_what_is_not_seen_are_one() {
    for id in ["Zu\u{308}rich 1", " Zürich  1", "Zürich\t1\n", "\u{feff}Zürich\u{a0}1"] {
        assert_eq!(account_id(id).map(|id| id.to_string()).as_deref(), Ok("Zürich 1"), "{id:?}");
        let mut account = with("/accountId", json!(id));
        account["division"] = json!(id);
        account["sites"][1]["siteId"] = json!(id);
        account["contacts"][1]["siteId"] = json!(format!("{id} "));
        account["contacts"][1]["contactId"] = json!(id);
        let account = Account::parse(&account).expect("it is valid").account;
        assert_eq!((account.account_id.as_str(), account.division.as_str()), ("Zürich 1", "Zürich 1"));
        assert_eq!(account.contacts[2].site_id.as_deref(), Some("Zürich 1"));
    }
    let mut twice = with("/contacts/1/contactId", json!("C2 "));
    assert_eq!(fields_at_fault(&twice), ["contacts[1].contactId"]);
    twice = with("/sites/1/siteId", json!("\u{200b}S2"));
    twice["contacts"][1]["siteId"] = json!(null);
    assert_eq!(fields_at_fault(&twice), ["sites[1].siteId"]);
}

#[test]
fn an_id_that_an_earlier_release_stored_as_it_came_is_found() {
    for (text, stored) in
        [("A  1", Some("A  1")), ("Zu\u{308}rich", Some("Zu\u{308}rich")), ("A 1", None), (" A1", None), ("", None)]
    {
        assert_eq!(uncleaned_id(text).as_ref().map(AccountId::as_str), stored, "{text:?}");
    }
}

#[test]
fn an_empty_cell_is_the_same_as_none() {
    let mut without = valid();
    let mut empty = valid();
    for cell in ["siteId", "portal", "billing", "name", "email"] {
        without["contacts"][1].as_object_mut().expect("an object").remove(cell);
    }
    without.as_object_mut().expect("an object").remove("name");
    let expected = Account::parse(&without).expect("it is valid");
    for nothing in [json!(""), json!(" \t"), json!(null)] {
        for cell in ["siteId", "portal", "billing", "name", "email"] {
            empty["contacts"][1][cell] = nothing.clone();
        }
        empty["name"] = nothing.clone();
        assert_eq!(Account::parse(&empty).as_ref(), Ok(&expected), "{nothing}");
    }
}

#[test]
fn a_cleaned_or_unusable_address_is_a_warning_that_says_what_and_where() {
    let warning = |email: &str| {
        let parsed = Account::parse(&with("/contacts/0/email", json!(email))).expect("an address is never a fault");
        let contact =
            parsed.account.contacts.into_iter().find(|contact| contact.contact_id == "C2").expect("it is there");
        let is_usable = matches!(contact.address, ContactAddress::Usable(_));
        let warnings = parsed.warnings.into_iter().filter(|warning| warning.field == "contacts[0].email");
        (is_usable, warnings.map(|warning| warning.message).collect::<Vec<_>>().join("; "))
    };
    let (usable, told) = warning("\u{200b}ann@example.com");
    assert!(usable && told == "was cleaned: hidden character U+200B at the beginning was left out", "{told}");
    let (usable, told) = warning("an\u{200b}n@example.com");
    assert!(!usable && told.contains("hidden character U+200B at character 3; the contact is unreachable"), "{told}");
    assert_eq!(warning(" ann@example.com "), (true, String::new()));
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
