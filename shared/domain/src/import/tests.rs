//! The import against a table in memory, compared with a plain restatement of what it must come to.

mod model;
mod restated;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::account::{Contact, ContactAddress, Site};
use crate::email::Unusable;
use model::{Died, Disturbance, Model};
use restated::{Restated, check};

/// Who there is to write to: number 0 is on half of all accounts.
const PEOPLE: usize = 70;

fn email(person: usize) -> EmailAddress {
    EmailAddress::normalise(&format!("p{person}@example.com")).expect("it is an address")
}

fn account(id: usize, people: &[usize]) -> Account {
    let contact = |(i, &person): (usize, &usize)| Contact {
        contact_id: format!("C{i}"),
        name: format!("Person {person}"),
        address: ContactAddress::Usable(email(person)),
        billing: i == 0,
        site_id: None,
        portal: PortalStatus::NotSent,
    };
    Account {
        account_id: AccountId::new(format!("A{id:05}")),
        name: format!("Account {id}"),
        division: DivisionId::new("D1"),
        account_class: "RES".to_owned(),
        bill_group: "G".to_owned(),
        account_source: "WEB".to_owned(),
        automatic_payment: false,
        balance_due: Decimal::ONE,
        sites: vec![Site { site_id: "S0".to_owned(), site_source: "X".to_owned(), active_services: 1 }],
        contacts: people.iter().enumerate().map(contact).collect(),
    }
}

fn puts(accounts: impl IntoIterator<Item = Account>) -> Vec<Change> {
    accounts.into_iter().map(Change::put).collect()
}

fn all_stored(model: &Model, changes: &[Change]) {
    let report = model.import(changes);
    assert_eq!(report.error, None);
    assert!(report.outcomes.iter().all(|outcome| *outcome == Outcome::Stored), "{:?}", report.outcomes);
}

prop_compose! {
    fn any_contact()(
        person in prop_oneof![2 => Just(Some(0)), 8 => (0..PEOPLE).prop_map(Some), 1 => Just(None)],
        name in prop_oneof![Just(""), Just("Ann"), Just("Bob")],
        site in prop::option::of(0_usize..3),
        billing in any::<bool>(),
        portal in prop::sample::select(PortalStatus::ALL.to_vec()),
    ) -> Contact {
        Contact {
            contact_id: String::new(),
            name: name.to_owned(),
            address: person.map_or(ContactAddress::Unusable(Unusable::Empty), |person| ContactAddress::Usable(email(person))),
            billing,
            site_id: site.map(|site| format!("S{site}")),
            portal,
        }
    }
}

prop_compose! {
    fn any_account()(
        id in 0_usize..30,
        division in prop::sample::select(vec!["D1", "D2"]),
        class in prop::sample::select(vec!["RES", "BUS"]),
        automatic_payment in any::<bool>(),
        balance in -1_i64..2,
        sites in prop::collection::vec((prop::sample::select(vec!["X", "Y"]), 0_u32..2), 0..4),
        contacts in prop_oneof![
            9 => prop::collection::vec(any_contact(), 0..4),
            // More than one transaction holds.
            1 => prop::collection::vec(any_contact(), 50..70),
        ],
    ) -> Account {
        let site = |(i, (source, services)): (usize, (&str, u32))| {
            Site { site_id: format!("S{i}"), site_source: source.to_owned(), active_services: services }
        };
        let mut contacts = contacts;
        for (i, contact) in contacts.iter_mut().enumerate() {
            contact.contact_id = format!("C{i:03}");
            contact.site_id.take_if(|id| id[1..].parse::<usize>().is_ok_and(|i| i >= sites.len()));
        }
        Account {
            division: DivisionId::new(division),
            account_class: class.to_owned(),
            automatic_payment,
            balance_due: Decimal::from(balance),
            sites: sites.into_iter().enumerate().map(site).collect(),
            contacts,
            ..account(id, &[])
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any_account().prop_map(Change::put),
        1 => (0_usize..30).prop_map(|id| Change::delete(AccountId::new(format!("A{id:05}")))),
    ]
}

fn any_call() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(any_change(), 1..12)
}

