//! Load: the lists behind the counts, narrowed in every way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::http::Call;
use tests::{Account, Contact, World};

/// 60 accounts with up to four contacts each: shared and own addresses, on sites and not, some without a usable
/// address; a fourth of those with an address of their own invited today, and of some of them mail bounced.
async fn crowd() -> World {
    let world = World::new().await;
    let statuses = ["accepted", "pending", "notSent"];
    let accounts = (0..60).map(|i| {
        let services = i % 3;
        let sites = json!([
            {"siteId": "S1", "siteSource": "CITY", "activeServices": services},
            {"siteId": "S2", "siteSource": "LAND", "activeServices": if services == 0 { 0 } else { i % 2 }},
        ]);
        let account = Account::new("NORTH", &format!("A{i:02}")).with("billGroup", ["ODD", "EVEN"][i % 2]);
        let shared = Contact::new("1", &world.email(format!("shared{}", i % 20))).with("portal", statuses[i % 20 % 3]);
        let own = Contact::new("2", &world.email(format!("own{i}"))).with("billing", false).with("siteId", "S1");
        let lost = Contact::new("3", ["", "nobody", "zoë@example.com"][i % 3]).with("siteId", ["S1", "S2"][i % 2]);
        let lost_too = Contact::new("4", "").with("billing", i % 4 == 0);
        let account = account.with("sites", sites).contact(shared).contact(own);
        if i % 5 == 0 { account } else { account.contact(lost).contact(lost_too) }
    });
    world.import(accounts).await;
    for i in (0..60).step_by(4) {
        world.invited_now(&world.email(format!("own{i}"))).await;
        if i % 10 == 0 {
            world.bounce(&world.email(format!("own{i}"))).await;
        }
    }
    world.bounce(&world.email("shared0")).await;
    world
}

const FILTERS: [&str; 6] = [
    "division=NORTH",
    "division=NORTH&billGroup=ODD",
    "division=NORTH&siteSource=LAND",
    "division=NORTH&siteSource=CITY&billingContactsOnly=true",
    "division=NORTH&withActiveServices=true",
    "division=NORTH&withoutAutomaticPayment=true&siteSource=LAND&withActiveServices=true",
];

#[tokio::test]
async fn every_list_has_as_many_as_its_count_in_json_and_csv() {
    let world = crowd().await;
    let people = "recipientId,email,name,accountIds,accounts,status,lastInvitedAt,expiresAt,undeliverable";
    for filter in FILTERS {
        let counts = world.counts(filter).await;
        let number = |count: &Value| usize::try_from(count.as_u64().unwrap()).unwrap();
        for reason in ["recentlyInvited", "undeliverable"] {
            let path = format!("/v1/recipients?{filter}&excluded={reason}");
            let items = world.list(&format!("{path}&limit=3")).await;
            assert_eq!(items.len(), number(&counts["excluded"][reason]), "{path}");
            assert!(items.iter().all(|item| (reason == "undeliverable") == (item["undeliverable"] == "bounced")));
            assert_eq!(world.csv_rows(&format!("{path}&limit=4"), people).await, items.len(), "{path}");
        }
        assert!(filter != FILTERS[0] || number(&counts["excluded"]["recentlyInvited"]) > 9, "{counts}");

        let path = format!("/v1/unreachable?{filter}");
        let items = world.list(&format!("{path}&limit=7")).await;
        assert_eq!(items.len(), number(&counts["unreachable"]), "{path}");
        let contact = |item: &Value| (item["accountId"].to_string(), item["contactId"].to_string());
        let contacts: BTreeSet<_> = items.iter().map(contact).collect();
        assert_eq!(contacts.len(), items.len(), "each contact on each account once");
        let header = "accountId,accountName,contactId,name,siteId,reason";
        assert_eq!(world.csv_rows(&format!("{path}&limit=5"), header).await, items.len(), "{path}");

        let path = format!("/v1/recipients?{filter}&onActiveServices=true");
        let items = world.list(&format!("{path}&limit=6")).await;
        let mut accounts = BTreeMap::new();
        for item in &items {
            let on = item["activeServices"].as_array().unwrap();
            assert!(!on.is_empty() && item["activeServicesAccounts"] == on.len(), "{item}");
            for account in on {
                assert_eq!(account["accountName"], format!("Account {}", account["accountId"].as_str().unwrap()));
                accounts.insert(account["accountId"].to_string(), number(&account["activeServices"]));
            }
        }
        assert_eq!(accounts.values().sum::<usize>(), number(&counts["activeServices"]), "{path}");
        let header = format!("{people},activeServices,activeServicesAccounts");
        assert_eq!(world.csv_rows(&format!("{path}&limit=9"), &header).await, items.len(), "{path}");
    }
    let combined = "&excluded=recentlyInvited&onActiveServices=true&search=OWN1&status=notSent";
    let items = world.list(&format!("/v1/recipients?division=NORTH{combined}")).await;
    let mut emails: Vec<_> = items.iter().map(|item| item["email"].as_str().unwrap().to_owned()).collect();
    emails.sort();
    // Invited today are own12 and own16; account A12 has no active services.
    assert_eq!(emails, [world.email("own16")]);
}

