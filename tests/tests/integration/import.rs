//! Importing divisions and accounts, and what Load sees of them.

use portal_aws::directory::write::DirectoryStore;
use portal_domain::import::{Change, Outcome};
use portal_domain::permission::Divisions;
use portal_domain::{AccountId, PortalStatus};
use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::{Account, Contact, World};

/// Total, active services, accepted, pending, not sent, unreachable.
async fn six(world: &World, query: &str) -> [u64; 6] {
    let counts = world.counts(query).await;
    ["total", "activeServices", "accepted", "pending", "notSent", "unreachable"]
        .map(|name| counts[name].as_u64().unwrap())
}

/// A small town: one person on two accounts, a shared address, a site contact, somebody without an address.
fn town(world: &World) -> Vec<Account> {
    let a = Account::new("NORTH", "A")
        .contact(Contact::new("1", &format!(" {} ", world.email("Ann").to_uppercase())))
        .contact(Contact::new("2", &world.email("bob")).with("siteId", "S1").with("billing", false))
        .contact(Contact::new("3", ""));
    let b = Account::new("NORTH", "B")
        .with("accountClass", "BUSINESS")
        .with("automaticPayment", true)
        .with("balanceDue", "0.00")
        .with("sites", json!([{"siteId": "S1", "siteSource": "COUNTY", "activeServices": 4}]))
        .contact(Contact::new("1", &world.email("ann")).with("portal", "pending"))
        .contact(Contact::new("2", &world.email("eve")).with("portal", "accepted"));
    vec![a, b]
}

#[tokio::test]
async fn contacts_with_one_address_are_one_recipient_and_the_furthest_status_wins() {
    let world = World::new().await;
    world.import(town(&world)).await;
    assert_eq!(six(&world, "division=NORTH").await, [3, 5, 1, 1, 1, 1]);
    let list = world.call(Call::new("GET", "/v1/recipients?division=NORTH&status=pending")).await.json();
    assert_eq!(list["items"][0]["email"], world.email("ann"));
    assert_eq!(list["items"][0]["accountIds"], json!(["A", "B"]));
    assert_eq!(list["items"][0]["accountCount"], 2);
}

#[tokio::test]
async fn all_conditions_must_be_met_by_one_and_the_same_link() {
    let world = World::new().await;
    world.import(town(&world)).await;
    // Ann has a HOME account and one with automatic payment, but no HOME account with automatic payment.
    assert_eq!(six(&world, "division=NORTH&accountClass=HOME").await, [2, 1, 0, 1, 1, 1]);
    assert_eq!(six(&world, "division=NORTH&accountClass=BUSINESS&withBalanceDue=true").await, [0, 0, 0, 0, 0, 0]);
    assert_eq!(six(&world, "division=NORTH&siteSource=CITY&billingContactsOnly=true").await, [1, 1, 0, 1, 0, 1]);
    assert_eq!(six(&world, "division=NORTH&accountClass=").await[0], 3, "an empty field does not restrict");
}

#[tokio::test]
async fn importing_twice_and_twice_at_once_changes_nothing() {
    let world = World::new().await;
    let town = town(&world);
    world.import(town.clone()).await;
    let before = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    world.import(town.clone()).await;
    let again = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    assert_eq!((before.recipient_id, before.version), (again.recipient_id, again.version), "nothing was written");

    let other = World::new().await;
    let accounts: Vec<Account> = (0..60)
        .map(|i| {
            Account::new("NORTH", &format!("A{i}"))
                .contact(Contact::new("1", &other.email(format!("p{i}"))))
                .contact(Contact::new("2", &other.email("manager")))
        })
        .collect();
    futures::future::join_all((0..4).map(|_| other.import(accounts.clone()))).await;
    assert_eq!(six(&other, "division=NORTH").await, [61, 60, 0, 0, 61, 0]);
    let manager = other.recipient("NORTH", &other.email("manager")).await.unwrap();
    assert_eq!(manager.account_count, 60);
    assert_eq!(manager.profiles.iter().map(|counted| counted.n).sum::<u32>(), 60);
}