fn any_disturbance() -> impl Strategy<Value = Disturbance> {
    prop_oneof![
        3 => Just(Disturbance::None),
        3 => prop::collection::vec(any_change(), 1..4).prop_map(Disturbance::Race),
        1 => Just(Disturbance::Crash),
        1 => Just(Disturbance::LostAnswer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn after_any_posts_changes_moves_and_deletes_everybody_is_linked_as_the_accounts_say(
        calls in prop::collection::vec(any_call(), 1..8)
    ) {
        let model = Model::default();
        let mut restated = Restated::default();
        for call in &calls {
            all_stored(&model, call);
            call.iter().for_each(|change| restated.apply(change));
            check(&model.items(), &restated);
        }
        let before = model.items().transactions;
        all_stored(&model, &puts(restated.accounts.into_values()));
        prop_assert_eq!(model.items().transactions, before, "the same accounts again cost no writes");
    }

    #[test]
    fn whatever_dies_or_races_posting_again_ends_right(
        calls in prop::collection::vec((any_call(), prop::collection::vec(any_disturbance(), 0..8)), 1..6),
        last in prop::collection::vec(any_account(), 1..12),
    ) {
        let model = Model::default();
        let mut everything = Restated::default();
        for (call, disturbances) in &calls {
            model.disturb(disturbances.clone());
            model.import(call);
            let raced = disturbances.iter().filter_map(|disturbance| match disturbance {
                Disturbance::Race(changes) => Some(changes),
                _ => None,
            });
            call.iter().chain(raced.flatten()).for_each(|change| everything.apply(change));
        }
        model.disturb([]);
        // Every account that there may be is posted or deleted once more, without disturbance.
        let mut finally: BTreeMap<_, _> =
            (0..30).map(|id| AccountId::new(format!("A{id:05}"))).map(|id| (id.clone(), Change::delete(id))).collect();
        finally.extend(last.into_iter().map(|account| (account.account_id.clone(), Change::put(account))));
        let finally: Vec<_> = finally.into_values().collect();
        all_stored(&model, &finally);
        let mut restated = Restated::default();
        finally.iter().for_each(|change| restated.apply(change));
        finally.iter().for_each(|change| everything.apply(change));
        restated.statuses_between(everything);
        check(&model.items(), &restated);
    }
}

#[test]
fn the_same_import_twice_at_once_ends_as_one() {
    let changes = puts((0..40).map(|id| account(id, &[0, id + 1])));
    let model = Model::default();
    model.disturb((0..3).map(|_| Disturbance::Race(changes.clone())));
    all_stored(&model, &changes);
    let mut restated = Restated::default();
    changes.iter().for_each(|change| restated.apply(change));
    check(&model.items(), &restated);
}

#[test]
fn an_account_that_was_deleted_and_posted_again_meanwhile_is_not_the_one_that_was_read() {
    let (before, other) = (account(1, &[1]), account(1, &[2]));
    let model = Model::default();
    all_stored(&model, &puts([before.clone()]));
    let wanted = Change::put(Account { balance_due: Decimal::TEN, ..before.clone() });
    let race = vec![Change::delete(before.account_id), Change::put(other.clone())];
    model.disturb([Disturbance::Race(race.clone())]);
    all_stored(&model, std::slice::from_ref(&wanted));
    let mut restated = Restated::default();
    restated.apply(&Change::put(other));
    restated.apply(&wanted);
    check(&model.items(), &restated);
}

#[test]
fn five_hundred_accounts_of_one_manager_take_a_dozen_transactions() {
    let model = Model::default();
    all_stored(&model, &puts((0..500).map(|id| account(id, &[0]))));
    assert!(model.items().transactions <= 12, "{} transactions", model.items().transactions);
}

#[test]
fn an_account_that_a_crash_left_announced_is_healed_by_its_next_post_or_deletion() {
    let large = account(1, &(0..PEOPLE).collect::<Vec<_>>());
    for crash_at in 0..5 {
        for healed_by in
            [Change::put(account(1, &[5])), Change::put(large.clone()), Change::delete(large.account_id.clone())]
        {
            let model = Model::default();
            let mut disturbances = vec![Disturbance::None; crash_at];
            disturbances.push(Disturbance::LostAnswer);
            model.disturb(disturbances);
            assert_eq!(model.import(&puts([large.clone()])).error.is_some(), crash_at < 5);
            model.disturb([]);
            all_stored(&model, std::slice::from_ref(&healed_by));
            let mut restated = Restated::default();
            restated.apply(&healed_by);
            restated.ignore_statuses();
            check(&model.items(), &restated);
        }
    }
}

#[test]
fn a_new_account_made_in_steps_is_not_in_the_index_until_it_is_done() {
    let model = Model::default();
    model.disturb([Disturbance::None, Disturbance::Crash]);
    let report = model.import(&puts([account(1, &(0..PEOPLE).collect::<Vec<_>>())]));
    assert_eq!((report.error, report.outcomes), (Some(Died), vec![Outcome::NotReached]));
    let items = model.items();
    assert!(items.accounts.values().all(|stored| stored.phase == Phase::Arriving));
}
