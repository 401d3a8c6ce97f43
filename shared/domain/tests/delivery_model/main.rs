//! The delivery protocol as a model, checked in every state that it can come to (guarantees 1, 2, 3, 5 and 8).
//!
//! The model has one recipient with one ledger row and one shard; messages, which two invocations of `deliver` receive,
//! perhaps both the same one; `fan-out`, the sweep, operators and the recipient. Each step is one call of a table, the
//! queue or SES, and any step may come between two others. Decisions are made by the project's own code:
//! `Outcome::after`, `CampaignState::after`, `Command::effect`, `judge`, `Known::told`. The conditions of the
//! transactions are restated here, next to the name of the function that has them.
//!
//! Not in it: pace and quiet hours, counters (a campaign's progress is read off the row), several rows in a message,
//! the writing of the ledger's pages, accounts that are linked and unlinked, earlier passwords of self-service,
//! bounces, rejected e-mails, halts. A call of a table is done or not done: an answer that is lost is a death right
//! after it.

mod bounds;
mod deliver;
mod domain;
mod people;
mod properties;
mod state;
mod system;

use portal_domain::campaign::Command;
use portal_domain::{Outcome, PortalStatus};
use stateright::{Checker, Model, Property};

use crate::bounds::{Budget, Protocol};
use crate::deliver::Deliver;
use crate::people::Deed;
use crate::properties::{
    OUTLIVES, TAGS, WITHDRAWN, WITHDRAWN_AFTER_RETRY, WITNESS, assert_all, counterexample, stuck, told,
};
use crate::state::{Invocation, Mailer, Prior, State};
use crate::system::System;

/// The model.
#[derive(Clone, Copy, Debug)]
struct Delivery {
    protocol: Protocol,
    budget: Budget,
    /// The recipient's state when the campaign begins.
    begins: &'static [Prior],
}

/// Never invited.
const NEVER: Prior = Prior { status: PortalStatus::NotSent, digest: None, invited_by: None };

/// Invited long ago.
const LONG_AGO: Prior = Prior { status: PortalStatus::Pending, digest: Some(0), invited_by: Some(Mailer::Older) };

impl Delivery {
    /// With every recipient.
    fn new(protocol: Protocol, budget: Budget) -> Self {
        Self { protocol, budget, begins: &[NEVER, LONG_AGO] }
    }
}

/// Whatever happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A step of the first or second invocation of `deliver`.
    Deliver(usize, Deliver),
    /// By `fan-out`, the sweep or SES.
    System(System),
    /// By somebody.
    Person(Deed),
}

impl Action {
    /// Whether it must happen eventually, without faults and without acts of people.
    fn is_expected(self) -> bool {
        match self {
            Self::Deliver(_, action) => action.is_expected(),
            Self::System(action) => action.is_expected(),
            Self::Person(_) => false,
        }
    }
}

impl Model for Delivery {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.begins.iter().map(|invitation| State::begin(*invitation, self.budget)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..state.invocations.len() {
            actions.extend(deliver::actions(state, index).into_iter().map(|action| Action::Deliver(index, action)));
        }
        actions.extend(system::actions(state).into_iter().map(Action::System));
        actions.extend(people::actions(state).into_iter().map(Action::Person));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Deliver(index, action) => deliver::act(&mut next, self.protocol, index, action),
            Action::System(action) => system::act(&mut next, self.protocol, action),
            Action::Person(deed) => people::act(&mut next, deed),
        }
        system::prepare(&mut next);
        let next = next.normalised();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}

const QUIET: Budget = Budget { passwords: 3, ..Budget::NOTHING };

#[test]
fn every_property_holds_while_two_functions_are_killed() {
    assert_all(Budget { deaths: 2, ..QUIET });
}

#[test]
fn every_property_holds_while_claims_run_out_under_functions_that_still_record() {
    assert_all(Budget { passwords: 2, deaths: 1, zombies: 1, retries: 1, ..QUIET });
}

#[test]
fn every_property_holds_while_operators_pause_resume_and_cancel() {
    assert_all(Budget { passwords: 2, deaths: 1, pauses: 1, resumes: 1, cancels: 1, ..QUIET });
}

