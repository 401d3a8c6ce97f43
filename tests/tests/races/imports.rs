//! Imports of accounts too large for one transaction: killed after each write, and with concurrent readers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use fail::FailScenario;
use futures::FutureExt;
use jiff::SignedDuration;
use portal_aws::directory::keys;
use portal_aws::table::key;
use portal_domain::schedule::Verdict;
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::cloud::DIRECTORY;
use tests::http::Call;
use tests::scheduling::{Scheduling, weekly};
use tests::world::SENDER;
use tests::{Account, Contact, World};

use crate::{LATER, once_at};

/// Enough that each kind of step takes several transactions.
const PEOPLE: usize = 90;

/// People numbered so, on an account in steps; every tenth is on active services elsewhere too.
fn large(world: &World, people: std::ops::Range<usize>, services: u64) -> Account {
    let sites = json!([{"siteId": "S1", "siteSource": "CITY", "activeServices": services}]);
    let account = Account::new("NORTH", "LARGE").with("accountClass", "ASSOCIATION").with("sites", sites);
    let account = people.fold(account, |account, person| {
        let contact = Contact::new(&format!("C{person:03}"), &world.email(format!("p{person}")));
        // An import may say that somebody has accepted already.
        account.contact(if person % 7 == 3 { contact.with("portal", "accepted") } else { contact })
    });
    account.contact(Contact::new("NONE", ""))
}

/// Everything that operators see of a division: counts, and the lists behind them.
async fn shown(world: &World) -> Value {
    let mut counts = world.counts("division=NORTH").await;
    counts.as_object_mut().unwrap().remove("asOf");
    let mut shown = json!({"counts": counts});
    shown["association"] = world.counts("division=NORTH&accountClass=ASSOCIATION").await;
    shown["association"].as_object_mut().unwrap().remove("asOf");
    for list in [
        "",
        "&accountClass=ASSOCIATION",
        "&status=accepted",
        "&status=pending",
        "&status=notSent",
        "&onActiveServices=true",
        "&linked=false",
    ] {
        let people = world.list(&format!("/v1/recipients?division=NORTH{list}")).await;
        let mut rows: Vec<_> = people
            .iter()
            .map(|row| {
                json!([row["email"], row["status"], row["accountCount"], row["accountIds"], row["activeServices"]])
            })
            .collect();
        rows.sort_by_key(Value::to_string);
        shown[format!("people{list}")] = json!(rows);
    }
    shown["unreachable"] = json!(world.list("/v1/unreachable?division=NORTH").await);
    shown
}

/// The numbers are those of the lists.
fn assert_agrees(shown: &Value) {
    let people = |list: &str| shown[format!("people{list}")].as_array().unwrap().len();
    let count = |name: &str| shown["counts"][name].as_u64().unwrap() as usize;
    assert_eq!(count("total"), people(""));
    for status in ["accepted", "pending", "notSent"] {
        assert_eq!(count(status), people(&format!("&status={status}")), "{status}");
    }
    assert_eq!(count("unreachable"), shown["unreachable"].as_array().unwrap().len());
    let on_account = |row: &Value| row[4].as_array().cloned().unwrap_or_default();
    let accounts = shown["people&onActiveServices=true"].as_array().unwrap().iter().flat_map(on_account);
    let services: std::collections::BTreeMap<_, _> = accounts
        .map(|account| (account["accountId"].to_string(), account["activeServices"].as_u64().unwrap()))
        .collect();
    assert_eq!(count("activeServices") as u64, services.values().sum::<u64>(), "of {services:?}");
}

/// What is done to the account.
#[derive(Clone)]
enum Change {
    Post(Account),
    Delete,
}

async fn make(world: &World, change: &Change) -> u16 {
    let call = match change {
        Change::Post(account) => Call::new("POST", "/v1/accounts").json(&json!([account.0])),
        Change::Delete => Call::new("DELETE", "/v1/accounts/LARGE"),
    };
    world.call(call).await.status.as_u16()
}

/// The same, killed at the write after this many; returns whether it was.
async fn make_and_kill(world: &World, change: &Change, writes: usize) -> bool {
    fail::cfg("directory.written", &format!("{writes}*off->1*panic->off")).unwrap();
    let made = AssertUnwindSafe(make(world, change)).catch_unwind().await;
    made.is_ok_and(|status| status == 500)
}

