//! The import on a table in memory, compared with a plain restatement of the required result.

mod model;
mod restated;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::account::{Contact, ContactAddress, Site};
use crate::email::Unusable;
use crate::permission::Divisions;
use model::{Model, Turn};
use restated::{Restated, check};
use strum::VariantArray;

/// The people: number 0 is on half of all accounts.
const PEOPLE: usize = 120;

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

fn all_stored<const LIMIT: usize>(model: &Model<LIMIT>, changes: &[Change]) {
    let report = model.import(changes);
    assert_eq!(report.error, None);
    assert!(report.outcomes.iter().all(|outcome| *outcome == Outcome::Stored), "{:?}", report.outcomes);
}

#[test]
fn an_account_of_a_division_out_of_reach_stays_as_it_is() {
    let model = Model::<20>::default();
    let many: Vec<usize> = (0..60).collect();
    all_stored(&model, &puts([account(0, &[1]), account(1, &many), account(2, &[2])]));
    let before = model.items.lock().expect("not poisoned").clone();
    let moved = |id, people: &[usize]| Account { division: DivisionId::new("D2"), ..account(id, people) };
    let changes = [
        Change::put(moved(0, &[1])),
        Change::put(moved(1, &many)),
        Change::delete(AccountId::new("A00002")),
        Change::put(moved(3, &[3])),
        Change::delete(AccountId::new("A00004")),
    ];
    let reach = Divisions::Only([DivisionId::new("D2")].into());
    let report = model.import_within(&reach, &changes);
    let no = Outcome::Forbidden;
    assert_eq!(report.outcomes, [no, no, no, Outcome::Stored, Outcome::Stored]);
    let after = model.items.lock().expect("not poisoned").clone();
    assert!(before.accounts.iter().all(|(id, stored)| after.accounts.get(id) == Some(stored)));
    assert!(before.links.iter().all(|(id, link)| after.links.get(id) == Some(link)));
    assert_eq!((before.accounts.len(), before.links.len()), (3, 62));
    assert_eq!((after.accounts.len(), after.links.len()), (4, 63));
}

prop_compose! {
    fn any_contact(people: usize)(
        person in prop_oneof![2 => Just(Some(0)), 8 => (0..people).prop_map(Some), 1 => Just(None)],
        name in prop_oneof![Just(""), Just("Ann"), Just("Bob")],
        site in prop::option::of(0_usize..3),
        billing in any::<bool>(),
        portal in prop::sample::select(PortalStatus::VARIANTS),
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
    fn any_account(accounts: usize, large: u32)(
        id in 0..accounts,
        division in prop::sample::select(vec!["D1", "D2"]),
        class in prop::sample::select(vec!["RES", "BUS"]),
        automatic_payment in any::<bool>(),
        balance in -1_i64..2,
        sites in prop::collection::vec((prop::sample::select(vec!["X", "Y"]), 0_u32..2), 0..4),
        contacts in prop_oneof![
            20 => prop::collection::vec(any_contact(10), 0..6),
            // More than fit into one transaction.
            large => prop::collection::vec(any_contact(PEOPLE), 70..100),
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

/// Changes of this many accounts, of which about `large` in 20 are large.
fn any_call(accounts: usize, large: u32, most: usize) -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => any_account(accounts, large).prop_map(Change::put),
        1 => (0..accounts).prop_map(|id| Change::delete(AccountId::new(format!("A{id:05}")))),
    ];
    prop::collection::vec(change, 1..=most)
}

fn any_turn() -> impl Strategy<Value = Turn> {
    any_turn_of(2)
}

/// A turn of one of this many imports.
fn any_turn_of(number: usize) -> impl Strategy<Value = Turn> {
    let calls = prop_oneof![1_usize..3, 5_usize..40];
    prop_oneof![8 => (0..number, calls).prop_map(|(i, times)| Turn::Go(i, times)), 1 => (0..number).prop_map(Turn::Die)]
}

/// What happens after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Healer {
    /// The accounts left unsettled are posted unchanged.
    Post,
    /// They are deleted.
    Deletion,
    /// The sweep settles them.
    Sweep,
}

impl Healer {
    const ALL: [Self; 3] = [Self::Post, Self::Deletion, Self::Sweep];
}

fn heal<const LIMIT: usize>(model: &Model<LIMIT>, by: Healer) {
    let unsettled = model.items().accounts.into_values().filter(|stored| stored.phase != Phase::Settled);
    let unsettled: Vec<_> = unsettled.map(|stored| stored.account).collect();
    match by {
        Healer::Post => all_stored(model, &puts(unsettled)),
        Healer::Deletion => {
            let deletions: Vec<_> = unsettled.into_iter().map(|account| Change::delete(account.account_id)).collect();
            all_stored(model, &deletions);
        }
        Healer::Sweep => unsettled.iter().for_each(|account| model.sweep(&account.account_id)),
    }
}

/// The required content of the table given its accounts; statuses may be any that was ever posted.
fn check_as_stored<'a>(items: &model::Items, ever_posted: impl IntoIterator<Item = &'a Change>) {
    let mut everything = Restated::default();
    ever_posted.into_iter().for_each(|change| everything.apply(change));
    let mut restated = Restated::default();
    items.accounts.values().for_each(|stored| restated.apply(&Change::put(stored.account.clone())));
    restated.statuses_between(everything);
    check(items, &restated);
    check_told(items);
}