#[test]
fn every_property_holds_while_quota_runs_out_and_messages_die() {
    assert_all(Budget { quota_pauses: 1, dead_letters: 1, deaths: 1, passwords: 2, ..QUIET });
}

#[test]
fn every_property_holds_while_operators_settle_and_retry_and_ses_reports() {
    assert_all(Budget { retries: 1, settles: 1, confirmations: 1, dead_letters: 1, ..QUIET });
}

#[test]
fn every_property_holds_with_withdrawals_acceptances_and_another_campaign() {
    assert_all(Budget { withdrawals: 1, acceptances: 1, other_mails: 1, retries: 1, ..QUIET });
}

/// With more at once: `DELIVERY_BUDGET` has the numbers of [`Budget::parse`].
/// `CARGO_PROFILE_DEV_OPT_LEVEL=2 cargo test -p portal-domain --test delivery_model -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn every_property_holds_while_more_of_that_happens_at_once() {
    let budget = std::env::var("DELIVERY_BUDGET").unwrap_or_else(|_| "3,1,1,0,0,0,0,1,1,0,0,0,0,0".to_owned());
    assert_all(Budget::parse(&budget));
}

#[test]
fn from_every_state_the_campaign_can_end_or_wait_for_a_person() {
    let budget = Budget { passwords: 2, deaths: 1, pauses: 1, resumes: 1, cancels: 1, ..QUIET };
    let stuck = stuck(Protocol::MENDED, budget);
    assert!(stuck.is_empty(), "{} states, such as {:#?}", stuck.len(), stuck.first());
}

#[test]
fn a_claim_may_be_open_when_its_campaign_is_over() {
    let model = Delivery::new(Protocol::MENDED, Budget { deaths: 1, passwords: 1, ..QUIET });
    assert!(model.checker().spawn_bfs().join().discovery(OUTLIVES).is_some());
}

#[test]
fn without_open_claims_a_row_is_left_without_a_message() {
    let before = Protocol { claims_stay_open_until_queued: false, ..Protocol::MENDED };
    let budget = Budget { passwords: 2, deaths: 1, ..QUIET };
    counterexample(Delivery::new(before, budget), WITNESS);
    let lost = |state: &State| state.cursor.done && state.invocations == [Invocation::IDLE; 2];
    let lost = stuck(before, budget).into_iter().find(lost).expect("a campaign that never ends");
    eprintln!("never ends:\n{}", told(&[(lost, None)]));
}

#[test]
fn without_recorded_withdrawals_a_withdrawn_person_is_mailed_after_throttling() {
    let before = Protocol { withdrawals_bind: false, ..Protocol::MENDED };
    let model = Delivery { begins: &[NEVER], ..Delivery::new(before, Budget { withdrawals: 1, ..QUIET }) };
    counterexample(model, WITHDRAWN);
}

#[test]
fn without_a_memory_of_withdrawals_who_was_withdrawn_is_mailed_after_a_retry() {
    let before = Protocol { withdrawals_bind: false, ..Protocol::MENDED };
    let budget = Budget { withdrawals: 1, retries: 1, ..QUIET };
    let model = Delivery { begins: &[NEVER], ..Delivery::new(before, Budget { passwords: 2, ..budget }) };
    let after_retry = counterexample(model, WITHDRAWN_AFTER_RETRY);
    assert!(after_retry.contains(&Action::Person(Deed::Commands(Command::Retry(Outcome::Unconfirmed)))));
}

#[test]
fn without_recorded_withdrawals_an_older_campaign_mails_a_withdrawn_person() {
    let before = Protocol { withdrawals_bind: false, ..Protocol::MENDED };
    let model = Delivery { begins: &[LONG_AGO], ..Delivery::new(before, Budget { withdrawals: 1, ..QUIET }) };
    counterexample(model, WITHDRAWN);
}

#[test]
fn without_a_condition_on_the_attempt_two_e_mails_have_the_same_tags() {
    let before = Protocol { claims_check_the_attempt: false, ..Protocol::MENDED };
    let budget = Budget { passwords: 2, retries: 1, ..QUIET };
    counterexample(Delivery::new(before, budget), TAGS);
}