/// A division with some people on accounts of their own, and with the large one if there is `before`. Of two of them,
/// who are on the large one, the profiles overflow or not all accounts are named.
async fn world_with(before: Option<&Account>) -> World {
    let world = World::new().await;
    world.import((0..PEOPLE).step_by(10).map(|person| world.account_of(person))).await;
    let idle = json!([{"siteId": "S1", "siteSource": "CITY", "activeServices": 0}]);
    let managed = |i: usize| world.account_of(30).with("accountId", format!("M{i:02}")).with("sites", idle.clone());
    world.import((0..25).map(managed)).await;
    let site = |i: usize| json!({"siteId": format!("S{i}"), "siteSource": format!("{i:097}"), "activeServices": 0});
    let sites: Vec<_> = (0..350).map(site).collect();
    world.import([world.account_of(40).with("accountId", "WIDE").with("sites", sites)]).await;
    let [manager, wide] = [30, 40].map(|person| world.email(format!("p{person}")));
    assert!(world.recipient("NORTH", &manager).await.unwrap().account_count > 20);
    assert!(world.recipient("NORTH", &wide).await.unwrap().profiles_overflow);
    world.import(before.cloned()).await;
    world
}

/// Kills the function after each of its writes in turn. After each kill everything is shown as before or as after the
/// change; then the sweep or the next post settles the rest, and nothing else is ever shown.
async fn killed_after_each_write(before: Option<Account>, change: Change) {
    let (old, new) = {
        let _scenario = FailScenario::setup();
        let done = world_with(before.as_ref()).await;
        let old = shown(&done).await;
        assert!(make(&done, &change).await < 300);
        (old, shown(&done).await)
    };
    assert_agrees(&old);
    assert_agrees(&new);
    assert_ne!(old, new);

    let (mut as_before, mut as_after) = (0, 0);
    for write in 0.. {
        let _scenario = FailScenario::setup();
        let world = world_with(before.as_ref()).await;
        if !make_and_kill(&world, &change, write).await {
            assert!(write > 5, "only {write} writes");
            break;
        }
        let left = shown(&world).await;
        assert!(left == old || left == new, "after {write} writes: {left:#}\nold {old:#}\nnew {new:#}");
        if left == old {
            as_before += 1
        } else {
            as_after += 1
        }

        if write % 2 == 0 {
            assert_eq!(world.sweep_after(std::time::Duration::from_secs(60)).await.accounts_settled, 0, "it may live");
            let swept = world.sweep_after(LATER).await;
            let settled_before = world.sweep_after(LATER).await;
            assert_eq!((settled_before.accounts_settled, swept.errors), (0, 0), "nothing is left");
            assert_eq!(shown(&world).await, left, "the sweep changes nothing that is shown");
        }
        assert!(make(&world, &change).await < 300);
        assert_eq!(shown(&world).await, new);
        assert_eq!(world.sweep_after(LATER).await.accounts_settled, 0, "whoever comes next leaves nothing");
    }
    assert!(as_before > 2 && as_after > 0, "{as_before} as before, {as_after} as after");
}

