//! Derived numbers on AWS in memory: they are those of a recount, whoever takes changes up, is held up, or dies.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

mod build;
mod load;
mod send;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use portal_aws::clock;
use portal_aws::derived::Folded;
use portal_aws::directory::keys;
use portal_aws::directory::read::Owner;
use portal_aws::table::{Item, key, n, s};
use portal_domain::selection::Rules;
use portal_domain::{AccountId, DivisionId, Filter, RecipientId};
use rollup::{Rollup, RollupError};
use serde_json::json;
use tests::cloud::{DERIVED, DIRECTORY};
use tests::http::Call;
use tests::line::{Fate, Gate, line};
use tests::numbers::{derived, difference, directory};
use tests::{Account, Contact, World};

const EPOCH: &str = "1";

fn north() -> DivisionId {
    DivisionId::new("NORTH")
}

/// Everybody and every account that there is.
async fn all(world: &World) -> BTreeSet<Owner> {
    let scan = world.dynamo.scan().table_name(DIRECTORY).consistent_read(true).send().await.unwrap();
    assert!(scan.last_evaluated_key.is_none(), "all on one page");
    let text = |item: &Item, name: &str| item.get(name).unwrap().as_s().unwrap().clone();
    let owner = |item| match (text(item, "sk").as_str(), text(item, "pk").split_once('#')?.1) {
        (keys::RECIPIENT, id) => Some(Owner::Recipient(id.parse().unwrap())),
        (keys::ACCOUNT, id) => Some(Owner::Account(AccountId::new(id))),
        _ => None,
    };
    scan.items().iter().filter_map(owner).collect()
}

/// The derived numbers are those of a recount, for any filter, now and later.
async fn assert_exact(world: &World) {
    let whole = Filter::whole(north());
    let filters = [
        Filter { bill_group: Some("G3".to_owned()), ..whole.clone() },
        Filter { bill_group: Some("MONTHLY".to_owned()), with_active_services: true, ..whole.clone() },
        Filter { site_source: Some("CITY".to_owned()), billing_contacts_only: true, ..whole.clone() },
        Filter { without_automatic_payment: true, ..whole.clone() },
        whole,
    ];
    for filter in &filters {
        assert_eq!(difference(&world.config, EPOCH, filter, clock::now()).await, None);
    }
}

/// People in many situations: on several accounts, of all statuses, without a usable address, on more accounts than a
/// name holds.
async fn town() -> World {
    let world = World::new().await;
    let accounts = (0..45).map(|i| {
        let person =
            Contact::new("1", &world.email(format!("p{}", i % 30))).with("portal", ["accepted", "notSent"][i % 2]);
        let manager = Contact::new("2", &world.email("manager")).with("billing", false);
        let lost = Contact::new("3", if i % 3 == 0 { "nowhere" } else { "" });
        Account::new("NORTH", &format!("A{i}"))
            .with("billGroup", format!("G{i}"))
            .with("automaticPayment", i % 4 == 0)
            .contact(person)
            .contact(manager)
            .contact(lost)
    });
    world.import(accounts).await;
    world
}

/// Mail to a person can't be delivered, or can be again.
async fn mark(world: &World, person: RecipientId, is_undeliverable: bool) {
    let update = world.dynamo.update_item().table_name(DIRECTORY);
    let update = update.set_key(Some(key(keys::recipient_pk(person), keys::RECIPIENT)));
    let update = match is_undeliverable {
        true => update
            .update_expression("SET undeliverable = :mark ADD version :one")
            .expression_attribute_values(":mark", s("bounced")),
        false => update.update_expression("REMOVE undeliverable ADD version :one"),
    };
    update.expression_attribute_values(":one", n(1)).send().await.unwrap();
}

/// A person has accepted.
async fn accept(world: &World, person: RecipientId) {
    let update = world.dynamo.update_item().table_name(DIRECTORY);
    let update = update.set_key(Some(key(keys::recipient_pk(person), keys::RECIPIENT)));
    let update = update.update_expression("SET #status = :accepted ADD version :one");
    let update = update.expression_attribute_names("#status", "status");
    let update = update.expression_attribute_values(":accepted", s("accepted"));
    update.expression_attribute_values(":one", n(1)).send().await.unwrap();
}