#[tokio::test]
async fn a_file_for_people_has_the_words_and_the_clock_of_the_page() {
    let world = World::with_people(2).await;
    let email = |name: &str| world.email(name);
    world.bounce(&email("p0")).await;
    for name in ["p0", "p1"] {
        world.set(&email(name), "lastInvitedAt", "2020-01-10T04:59:30Z").await;
        world.set(&email(name), "expiresAt", "2020-01-17T04:59:30Z").await;
    }
    let lost = Contact::new("1", "nobody").with("name", "Zo\u{eb}");
    let second = Account::new("NORTH", "B0").contact(Contact::new("1", &email("p0")));
    world.import([Account::new("NORTH", "LOST").contact(lost), second]).await;
    let lines = async |path: &str| {
        let answer = world.call(Call::new("GET", path).header("Accept", "text/csv")).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        let mut lines: Vec<_> = answer.text.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    let people = lines("/v1/recipients?division=NORTH&columns=words").await;
    let zone = "(America/New_York)";
    assert_eq!(people[0], format!("E-mail address,Name,Accounts,Status,Mail,Last invited {zone},Expires {zone}"));
    let row = |name: &str, rest: &str| people.iter().any(|line| line.starts_with(&email(name)) && line.ends_with(rest));
    assert!(row("p0", ",Not sent,Bounced,2020-01-09 23:59,"), "{people:?}");
    assert!(row("p1", ",Not sent,,2020-01-09 23:59,2020-01-16 23:59"), "{people:?}");
    assert!(people.iter().any(|line| line.contains(",\"A0, B0\",")), "{people:?}");
    // Spreadsheets of many countries split at a semicolon.
    let columns = lines("/v1/recipients?division=NORTH").await;
    assert!(columns.iter().any(|line| line.contains(",A0 / B0,2,")), "{columns:?}");
    let services = lines("/v1/recipients?division=NORTH&columns=words&onActiveServices=true").await;
    assert!(services[0].ends_with(",Accounts with active services"), "{services:?}");
    let contacts = lines("/v1/unreachable?division=NORTH&columns=words").await;
    assert_eq!(contacts[0], "Name,Why,Account,Account name,Site,Contact");
    assert!(contacts[1].starts_with("Zo\u{eb},Not an e-mail address,LOST,"), "{contacts:?}");

    let id = world.send("NORTH").await;
    world.pump().await;
    let ledger = lines(&format!("/v1/campaigns/{id}/recipients?columns=words")).await;
    assert_eq!(ledger[0], format!("E-mail address,Name,Outcome,Why,When {zone}"));
    assert!(ledger[1].starts_with(&email("p1")) && ledger[1].contains(",Sent,,20"), "{ledger:?}");
    let wrong = world.call(Call::new("GET", "/v1/recipients?division=NORTH&columns=names")).await;
    assert_eq!(wrong.faulty_fields(), ["columns"]);
}

#[tokio::test]
async fn on_many_accounts_the_first_twenty_are_named_and_all_are_counted() {
    let world = World::new().await;
    let accounts = (0..30).map(|i| {
        let contact = Contact::new("1", &world.email("caretaker")).with("billing", i % 10 != 0);
        let sites = json!([{"siteId": "S1", "siteSource": "CITY", "activeServices": if i < 2 { 0 } else { i }}]);
        Account::new("NORTH", &format!("A{i:02}")).with("sites", sites).contact(contact)
    });
    world.import(accounts).await;
    for (filter, count, first) in [("", 28, "A02"), ("&billingContactsOnly=true", 26, "A02")] {
        let list = world.get_json(&format!("/v1/recipients?division=NORTH&onActiveServices=true{filter}")).await;
        let item = &list["items"][0];
        assert_eq!(item["activeServicesAccounts"], count);
        let on = item["activeServices"].as_array().unwrap();
        assert_eq!((on.len(), &on[0]["accountId"], &on[0]["activeServices"]), (20, &json!(first), &json!(2)));
        assert!(
            on.iter()
                .all(|account| account["accountId"] == format!("A{:02}", account["activeServices"].as_u64().unwrap()))
        );
    }
}

#[tokio::test]
async fn a_search_finds_people_by_address_and_name_in_their_division_only() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    let named = |division: &str, id: &str, email: &str, name: &str| {
        Account::new(division, id).contact(Contact::new("1", email).with("name", name))
    };
    let umlaut = "info@b\u{fc}cher-example.com";
    world
        .import([
            named("NORTH", "A1", &world.email("Ann.Miller"), "Ann Miller"),
            named("NORTH", "A2", &world.email("zm"), "Zo\u{eb} M\u{dc}LLER"),
            named("NORTH", "A3", umlaut, "Jos\u{e9} Gro\u{df}"),
            named("SOUTH", "A4", &world.email("ann.south"), "Ann South"),
            // The same person under another name on a second account.
            named("NORTH", "A5", &world.email("zm"), "Frau Schmidt"),
        ])
        .await;
    let found = [
        ("ann.miller@", vec!["A1"]),
        ("ANN", vec!["A1"]),
        ("miller", vec!["A1"]),
        ("m\u{fc}ller", vec!["A2"]),
        ("zoe\u{308}", vec!["A2"]),
        ("schmidt", vec!["A2"]),
        ("B\u{dc}CHER-", vec!["A3"]),
        ("xn--", vec!["A3"]),
        ("gross", vec!["A3"]),
        ("south", vec![]),
        ("  ann ", vec!["A1"]),
    ];
    for (text, accounts) in found {
        let items = world.list(&format!("/v1/recipients?division=NORTH&search={text}&limit=1")).await;
        let first: Vec<_> = items.iter().map(|item| item["accountIds"][0].as_str().unwrap()).collect();
        assert_eq!(first, accounts, "{text}");
    }
    assert_eq!(world.list("/v1/recipients?division=SOUTH&search=ann").await.len(), 1);
}