#[tokio::test(start_paused = true)]
async fn a_new_large_account_that_is_killed_after_any_write_is_whole_or_not_there() {
    with_clock(async |_| {
        let world = World::empty();
        killed_after_each_write(None, Change::Post(large(&world, 0..PEOPLE, 5))).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_account_killed_after_any_write_is_the_old_or_the_new_one() {
    with_clock(async |_| {
        let world = World::empty();
        let (old, new) = (large(&world, 0..PEOPLE, 5), large(&world, 20..PEOPLE + 30, 8).with("balanceDue", "0.00"));
        killed_after_each_write(Some(old), Change::Post(new)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_account_whose_deletion_is_killed_after_any_write_is_whole_or_gone() {
    with_clock(async |_| {
        let world = World::empty();
        killed_after_each_write(Some(large(&world, 0..PEOPLE, 5)), Change::Delete).await;
    })
    .await;
}

/// An earlier release left an account half-stored, and no import has made the secret of erased addresses since.
#[tokio::test(start_paused = true)]
async fn the_sweep_settles_an_account_before_there_is_a_secret_of_erased_addresses() {
    with_clock(async |_| {
        let _scenario = FailScenario::setup();
        let world = world_with(None).await;
        assert!(make_and_kill(&world, &Change::Post(large(&world, 0..PEOPLE, 5)), 4).await);
        let secret = key(keys::SECRETS, keys::ERASED);
        world.dynamo.delete_item().table_name(DIRECTORY).set_key(Some(secret)).send().await.unwrap();
        let swept = world.sweep_after(LATER).await;
        assert_eq!((swept.accounts_settled, swept.errors), (1, 0));
    })
    .await;
}

/// Each function reads the account, or the link rows of recipients whose profiles overflow, which its role must allow
/// (checked when the world is dropped).
#[tokio::test(start_paused = true)]
async fn roles_may_read_the_accounts_that_a_decision_about_changing_accounts_needs() {
    with_clock(async |_| {
        let _scenario = FailScenario::setup();
        let world = world_with(None).await;
        let before = large(&world, 0..PEOPLE, 5);
        world.import([before]).await;
        let send = async |key: &str, expected: u64| {
            let filter = json!({"division": "NORTH", "accountClass": "HOME"});
            let body = json!({"filter": filter, "templateId": "portal-invitation", "emailFrom": SENDER,
                "expectedRecipients": expected, "includeRecentlyInvited": true});
            let answer = world.post_campaign(key, &body).await;
            assert_eq!(answer.status, 202, "{}", answer.text);
            answer.json()["campaignId"].as_str().unwrap().parse().unwrap()
        };
        let people = world.counts("division=NORTH&accountClass=HOME").await["willEmail"].as_u64().unwrap();
        send("all", people).await;
        world.pump().await;
        let change = Change::Post(large(&world, 0..PEOPLE, 5).with("balanceDue", "0.00"));
        assert!(make_and_kill(&world, &change, 4).await);
        let mut changing = None;
        for person in 0..PEOPLE {
            let recipient = world.recipient("NORTH", &world.email(format!("p{person}"))).await.unwrap();
            if recipient.accounts.iter().any(|account| account.changing.is_some()) {
                changing = Some(recipient);
            }
        }
        let changing = changing.expect("the account is left out of somebody's summary already");
        let preview = json!({"division": "NORTH", "recipientId": changing.recipient_id});
        let preview = Call::new("POST", "/v1/templates/portal-invitation/preview").json(&preview);
        assert_eq!(world.call(preview).await.status, 200);
        let asked = json!({"division": "NORTH", "email": changing.email});
        assert_eq!(world.call(Call::new("POST", "/v1/activations/resend").public().json(&asked)).await.status, 202);
        world.pump().await;

        let grown = send("again", people).await;
        world.import((PEOPLE..PEOPLE + 30).map(|person| world.account_of(person))).await;
        world.write_ledger().await;
        let grown = world.campaign(grown).await;
        assert_eq!(
            (&grown["stateReason"], grown["wouldReach"].as_u64()),
            (&json!("audienceGrew"), Some(people + 30)),
            "{grown}"
        );
        let cancel = format!("/v1/campaigns/{}/cancel", grown["campaignId"].as_str().unwrap());
        assert_eq!(world.call(Call::new("POST", &cancel)).await.status, 200);
        world.pump().await;

        let scheduling = Scheduling::of(world);
        let fields = json!({"filter": {"division": "NORTH", "accountClass": "HOME"}});
        let preview = Call::new("POST", "/v1/schedules/preview").json(&weekly(fields.clone()));
        assert_eq!(scheduling.world.call(preview).await.status, 200);
        let schedule = scheduling.schedule(fields).await;
        let due = serde_json::from_value(schedule["nextRuns"][0].clone()).unwrap();
        assert!(matches!(scheduling.verdict(&schedule, due).await, Verdict::Started { .. }));
    })
    .await;
}

/// Addresses that were mailed, sorted.
fn mailed(world: &World) -> Vec<String> {
    let mut mailed: Vec<_> = world.mails().into_iter().map(|mail| mail.to[0].clone()).collect();
    mailed.sort();
    mailed
}

#[tokio::test(start_paused = true)]
async fn a_campaign_beside_a_killed_import_mails_exactly_those_who_are_shown() {
    with_clock(async |_| {
        let change = Change::Post(large(&World::empty(), 0..PEOPLE, 5));
        let mut audiences = std::collections::BTreeSet::new();
        // Begun, about to come in force, in force, settled in part.
        for writes in [2, 3, 4, 6] {
            let _scenario = FailScenario::setup();
            let world = world_with(None).await;
            assert!(make_and_kill(&world, &change, writes).await);
            let mut shown: Vec<_> = world.list("/v1/recipients?division=NORTH&status=notSent").await;
            let mut emails: Vec<_> = shown.drain(..).map(|row| row["email"].as_str().unwrap().to_owned()).collect();
            emails.sort();
            audiences.insert(emails.len());
            world.send("NORTH").await;
            world.pump().await;
            assert_eq!(mailed(&world), emails, "after {writes} writes");
            // Later changes do not affect who was mailed, and nobody is mailed again.
            assert_eq!(world.sweep_after(LATER).await.errors, 0);
            assert_eq!(world.counts("division=NORTH").await["pending"], emails.len());
        }
        let accepted = (0..PEOPLE).filter(|person| person % 7 == 3).count();
        assert_eq!(audiences, [PEOPLE / 10, PEOPLE - accepted].into());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_only_while_its_account_is_in_force() {
    let _scenario = FailScenario::setup();
    let world = World::empty();
    let world = Arc::new({
        let large = large(&world, 0..PEOPLE, 5);
        let world = World::new().await;
        world.import([large]).await;
        world
    });
    world.send("NORTH").await;
    world.pump().await;
    let password = |person: usize| world.passwords(&world.email(format!("p{person}"))).remove(0);
    // Everybody has left the account out, and it is still in force.
    assert!(make_and_kill(&world, &Change::Delete, 2).await);
    let item = world.recipient("NORTH", &world.email("p1")).await.unwrap();
    assert!(item.account_count == 0 && item.accounts[0].changing.is_some(), "{item:?}");
    assert_eq!(world.activate(&world.email("p1"), &password(1)).await.status, 204);

    // Another deletion takes over between two steps of an acceptance, and stops before any recipient is settled.
    once_at("activate.read", &world, async |world| {
        assert!(make_and_kill(world, &Change::Delete, 1).await);
    });
    let before = world.recipient("NORTH", &world.email("p2")).await.unwrap();
    assert_eq!(world.activate(&world.email("p2"), &password(2)).await.status, 403);
    let item = world.recipient("NORTH", &world.email("p2")).await.unwrap();
    assert_eq!((item.version, item.digest.is_some()), (before.version, true), "they are not settled yet");
    assert_eq!(world.counts("division=NORTH").await["total"], 0);

    // Then the password is deleted, and the portal gets an event about a recipient who had accepted.
    assert_eq!(world.sweep_after(LATER).await.accounts_settled, 1);
    let item = world.recipient("NORTH", &world.email("p2")).await.unwrap();
    assert_eq!((item.digest.is_some(), item.is_invited()), (false, false));
    let unlinked = world.told().into_iter().filter(|(kind, _)| kind == "portal.recipient.unlinked").count();
    let accepted = (0..PEOPLE).filter(|person| person % 7 == 3).count();
    assert_eq!(unlinked, accepted + 1);
}

#[tokio::test(start_paused = true)]
async fn each_of_sixteen_accounts_with_a_thousand_people_is_whole_or_not_reached() {
    let _scenario = FailScenario::setup();
    with_clock(async |clock| {
        let world = World::new().await;
        let account = |number: usize| {
            let account = Account::new("NORTH", &format!("A{number:02}"));
            (0..1_000).fold(account, |account, person| {
                account.contact(Contact::new(&format!("C{person}"), &world.email(format!("a{number}-{person}"))))
            })
        };
        let accounts: Vec<_> = (0..16).map(account).collect();
        let post = |accounts: &[Account]| {
            let bodies: Vec<_> = accounts.iter().map(|account| account.0.clone()).collect();
            Call::new("POST", "/v1/accounts").json(&json!(bodies))
        };
        // Each transaction takes a while.
        let (ahead, slow) = (clock.clone(), SignedDuration::from_millis(300));
        fail::cfg_callback("directory.written", move || ahead.put_ahead(slow)).unwrap();
        let answer = world.call(post(&accounts).before(portal_aws::clock::now() + SignedDuration::from_secs(29))).await;
        let answered = answer.json();
        let stored = answered["stored"].as_u64().unwrap();
        assert_eq!(stored, 1, "{}", answer.text);
        let results = answered["results"].as_array().unwrap();
        let not_reached = results.iter().filter(|result| result["retry"] == true).count();
        assert_eq!((not_reached, &answered["failed"]), (15, &json!(15)));
        let seen = async || {
            let shown = shown(&world).await;
            assert_agrees(&shown);
            (shown["counts"]["total"].clone(), shown["counts"]["activeServices"].clone())
        };
        assert_eq!(seen().await, (json!(1_000), json!(1)), "nobody of the account that was begun");
        assert!(world.recipient("NORTH", &world.email("a1-0")).await.is_some(), "one was begun");

        // Posted again, it goes on where it stood.
        let began = portal_aws::clock::now();
        let again = world.call(post(&accounts[..2])).await.json();
        assert_eq!((&again["stored"], &again["failed"]), (&json!(2), &json!(0)), "{again}");
        let took = portal_aws::clock::now().duration_since(began);
        assert!(took < slow * 40, "{took:#}");
        assert_eq!(seen().await, (json!(2_000), json!(2)));
        assert_eq!(world.sweep_after(LATER).await.accounts_settled, 0);
    })
    .await;
}