#[tokio::test]
async fn an_account_posted_again_replaces_what_was_there() {
    let world = World::new().await;
    world.import(town(&world)).await;
    let changed = Account::new("NORTH", "A").with("balanceDue", "0").contact(Contact::new("9", &world.email("new")));
    world.import([changed]).await;
    assert_eq!(six(&world, "division=NORTH").await, [3, 5, 1, 1, 1, 0]);
    assert_eq!(six(&world, "division=NORTH&withBalanceDue=true").await, [0; 6]);
    let bob = world.recipient("NORTH", &world.email("bob")).await.unwrap();
    let partition = bob.index_partition.unwrap_or_default();
    assert!(bob.account_count == 0 && partition.ends_with("#unlinked"), "bob is in no selection");
}

#[tokio::test]
async fn a_status_survives_unlinking_and_moves_only_forward() {
    let world = World::new().await;
    world.import(town(&world)).await;
    assert_eq!(world.call(Call::new("DELETE", "/v1/accounts/B")).await.status, 204);
    assert_eq!(six(&world, "division=NORTH").await, [2, 1, 0, 1, 1, 1]);
    world.import(town(&world)).await;
    assert_eq!(six(&world, "division=NORTH").await, [3, 5, 1, 1, 1, 1]);
    let back = Account::new("NORTH", "B").contact(Contact::new("2", &world.email("eve")).with("portal", "notSent"));
    world.import([back]).await;
    let eve = world.recipient("NORTH", &world.email("eve")).await.unwrap();
    assert_eq!(eve.status, PortalStatus::Accepted);
}

#[tokio::test]
async fn an_account_that_moves_takes_its_links_along_and_leaves_the_status() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    world.import(town(&world)).await;
    let moved = Account::new("SOUTH", "B").contact(Contact::new("2", &world.email("eve")));
    world.import([moved]).await;
    assert_eq!(six(&world, "division=NORTH").await, [2, 1, 0, 1, 1, 1]);
    assert_eq!(six(&world, "division=SOUTH").await, [1, 1, 0, 0, 1, 0]);
    let old = world.recipient("NORTH", &world.email("eve")).await.unwrap();
    assert_eq!((old.status, old.account_count), (PortalStatus::Accepted, 0));
}

#[tokio::test]
async fn one_address_on_thousands_of_accounts_works_from_import_to_mail() {
    let world = World::new().await;
    let account = |i: usize| {
        // Every account differs, so that the recipient's profiles overflow.
        Account::new("NORTH", &format!("A{i:05}"))
            .with("billGroup", format!("GROUP-{i}"))
            .with("sites", json!([]))
            .contact(Contact::new("1", &world.email("manager")).with("name", "The Manager"))
    };
    world.import((0..2_000).map(account)).await;
    assert_eq!(six(&world, "division=NORTH").await, [1, 0, 0, 0, 1, 0]);
    assert_eq!(six(&world, "division=NORTH&billGroup=GROUP-1999").await[0], 1);
    assert_eq!(six(&world, "division=NORTH&billGroup=GROUP-2000").await[0], 0);
    let list = world.call(Call::new("GET", "/v1/recipients?division=NORTH")).await.json();
    assert_eq!(list["items"][0]["accountCount"], 2_000);
    assert_eq!(list["items"][0]["accountIds"].as_array().unwrap().len(), 20);
    world.send("NORTH").await;
    world.pump().await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("A00019") && !mails[0].text.contains("A00020"));
    assert!(mails[0].text.contains("2,000") || mails[0].text.contains("1,980"));
}