#[tokio::test]
async fn the_people_of_an_account_and_the_one_with_an_address_are_found_in_every_list() {
    let world = crowd().await;
    let ids = |items: &[Value]| items.iter().map(|item| item["recipientId"].to_string()).collect::<BTreeSet<_>>();
    let of = |items: &[Value], on: &dyn Fn(&Value) -> bool| {
        ids(&items.iter().filter(|item| on(item)).cloned().collect::<Vec<_>>())
    };
    let narrowed =
        ["", "&status=pending", "&excluded=recentlyInvited", "&onActiveServices=true", "&search=own", "&billGroup=ODD"];
    for more in narrowed {
        let path = format!("/v1/recipients?division=NORTH{more}");
        let all = world.list(&path).await;
        for account in ["A00", "A01", "A10", "A23"] {
            let found = world.list(&format!("{path}&accountId={account}&limit=1")).await;
            let is_on = |item: &Value| item["accountIds"].as_array().unwrap().contains(&json!(account));
            assert_eq!(ids(&found), of(&all, &is_on), "{path} on {account}");
            assert_eq!(found.len(), ids(&found).len(), "each once");
        }
        for name in ["own4", "own40", "shared3", "nobody"] {
            let email = world.email(name);
            let found = world.list(&format!("{path}&email={}", email.to_uppercase())).await;
            assert_eq!(ids(&found), of(&all, &|item: &Value| item["email"] == json!(email)), "{path} as {email}");
        }
    }
    let path = "/v1/recipients?division=NORTH&accountId=A04";
    assert_eq!(world.list(path).await.len(), 2);
    assert_eq!(world.list(&format!("{path}&email={}", world.email("own4"))).await.len(), 1);
    assert_eq!(world.list(&format!("{path}&email={}", world.email("own5"))).await.len(), 0, "on another account");
    let header = "recipientId,email,name,accountIds,accounts,status,lastInvitedAt,expiresAt,undeliverable";
    assert_eq!(world.csv_rows(&format!("{path}&limit=1"), header).await, 2);
    // Both are read by key: the index may lag, and is not gone through.
    world.set(&world.email("own4"), "indexPartition", "NOWHERE").await;
    assert_eq!(world.list(path).await.len(), 2);
    assert_eq!(world.list(&format!("/v1/recipients?division=NORTH&email={}", world.email("own4"))).await.len(), 1);
}

#[tokio::test]
async fn who_is_linked_no_more_is_found_by_address_and_on_no_account() {
    let world = World::with_people(2).await;
    let gone = world.call(Call::new("DELETE", "/v1/accounts/A0")).await;
    assert_eq!(gone.status, 204);
    let email = world.email("p0");
    assert_eq!(world.list(&format!("/v1/recipients?division=NORTH&email={email}")).await.len(), 0);
    assert_eq!(world.list(&format!("/v1/recipients?division=NORTH&linked=false&email={email}")).await.len(), 1);
    world.put_division("SOUTH").await;
    let elsewhere = Account::new("SOUTH", "S1").contact(Contact::new("1", &world.email("p1")));
    world.import([elsewhere]).await;
    for (query, faulty) in [
        ("accountId=A0", "accountId"),
        ("accountId=S1", "accountId"),
        ("accountId=a1", "accountId"),
        ("accountId=A1&linked=false", "linked"),
        ("email=p0", "email"),
        ("email=p0@customers.example.com,p1@customers.example.com", "email"),
    ] {
        let answer = world.call(Call::new("GET", &format!("/v1/recipients?division=NORTH&{query}"))).await;
        assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec![faulty.to_owned()]), "{query}");
    }
}
