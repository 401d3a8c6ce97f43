//! The properties of every state, and the report of a state that violates one.

use std::collections::HashMap;

use portal_domain::{Outcome, PortalStatus};
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::bounds::{Budget, Protocol};
use crate::state::{Message, State};
use crate::{Action, Delivery};

/// Guarantee 2.
pub const TWICE: &str = "nobody gets two e-mails of a campaign unless a person decided in between";
/// Guarantee 1.
pub const ACCEPTED: &str = "nobody is claimed who has accepted";
/// Guarantee 3.
pub const WITNESS: &str = "a message, the cursor or an open claim stands for every queued row of a sending campaign";
/// A withdrawal binds campaigns that began before it.
pub const WITHDRAWN: &str = "nobody is claimed who was withdrawn since the campaign began";
/// Guarantee 5.
pub const DIGEST: &str = "the stored digest is that of the newest e-mail that may have left";
/// Guarantees 3 and 8.
pub const END: &str = "a campaign is over if and only if its lock is free, and then its row has ended";
/// The same, checked only after a retry of unconfirmed rows, so that a path with one is found.
pub const WITHDRAWN_AFTER_RETRY: &str = "nobody is claimed who was withdrawn, in a retry of the unconfirmed";
/// No two claims of a row have the same attempt number.
pub const ATTEMPT: &str = "no two claims of a row have the same attempt number";
/// What SES reports of an attempt is about one e-mail.
pub const TAGS: &str = "no two e-mails have the same attempt in their tags";

/// Not desired, but possible: the sweep skips campaigns that are over. Such a claim holds no row, and does not affect a
/// retry.
pub const OUTLIVES: &str = "a claim is open whose campaign is over";

/// All of them.
pub fn properties() -> Vec<Property<Delivery>> {
    vec![
        Property::always(TWICE, |_, state: &State| state.truth.unasked < 2),
        Property::always(ACCEPTED, |_, state: &State| !state.truth.claimed_accepted),
        Property::always(WITNESS, |_, state: &State| {
            !(state.row.outcome == Outcome::Queued && state.campaign.state.sends()) || has_witness(state)
        }),
        Property::always(WITHDRAWN, |_, state: &State| !state.truth.claimed_withdrawn),
        Property::always(WITHDRAWN_AFTER_RETRY, |_, state: &State| {
            !(state.truth.claimed_withdrawn && state.truth.was_retried)
        }),
        Property::always(DIGEST, |_, state: &State| {
            let newest = (0..u8::BITS as u8).rev().find(|password| state.truth.may_have_left & (1 << password) != 0);
            state.person.invitation.status != PortalStatus::Pending || state.person.invitation.digest == newest
        }),
        Property::always(END, |_, state: &State| {
            state.campaign.over != state.locked && (!state.campaign.over || state.row.outcome.is_end())
        }),
        Property::always(ATTEMPT, |_, state: &State| !state.truth.attempt_reused),
        Property::always(TAGS, |_, state: &State| !state.truth.tags_reused),
        Property::sometimes(OUTLIVES, |_, state: &State| state.campaign.over && state.open_claims != 0),
    ]
}

/// A deleted message does not count although its invocation is alive, because it does not come again if that is killed.
fn has_witness(state: &State) -> bool {
    let in_flight = |message| matches!(message, Message::Own | Message::Shared);
    state.waiting > 0
        || state.invocations.iter().any(|invocation| in_flight(invocation.message))
        || !state.cursor.done
        || state.open_claims != 0
}

/// Explores all states and asserts all properties. Returns the number of states.
pub fn assert_all(budget: Budget) -> usize {
    let begun = std::time::Instant::now();
    let checker = Delivery::new(Protocol::MENDED, budget).checker().spawn_bfs().join();
    let failures = checker.discoveries().into_iter().filter(|(name, _)| *name != OUTLIVES);
    let broken: Vec<_> = failures.map(|(name, path)| (name, told(&path.into_vec()))).collect();
    assert!(broken.is_empty(), "not so: {broken:#?}");
    eprintln!(
        "{} states, {} deep, in {:?}: {budget:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed()
    );
    checker.unique_state_count()
}

/// A nearly shortest path to a state that violates the property.
pub fn counterexample(model: Delivery, property: &'static str) -> Vec<Action> {
    let only = HasDiscoveries::AnyOf([property].into());
    let checker = model.checker().finish_when(only).spawn_bfs().join();
    let path = checker.discovery(property).unwrap_or_else(|| panic!("always so: {property}"));
    let holds = properties().into_iter().find(|known| known.name == property).expect("a property").condition;
    // The checker continues for a while and keeps the last path that it finds.
    let mut steps = path.into_vec();
    let broken = steps.iter().position(|(state, _)| !holds(checker.model(), state)).expect("a broken state");
    steps.truncate(broken + 1);
    steps[broken].1 = None;
    eprintln!("not so after {broken} steps: {property}\n{}", told(&steps));
    steps.into_iter().filter_map(|(_, action)| action).collect()
}

/// A path through the states, with a line for each step and the row and campaign before it.
pub fn told(steps: &[(State, Option<Action>)]) -> String {
    let line = |(state, action): &(State, Option<Action>)| {
        let State { row, campaign, open_claims, cursor, waiting, .. } = state;
        let action = action.map_or("end".to_owned(), |action| format!("{action:?}"));
        let walks = &cursor.walks;
        format!(
            "  {action:<44} {:?} attempt {}, {:?}, claims {open_claims:#b}, done {}, {walks:?}, {waiting} waiting\n",
            row.outcome, row.attempt, campaign.state, cursor.done
        )
    };
    steps.iter().map(line).collect()
}

/// States from which the system alone, without a kill, reaches neither the campaign's end nor a pause that only a
/// person ends.
pub fn stuck(protocol: Protocol, budget: Budget) -> Vec<State> {
    let model = Delivery::new(protocol, budget);
    let mut states = model.init_states();
    let mut known: HashMap<State, usize> = states.iter().cloned().zip(0..).collect();
    let mut came_from: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(after) = model.next_state(&state, action) else { continue };
            let index = *known.entry(after).or_insert_with_key(|after| {
                states.push(after.clone());
                came_from.push(Vec::new());
                states.len() - 1
            });
            if action.is_expected() {
                came_from[index].push(next);
            }
        }
        next += 1;
    }
    let mut rests: Vec<bool> = states.iter().map(|state| state.campaign.over || waits_for_a_person(state)).collect();
    let mut reached: Vec<usize> = (0..states.len()).filter(|index| rests[*index]).collect();
    while let Some(index) = reached.pop() {
        for before in came_from[index].drain(..) {
            if !std::mem::replace(&mut rests[before], true) {
                reached.push(before);
            }
        }
    }
    states.into_iter().zip(rests).filter(|(_, rests)| !rests).map(|(state, _)| state).collect()
}

fn waits_for_a_person(state: &State) -> bool {
    use portal_domain::CampaignState::{Halted, Paused};
    matches!(state.campaign.state, Paused | Halted)
        && !state.campaign.reason.is_some_and(|reason| reason.is_transient())
}