#[tokio::test]
async fn what_is_good_in_a_call_is_stored_and_every_fault_is_named() {
    let world = World::new().await;
    let good = town(&world).remove(0).0;
    let bad = Account::new("NOWHERE", "").with("balanceDue", 12.5).with("colour", "red").with("automaticPayment", "no");
    let answer = world.call(Call::new("POST", "/v1/accounts").json(&json!([good, bad.0]))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!((&body["stored"], &body["failed"]), (&json!(1), &json!(1)));
    let failed = body["results"].as_array().unwrap().iter().find(|result| result["index"] == 1).unwrap();
    let fields: Vec<_> = failed["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    for field in ["accountId", "balanceDue", "colour", "automaticPayment"] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    let warned = body["results"].as_array().unwrap().iter().find(|result| result["index"] == 0).unwrap();
    assert_eq!(warned["warnings"][0]["field"], "contacts[2].email");
    assert_eq!(six(&world, "division=NORTH").await[0], 2);
}

#[tokio::test]
async fn ndjson_with_one_broken_line_stores_the_others_and_names_the_line() {
    let world = World::new().await;
    let lines: Vec<String> = town(&world).into_iter().map(|account| account.0.to_string()).collect();
    let body = format!("{}\n{{\"accountId\": \n{}\r\n\n", lines[0], lines[1]);
    let answer = world.call(Call::new("POST", "/v1/accounts").body("application/x-ndjson", body)).await;
    let json = answer.json();
    assert_eq!((&json["stored"], &json["failed"]), (&json!(2), &json!(1)), "{}", answer.text);
    assert!(answer.text.contains("\"line\":2"), "{}", answer.text);
}

#[tokio::test]
async fn calls_that_are_wrong_as_a_whole_store_nothing() {
    let world = World::new().await;
    let account = town(&world).remove(0).0;
    let post = || Call::new("POST", "/v1/accounts");
    let many: Vec<Value> = (0..501).map(|i| Account::new("NORTH", &format!("A{i}")).0).collect();
    let table = [
        (post().json(&json!({"accountId": "A"})), 400..=422),
        (post().body("application/json", "[{]"), 400..=400),
        (post().body("text/csv", "a,b"), 415..=415),
        (post().json(&json!(many)), 400..=413),
        (post().json(&json!([Account::new("NOWHERE", "A").0])), 400..=422),
        (post().json(&json!([account])).claim("cognito:groups", "390"), 403..=403),
    ];
    for (call, statuses) in table {
        let answer = world.call(call).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{statuses:?}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    }
    assert_eq!(six(&world, "division=NORTH").await, [0; 6]);
}

#[tokio::test]
async fn what_nobody_sees_in_names_values_and_addresses_is_cleaned_and_told() {
    let world = World::new().await;
    let account = Account::new("NORTH", "A")
        .with("name", "Joe\u{92}s\tDiner")
        .with("accountClass", "HOME ")
        .contact(Contact::new("1", &format!("\u{200b}{}", world.email("ann"))).with("name", "JOS\u{c3}\u{89}"))
        .contact(Contact::new("2", &format!("Bob <{}>", world.email("bob"))).with("siteId", "").with("portal", ""))
        .contact(Contact::new("3", "e\u{200b}ve@example.com"));
    let answer = world.call(Call::new("POST", "/v1/accounts").json(&json!([account.0]))).await.json();
    assert_eq!((&answer["stored"], &answer["failed"]), (&json!(1), &json!(0)), "{answer}");
    let warnings = answer["results"][0]["warnings"].as_array().unwrap();
    let mut fields: Vec<_> = warnings.iter().map(|warning| warning["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["contacts[0].email", "contacts[0].name", "contacts[1].email", "contacts[2].email", "name"]);
    assert!(
        answer.to_string().contains("hidden character U+200B at character 2; the contact is unreachable"),
        "{answer}"
    );
    for class in ["HOME", "HOME ", "\tHOME"] {
        assert_eq!(six(&world, &format!("division=NORTH&accountClass={class}")).await, [2, 1, 0, 0, 2, 1], "{class}");
    }
    let list = world.call(Call::new("GET", "/v1/recipients?division= NORTH")).await.json();
    let mut people: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    people.sort_unstable();
    assert_eq!(people[1], "JOSÉ");
}

#[tokio::test]
async fn an_id_is_the_same_however_its_spaces_were_typed() {
    let world = World::new().await;
    let account = |division: &str, id: &str| Account::new(division, id).contact(Contact::new("1", &world.email("ann")));
    for (division, id) in [("NORTH", "A 1"), ("NORTH ", "A  1"), (" NORTH", "\u{feff}A\u{a0}1\n")] {
        world.import([account(division, id)]).await;
        assert_eq!(six(&world, "division=NORTH").await, [1, 1, 0, 0, 1, 0], "{id:?} is A 1");
    }
    assert_eq!(world.call(Call::new("DELETE", "/v1/accounts/%20A%20%201")).await.status, 204);
    assert_eq!(six(&world, "division=NORTH").await, [0; 6]);
}

/// Stores an account under id and values as they were posted.
async fn store_uncleaned(world: &World, posted: &Account) {
    let mut account = portal_domain::Account::parse(&posted.0).unwrap().account;
    account.account_id = AccountId::new(posted.0["accountId"].as_str().unwrap());
    account.account_class = posted.0["accountClass"].as_str().unwrap().to_owned();
    let store = DirectoryStore::new(&world.context(&world.config)).unwrap();
    let report = store.import(&[Change::put(account)], &Divisions::Every, None).await;
    assert_eq!(report.outcomes, [Outcome::Stored]);
}

/// Guarantee 17: an earlier release stored ids and values as they came.
#[tokio::test]
async fn an_account_that_was_stored_uncleaned_is_found_replaced_and_deleted() {
    let world = World::new().await;
    for ending in ["posted", "deleted"] {
        let stored = Account::new("NORTH", "A  1")
            .with("accountClass", "HOME  X ")
            .contact(Contact::new("1", &world.email("ann")));
        store_uncleaned(&world, &stored).await;
        assert_eq!(six(&world, "division=NORTH&accountClass=HOME X").await, [1, 1, 0, 0, 1, 0], "the filter finds it");
        if ending == "posted" {
            world.import([stored]).await;
            let list = world.call(Call::new("GET", "/v1/recipients?division=NORTH")).await.json();
            assert_eq!(list["items"][0]["accountIds"], json!(["A 1"]), "it has taken the other's place");
        }
        assert_eq!(world.call(Call::new("DELETE", "/v1/accounts/A%20%201")).await.status, 204);
        assert_eq!(six(&world, "division=NORTH").await, [0; 6], "{ending}");
    }
}

#[tokio::test]
async fn one_bad_element_of_a_list_is_refused_alone() {
    let world = World::new().await;
    let [a, b] = <[Account; 2]>::try_from(town(&world)).unwrap();
    for bad in [r#"{"accountId": "\ud800"}"#, r#"{"accountId": "X", "balanceDue": 1e400}"#] {
        let body = format!("\u{feff}[{},{bad},{}]", a.0, b.0);
        let answer = world.call(Call::new("POST", "/v1/accounts").body("application/json", body)).await.json();
        assert_eq!((&answer["stored"], &answer["failed"]), (&json!(2), &json!(1)), "{answer}");
    }
    assert_eq!(six(&world, "division=NORTH").await[0], 3);
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_and_another_encoding_is_refused() {
    let world = World::new().await;
    let division = json!({"name": "South", "email": "a@example.com", "timeZone": "Europe/Berlin", "portalUrl": "https://portal.example.com"});
    let account = town(&world).remove(0).0;
    let calls = [
        (Call::new("PUT", "/v1/divisions/SOUTH"), "application/json", division.to_string()),
        (Call::new("POST", "/v1/accounts"), "application/json", format!("[{account}]")),
        (Call::new("POST", "/v1/accounts"), "application/x-ndjson", account.to_string()),
    ];
    for (call, media_type, body) in calls {
        let broken = body.replacen("\"A\"", "\"A\u{fffd}\"", 1).replacen("South", "S\u{fffd}d", 1);
        let refused = world.call(call.clone().body(media_type, broken)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.faulty_fields()),
            (400, vec!["body".to_owned()]),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("U+FFFD"), "{}", refused.text);
        let refused =
            world.call(call.clone().body(&format!("{media_type}; charset=\"ISO-8859-1\""), body.clone())).await;
        assert_eq!(refused.status, 415, "{}", refused.text);
        let taken = world.call(call.body(&format!("{media_type}; charset=\"UTF-8\""), format!("\u{feff}{body}"))).await;
        assert!(taken.status.is_success(), "{}", taken.text);
    }
}

#[tokio::test]
async fn an_account_that_comes_in_another_division_is_moved_and_that_is_told() {
    let world = World::new().await;
    world.put_division("SOUTH").await;
    let post = async |division: &str, groups: &str| {
        let call = Call::new("POST", "/v1/accounts").json(&json!([Account::new(division, "A1").0]));
        world.call(call.claim("cognito:groups", groups)).await
    };
    let warnings = |answer: &Answer| answer.json()["results"][0]["warnings"].clone();
    assert_eq!(warnings(&post("NORTH", "directory").await), Value::Null);
    assert_eq!(warnings(&post("NORTH", "directory").await), Value::Null);
    let told = json!([{"field": "division", "message": "was NORTH before; the account and its people moved"}]);
    assert_eq!(warnings(&post("SOUTH", "directory").await), told);
    let kept = post("NORTH", "directory:NORTH").await;
    assert!(!kept.text.contains("SOUTH"), "{}", kept.text);
}