/// The portal knows of every accepted recipient whether they are linked, and got no event twice.
fn check_told(items: &model::Items) {
    for (id, stored) in &items.recipients {
        let told = items.told.get(id).map(Vec::as_slice).unwrap_or_default();
        let turns = [Linked::NoMore, Linked::Again].into_iter().cycle();
        assert!(told.iter().copied().eq(turns.take(told.len())), "{told:?}");
        let accepted = stored.recipient.status == PortalStatus::Accepted;
        let linked = stored.recipient.links.account_count > 0;
        assert!(accepted || told.is_empty(), "{told:?}");
        assert_eq!(accepted && !linked, told.last() == Some(&Linked::NoMore), "{told:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_sequence_of_changes_links_agree_with_the_accounts(
        calls in prop::collection::vec(any_call(30, 2, 12), 1..8)
    ) {
        let model = Model::<100>::default();
        let mut restated = Restated::default();
        for call in &calls {
            all_stored(&model, call);
            call.iter().for_each(|change| restated.apply(change));
            check(&model.items(), &restated);
            check_told(&model.items());
        }
        let before = model.items().transactions;
        all_stored(&model, &puts(restated.accounts.into_values()));
        prop_assert_eq!(model.items().transactions, before, "the same accounts again cost no writes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, max_shrink_iters: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn concurrent_imports_are_serialisable_and_the_next_post_heals_a_crash(
        rounds in prop::collection::vec(
            (prop::collection::vec(any_call(2, 0, 2), 2), prop::collection::vec(any_turn(), 0..12)),
            1..4,
        ),
        healer in prop::sample::select(Healer::ALL.to_vec()),
    ) {
        // Transactions so small that most changes are made in steps.
        let model = Model::<5>::default();
        for (calls, turns) in &rounds {
            for report in model.import_at_once(calls, turns).into_iter().flatten() {
                prop_assert!(report.outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
            }
        }
        heal(&model, healer);
        check_as_stored(&model.items(), rounds.iter().flat_map(|(calls, _)| calls).flatten());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_is_erased_while_imports_bring_them_is_on_no_account_and_stays_away(
        before in prop::collection::vec(any_call(3, 0, 3), 0..3),
        beside in prop::collection::vec(any_call(3, 0, 2), 2),
        turns in prop::collection::vec(any_turn_of(3), 0..14),
        after in prop::collection::vec(any_call(3, 0, 3), 0..2),
        healer in prop::sample::select(Healer::ALL.to_vec()),
    ) {
        let model = Model::<6>::default();
        before.iter().for_each(|call| all_stored(&model, call));
        let address = Address { division: DivisionId::new("D1"), email: email(1) };
        model.erase_at_once(&address, &beside, &turns);
        heal(&model, healer);
        after.iter().for_each(|call| all_stored(&model, call));
        let items = model.items();
        prop_assert!(!items.addresses.contains_key(&address));
        let has_them = |account: &Account| account.division == address.division && account.links().contains_key(&address.email);
        prop_assert!(items.accounts.values().all(|stored| !has_them(&stored.account)));
        let is_them = |stored: &StoredRecipient| stored.recipient.division == address.division && stored.recipient.email == address.email.as_str();
        prop_assert!(!items.recipients.values().any(is_them));
        prop_assert!(items.links.keys().all(|(id, _)| items.recipients.contains_key(id)));
        check_as_stored(&items, [&before[..], &beside, &after].concat().iter().flatten());
    }
}

#[test]
fn a_contact_whose_address_was_erased_is_kept_without_address_name_and_status() {
    let model = Model::<100>::default();
    let mut both = account(1, &[1, 2]);
    both.contacts[0].name = "Erased Person".to_owned();
    both.contacts[0].portal = PortalStatus::Accepted;
    let address = Address { division: both.division.clone(), email: email(1) };
    model.erase_at_once(&address, &[], &[]);
    let report = model.import(&puts([both.clone()]));
    assert_eq!((report.outcomes, report.erased), (vec![Outcome::Stored], [address].into()));
    let stored = model.items().accounts.into_values().next().expect("it is stored").account;
    let [one, two] = &stored.contacts[..] else { panic!("{stored:?}") };
    assert_eq!(
        (&one.address, one.name.as_str(), one.portal),
        (&ContactAddress::Unusable(Unusable::Erased), "", PortalStatus::NotSent)
    );
    assert_eq!((&two, stored.links().len()), (&&both.contacts[1], 1));
    let transactions = model.items().transactions;
    all_stored(&model, &puts([both]));
    assert_eq!(model.items().transactions, transactions, "the same again costs no writes");
}

#[test]
fn the_same_import_four_times_at_once_ends_as_one() {
    let changes = puts((0..40).map(|id| account(id, &[0, id + 1])));
    let model = Model::<100>::default();
    for report in model.import_at_once(&vec![changes.clone(); 4], &[]).into_iter().flatten() {
        assert!(report.outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
    }
    let mut restated = Restated::default();
    changes.iter().for_each(|change| restated.apply(change));
    check(&model.items(), &restated);
}

#[test]
fn a_change_and_its_reversal_in_one_call_are_made_in_order() {
    let (one, other) = (account(1, &[1]), account(1, &[2]));
    let model = Model::<100>::default();
    all_stored(&model, &puts([one.clone()]));
    all_stored(&model, &puts([other.clone(), one.clone()]));
    let mut restated = Restated::default();
    [one.clone(), other, one].into_iter().for_each(|account| restated.apply(&Change::put(account)));
    check(&model.items(), &restated);
}

#[test]
fn an_account_deleted_and_posted_again_has_another_version() {
    let (before, other) = (account(1, &[1]), account(1, &[2]));
    let wanted = Change::put(Account { balance_due: Decimal::TEN, ..before.clone() });
    let race = vec![Change::delete(before.account_id.clone()), Change::put(other.clone())];
    // The first import stops after each of its calls in turn, while the other makes all of its own.
    for calls_before in 0..6 {
        let model = Model::<100>::default();
        all_stored(&model, &puts([before.clone()]));
        let turns = [Turn::Go(0, calls_before), Turn::Go(1, 20)];
        model.import_at_once(&[vec![wanted.clone()], race.clone()], &turns);
        check_as_stored(&model.items(), [&Change::put(before.clone()), &Change::put(other.clone()), &wanted]);
    }
}

#[test]
fn interleaved_changes_in_steps_leave_no_link_over_wherever_one_dies() {
    let before = account(1, &[0]);
    let wanted = Change::put(account(1, &[1, 2, 3]));
    for other in [Change::put(account(1, &[4, 5, 3])), Change::put(account(2, &[1, 2, 3]))] {
        // The first import stops around its announcement, the other goes on up to its links, and so forth: points at
        // which one could mistake the other's state for its own.
        for (first, second, third) in (8..=10).flat_map(|a| (10..18).flat_map(move |b| (5..=8).map(move |c| (a, b, c))))
        {
            let turns = [Turn::Go(0, first), Turn::Go(1, second), Turn::Go(0, third), Turn::Die(0)];
            let model = Model::<5>::default();
            all_stored(&model, &puts([before.clone()]));
            model.import_at_once(&[vec![wanted.clone()], vec![other.clone()]], &turns);
            heal(&model, Healer::ALL[(first + second + third) % 3]);
            check_as_stored(&model.items(), [&Change::put(before.clone()), &wanted, &other]);
        }
    }
}

#[test]
fn a_person_is_unlinked_though_another_call_stores_the_other_account() {
    let (kept, left) = (account(1, &[1]), account(2, &[1, 2]));
    let large: Vec<usize> = (10..20).collect();
    for first in [account(1, &[1, 3]), account(1, &[&[1], large.as_slice()].concat())] {
        let call = puts([first, account(2, &[2])]);
        let stored = || {
            let model = Model::<6>::default();
            all_stored(&model, &puts([kept.clone(), left.clone()]));
            model
        };
        let (_, turns) = stored().import_counted(&Divisions::Every, &call);
        for (before, between) in (0..=turns).flat_map(|a| (0..=turns).map(move |b| (a, b))) {
            let model = stored();
            model.import_at_once(
                &[call.clone(), call.clone()],
                &[Turn::Go(0, before), Turn::Go(1, between), Turn::Go(0, 100)],
            );
            let mut restated = Restated::default();
            call.iter().for_each(|change| restated.apply(change));
            check(&model.items(), &restated);
        }
    }
}

#[test]
fn an_account_that_moves_out_of_reach_while_it_is_settled_stays_there() {
    let in_division = |division: &str, people: std::ops::Range<usize>| Account {
        division: DivisionId::new(division),
        ..account(1, &people.collect::<Vec<_>>())
    };
    let within = Divisions::Only([DivisionId::new("D2")].into());
    let (drawn, moved) = (puts([in_division("D2", 20..30)]), puts([in_division("D1", 0..10)]));
    let mut refused = 0;
    for (killed, before, between) in
        (10..30).flat_map(|k| (0..40).step_by(3).flat_map(move |a| (5..60).step_by(5).map(move |b| (k, a, b))))
    {
        let model = Model::<10>::default();
        let stored = puts([in_division("D2", 0..10)]);
        model.import_at_once(&[stored], &[Turn::Go(0, killed), Turn::Die(0)]);
        if model.items().accounts.values().all(|account| account.phase != Phase::Settling) {
            continue;
        }
        let calls = [(within.clone(), drawn.clone()), (Divisions::Every, moved.clone())];
        let turns = [Turn::Go(0, before), Turn::Go(1, between), Turn::Go(0, 200)];
        let reports = model.import_at_once_within(&calls, &turns);
        let outcomes = reports[0].as_ref().map(|report| report.outcomes.clone());
        refused += usize::from(outcomes == Some(vec![Outcome::Forbidden]));
        let mut divisions: Vec<_> =
            model.items().ever_in_force.iter().map(|account| account.division.clone()).collect();
        divisions.dedup();
        assert!(
            divisions.is_sorted_by(|one, next| one >= next),
            "{killed} {before} {between}: {divisions:?}, {outcomes:?}"
        );
    }
    assert!(refused > 0, "the account never moved meanwhile");
}

#[test]
fn five_hundred_accounts_of_one_manager_take_a_dozen_transactions() {
    let model = Model::<100>::default();
    all_stored(&model, &puts((0..500).map(|id| account(id, &[0]))));
    assert!(model.items().transactions <= 12, "{} transactions", model.items().transactions);
}

/// Number of calls to replace the large account of
/// [`a_change_that_is_killed_after_any_call_shows_the_old_or_the_new_account`].
const CALLS: std::ops::Range<usize> = 0..60;

#[test]
fn a_change_that_is_killed_after_any_call_shows_the_old_or_the_new_account() {
    // Every write checks that nobody sees an intermediate state.
    let old = account(1, &(0..30).collect::<Vec<_>>());
    let new = account(1, &(15..45).collect::<Vec<_>>());
    let deletion = Change::delete(old.account_id.clone());
    let of_others = puts((0..10).map(|id| account(2 + id, &[5 * id, 100 + id])));
    for (before, change) in
        [(None, Change::put(new.clone())), (Some(old.clone()), Change::put(new)), (Some(old), deletion)]
    {
        let mut seen = BTreeSet::new();
        for calls in CALLS {
            let model = Model::<20>::default();
            all_stored(&model, &of_others);
            all_stored(&model, &puts(before.clone()));
            model.import_at_once(&[vec![change.clone()]], &[Turn::Go(0, calls), Turn::Die(0)]);
            let phase = model.items().accounts.get(&change.account_id).map(|stored| stored.phase);
            seen.insert(format!("{phase:?}"));

            let everything: Vec<_> =
                of_others.iter().cloned().chain(puts(before.clone())).chain([change.clone()]).collect();
            if calls % 2 == 0 {
                let told = model.items().told;
                heal(&model, Healer::Sweep);
                check_as_stored(&model.items(), &everything);
                assert!(model.items().told.len() >= told.len());
            }
            all_stored(&model, std::slice::from_ref(&change));
            check_as_stored(&model.items(), &everything);
            let stored = model.items().accounts.get(&change.account_id).map(|stored| stored.account.clone());
            assert_eq!(stored, change.account);
        }
        let phases: &[&str] = match (&before, &change.account) {
            (None, _) => &["None", "Some(Arriving)", "Some(Settling)", "Some(Settled)"],
            (Some(_), Some(_)) => &["Some(Changing)", "Some(Settling)", "Some(Settled)"],
            (Some(_), None) => &["Some(Settled)", "Some(Changing)", "Some(Arriving)", "None"],
        };
        assert!(seen.iter().map(String::as_str).eq(BTreeSet::from_iter(phases.iter().copied())), "{seen:?}");
    }
}

#[test]
fn whoever_an_account_was_to_link_that_never_came_in_force_is_gone() {
    let large = account(1, &(0..PEOPLE).collect::<Vec<_>>());
    let model = Model::<100>::default();
    all_stored(&model, &puts([account(2, &[3])]));
    model.import_at_once(&[puts([large])], &[Turn::Go(0, 15), Turn::Die(0)]);
    assert!(model.items().recipients.len() > 20, "it had begun");
    heal(&model, Healer::Sweep);
    let items = model.items();
    assert_eq!((items.accounts.len(), items.recipients.len(), items.addresses.len()), (1, 1, 1));
}

#[test]
fn an_account_half_changed_by_an_earlier_release_is_healed_by_its_next_change() {
    // That release changed links before the account was in force, and no recipient named it.
    let wanted = account(1, &(0..PEOPLE).collect::<Vec<_>>());
    for phase in [Phase::Changing, Phase::Arriving] {
        for healed_by in
            [Change::put(account(1, &[5])), Change::put(wanted.clone()), Change::delete(wanted.account_id.clone())]
        {
            let model = Model::<100>::default();
            all_stored(&model, &puts([account(1, &(0..40).collect::<Vec<_>>())]));
            {
                let mut items = model.items.lock().expect("nobody panicked");
                let stored = items.accounts.get_mut(&wanted.account_id).expect("it is stored");
                (stored.account, stored.phase) = (wanted.clone(), phase);
                items.as_earlier_release = true;
            }
            all_stored(&model, std::slice::from_ref(&healed_by));
            let mut restated = Restated::default();
            restated.apply(&healed_by);
            restated.ignore_statuses();
            check(&model.items(), &restated);
        }
    }
}