#[tokio::test]
async fn numbers_follow_imports_campaigns_and_deletions_whatever_is_folded_when() {
    let world = town().await;
    let derived = derived(&world.config);
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    assert_exact(&world).await;
    assert_eq!(derived.fold(EPOCH, &north()).await.unwrap(), Folded::Done);
    assert_exact(&world).await;
    world.send("NORTH").await;
    world.pump().await;
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    assert_exact(&world).await;
    let before = all(&world).await;
    for account in ["A1", "A2", "A31"] {
        let answer = world.call(Call::new("DELETE", &format!("/v1/accounts/{account}"))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    world.import([Account::new("NORTH", "A5").contact(Contact::new("1", &world.email("p6")))]).await;
    world.put_division("SOUTH").await;
    world.import([Account::new("SOUTH", "A7").contact(Contact::new("1", &world.email("p7")))]).await;
    // The keys of what is gone are in the stream as well.
    derived.apply(EPOCH, before.into_iter().chain(all(&world).await).collect()).await.unwrap();
    assert_exact(&world).await;
    for _ in 0..2 {
        assert_eq!(derived.fold(EPOCH, &north()).await.unwrap(), Folded::Done);
        assert_exact(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_held_up_anywhere_counts_nobody_by_an_older_state() {
    let calls = [("BatchGetItem", 0), ("BatchGetItem", 1), ("GetItem", 0), ("TransactWriteItems", 0)];
    // Once it becomes what was counted last: nothing is logged then, and still the slow one, who has seen the mark,
    // must not count it.
    for (call, accepts) in calls.into_iter().flat_map(|call| [(call, false), (call, true)]) {
        let world = World::with_people(1).await;
        let person = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
        let owner = BTreeSet::from([Owner::Recipient(person)]);
        derived(&world.config).apply(EPOCH, all(&world).await).await.unwrap();
        mark(&world, person, true).await;
        let gate = Arc::new(Gate::default());
        let at_gate = gate.clone();
        let held = derived(&line(&world.config, move |operation, earlier| match (operation, earlier) == call {
            true => Fate::Held(at_gate.clone()),
            false => Fate::Made,
        }));
        let slow = held.apply(EPOCH, owner.clone());
        let fast = async {
            gate.arrived().await;
            mark(&world, person, false).await;
            if accepts {
                accept(&world, person).await;
            }
            derived(&world.config).apply(EPOCH, owner.clone()).await.unwrap();
            gate.open();
        };
        let (slow, ()) = futures::join!(slow, fast);
        slow.unwrap();
        assert_exact(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_dies_at_any_call_of_taking_up_leaves_numbers_that_the_next_completes() {
    let world = World::with_people(6).await;
    let everybody = all(&world).await;
    derived(&world.config).apply(EPOCH, everybody.clone()).await.unwrap();
    let mut is_marked = false;
    for is_lost in [false, true] {
        for survived in 0.. {
            is_marked = !is_marked;
            for person in 0..3 {
                let person = world.recipient("NORTH", &world.email(format!("p{person}"))).await.unwrap();
                mark(&world, person.recipient_id, is_marked).await;
            }
            let calls = AtomicUsize::new(0);
            let dying = derived(&line(&world.config, move |_, _| match calls.fetch_add(1, Ordering::Relaxed) {
                call if call < survived => Fate::Made,
                call if call == survived && is_lost => Fate::AnswerLost,
                _ => Fate::NoConnection,
            }));
            let has_ended = dying.apply(EPOCH, everybody.clone()).await.is_ok();
            derived(&world.config).apply(EPOCH, everybody.clone()).await.unwrap();
            assert_exact(&world).await;
            if has_ended {
                break;
            }
            assert!(survived < 20, "it is through at some time");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fold_that_dies_or_is_overtaken_leaves_the_numbers_as_they_were() {
    let world = town().await;
    let derived = derived(&world.config);
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    for survived in 0..8 {
        let calls = AtomicUsize::new(0);
        let dying = self::derived(&line(&world.config, move |_, _| {
            if calls.fetch_add(1, Ordering::Relaxed) < survived { Fate::Made } else { Fate::NoConnection }
        }));
        _ = dying.fold(EPOCH, &north()).await;
        assert_exact(&world).await;
    }
    let gate = Arc::new(Gate::default());
    let at_gate = gate.clone();
    let held = self::derived(&line(&world.config, move |operation, _| match operation {
        "UpdateItem" => Fate::Held(at_gate.clone()),
        _ => Fate::Made,
    }));
    let division = north();
    let slow = held.fold(EPOCH, &division);
    let fast = async {
        gate.arrived().await;
        assert_eq!(derived.fold(EPOCH, &north()).await.unwrap(), Folded::Done);
        gate.open();
    };
    let (slow, ()) = futures::join!(slow, fast);
    assert_eq!(slow.unwrap(), Folded::Overtaken);
    assert_exact(&world).await;
}

#[tokio::test]
async fn a_reader_that_is_held_up_for_two_folds_still_counts_everybody_once() {
    let world = town().await;
    let derived = derived(&world.config);
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    assert_eq!(derived.fold(EPOCH, &north()).await.unwrap(), Folded::Done);
    let gate = Arc::new(Gate::default());
    let at_gate = gate.clone();
    let held = self::derived(&line(&world.config, move |operation, earlier| match (operation, earlier) {
        ("BatchGetItem", 0) => Fate::Held(at_gate.clone()),
        _ => Fate::Made,
    }));
    let division = north();
    let slow = held.read(EPOCH, &division, false);
    let (whole, rules) = (Filter::whole(north()), Rules::of_new_campaign(clock::now(), false));
    let before = directory(&world.config).counts(&whole, rules).await.unwrap();
    let fast = async {
        gate.arrived().await;
        for i in 0..2 {
            world.import([world.account_of(100 + i)]).await;
            derived.apply(EPOCH, all(&world).await).await.unwrap();
            assert_eq!(derived.fold(EPOCH, &north()).await.unwrap(), Folded::Done);
        }
        gate.open();
    };
    let (slow, ()) = futures::join!(slow, fast);
    assert_eq!(slow.unwrap().unwrap().counts(&whole, rules).unwrap(), before);
    assert_exact(&world).await;
}

#[tokio::test(start_paused = true)]
async fn numbers_of_which_a_part_is_missing_are_none_at_all() {
    let world = town().await;
    let derived = derived(&world.config);
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    derived.fold(EPOCH, &north()).await.unwrap();
    world.import((100..140).map(|person| world.account_of(person))).await;
    derived.apply(EPOCH, all(&world).await).await.unwrap();
    let items = world.dynamo.scan().table_name(DERIVED).send().await.unwrap().items.unwrap();
    let parts = items.into_iter().filter(|item| {
        let pk = item["pk"].as_s().unwrap();
        pk.starts_with("BASE#") || pk.starts_with("LOG#") && item["sk"].as_s().unwrap() != "0000000000000000"
    });
    let mut tried = 0;
    for part in parts {
        let of = |name: &str| part[name].as_s().unwrap().clone();
        let name = key(of("pk"), of("sk"));
        world.dynamo.delete_item().table_name(DERIVED).set_key(Some(name)).send().await.unwrap();
        let read = derived.read(EPOCH, &north(), true).await.unwrap();
        let is_live = read.is_none();
        world.dynamo.put_item().table_name(DERIVED).set_item(Some(part)).send().await.unwrap();
        tried += usize::from(is_live);
    }
    assert!(tried >= 3, "both parts of the base, and a log: {tried}");
    assert_exact(&world).await;
}

/// The epoch that the function counts in.
async fn epoch(world: &World) -> String {
    derived(&world.config).control().await.unwrap().unwrap().epoch
}

/// What the function counted is what a recount comes to.
async fn assert_counted(world: &World) {
    let epoch = epoch(world).await;
    assert_eq!(difference(&world.config, &epoch, &Filter::whole(north()), clock::now()).await, None);
}

#[tokio::test]
async fn the_function_counts_what_the_stream_shows_in_any_batches_and_more_than_once() {
    let world = town().await;
    let events = world.read_stream();
    for event in events.iter().chain(events.iter().rev()) {
        world.rollup().handle(event.clone()).await.unwrap();
    }
    assert_counted(&world).await;
    world.send("NORTH").await;
    world.pump().await;
    world.roll_up().await;
    assert_counted(&world).await;
}

#[tokio::test]
async fn who_has_more_profiles_than_an_item_holds_is_counted_by_their_links() {
    let world = World::with_people(3).await;
    let site = |i: usize| json!({"siteId": format!("S{i}"), "siteSource": format!("{i:097}"), "activeServices": 0});
    let sites: Vec<_> = (0..350).map(site).collect();
    world.import([world.account_of(1).with("accountId", "WIDE").with("sites", sites)]).await;
    assert!(world.recipient("NORTH", &world.email("p1")).await.unwrap().profiles_overflow);
    world.roll_up().await;
    assert_counted(&world).await;
}

#[tokio::test]
async fn a_tick_folds_what_was_never_folded_and_its_heartbeats_prove_what_is_counted() {
    let world = town().await;
    let derived = derived(&world.config);
    world.roll_up().await;
    assert_eq!(derived.as_of().await.unwrap(), None, "no heartbeat has come");
    let epoch = epoch(&world).await;
    let began = clock::now();
    for is_due in [true, false] {
        assert_eq!(derived.is_fold_due(&epoch, &north(), clock::now()).await.unwrap(), is_due);
        world.rollup().handle(json!({})).await.unwrap();
    }
    assert!(derived.is_fold_due(&epoch, &north(), began + SignedDuration::from_hours(25)).await.unwrap());
    assert_eq!(derived.as_of().await.unwrap(), None, "the heartbeats are not read");
    world.roll_up().await;
    let as_of = derived.as_of().await.unwrap().unwrap();
    assert!((began - SignedDuration::from_secs(1)..=clock::now()).contains(&as_of), "{as_of}");
    assert_counted(&world).await;
}

#[tokio::test]
async fn an_owner_that_can_not_be_counted_is_set_aside_until_it_can_and_holds_nobody_up() {
    let world = World::with_people(3).await;
    let broken = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    let name = key(keys::recipient_pk(broken), keys::RECIPIENT);
    let become_of = |status: &str| {
        let update = world.dynamo.update_item().table_name(DIRECTORY).set_key(Some(name.clone()));
        let update = update.update_expression("SET #status = :status ADD version :one");
        let update = update.expression_attribute_names("#status", "status");
        update.expression_attribute_values(":status", s(status)).expression_attribute_values(":one", n(1)).send()
    };
    become_of("nonsense").await.unwrap();
    world.roll_up().await;
    let derived = derived(&world.config);
    let epoch = epoch(&world).await;
    let numbers = derived.read(&epoch, &north(), true).await.unwrap().unwrap();
    let rules = Rules::of_new_campaign(clock::now(), false);
    assert_eq!(numbers.counts(&Filter::whole(north()), rules).unwrap().total, 2, "the others are counted");
    let ticked = world.rollup().handle(json!({})).await;
    assert!(matches!(ticked, Err(RollupError::SetAside(1))), "{ticked:?}");
    let aside = derived.aside(&epoch).await.unwrap();
    assert_eq!(aside.iter().map(|one| &one.owner).collect::<Vec<_>>(), [&Owner::Recipient(broken)]);
    become_of("notSent").await.unwrap();
    derived.set_aside(&epoch, &aside[0].owner).await.unwrap();
    derived.readmit(&epoch, &aside[0]).await.unwrap();
    assert_eq!(derived.aside(&epoch).await.unwrap().len(), 1, "it was set aside again since");
    world.rollup().handle(json!({})).await.unwrap();
    assert!(derived.aside(&epoch).await.unwrap().is_empty());
    assert_counted(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_counts_no_heartbeat() {
    let world = town().await;
    world.rollup().handle(json!({})).await.unwrap();
    let config = line(&world.config, |operation, _| match operation {
        "TransactWriteItems" => Fate::NoConnection,
        _ => Fate::Made,
    });
    let failing = Rollup::new(&world.context(&config)).unwrap();
    for event in world.read_stream() {
        failing.handle(event).await.unwrap_err();
    }
    assert_eq!(derived(&world.config).as_of().await.unwrap(), None);
}
