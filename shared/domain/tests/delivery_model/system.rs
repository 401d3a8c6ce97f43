//! The steps of `fan-out`, the sweep and the campaign's own transitions.

use portal_domain::campaign::{CampaignEvent, StateReason};
use portal_domain::feedback::{Known, Report};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignState, Outcome};

use crate::bounds::Protocol;
use crate::deliver::{queue, record};
use crate::domain::campaign;
use crate::state::{Password, State, Step, Task};

/// Most walks that a cursor remembers in the model: commands that would add more come later.
const MOST_WALKS: usize = 3;

/// What the system does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// An invocation of `fan-out` queues the cursor's page, and reads the next.
    FanOutReads,
    /// It writes the next page, if nobody moved the cursor.
    FanOutWrites,
    /// It is killed.
    FanOutDies,
    /// The sweep makes rows `unconfirmed` that are `claimed` under an expired claim. Before the correction, this closes
    /// the claim too.
    Settle(Password),
    /// The sweep queues the claim's recipients who are `queued`.
    QueueOfClaim,
    /// The sweep deletes the claim.
    DeleteClaim,
    /// The sweep is killed.
    SweepDies,
    /// Somebody moves the campaign on.
    Advance,
    /// The sweep starts a walk in a cancelled campaign that skips rows that came back to `queued`.
    SkipStragglers,
    /// The sweep resumes a campaign that waited for quota.
    ResumeByItself,
    /// A message died; the sweep fails its row.
    DeadLetter,
    /// SES reports that the e-mail of the newest attempt left.
    Confirm,
}

impl System {
    /// Whether it must happen eventually, without faults.
    pub fn is_expected(self) -> bool {
        !matches!(self, Self::FanOutDies | Self::SweepDies | Self::DeadLetter | Self::Confirm)
    }
}

/// What the system can do.
pub fn actions(state: &State) -> Vec<System> {
    let mut actions = Vec::new();
    let die = state.budget.deaths > 0;
    match state.fan_out {
        None if !state.cursor.done && campaign(&state.campaign).fans_out() => actions.push(System::FanOutReads),
        None => {}
        Some(_) => {
            actions.push(System::FanOutWrites);
            actions.extend(die.then_some(System::FanOutDies));
        }
    }
    match state.sweep {
        None => {
            let open = (1..=state.truth.passwords).filter(|claim| state.open_claims & (1 << claim) != 0);
            let zombie = state.budget.zombies > 0;
            let run_out = open.filter(|claim| match owner(state, *claim) {
                Some(Step::Claimed(..)) => false,
                Some(_) => zombie,
                None => true,
            });
            actions.extend(run_out.map(System::Settle));
        }
        Some((_, queued)) => {
            actions.push(if queued { System::DeleteClaim } else { System::QueueOfClaim });
            actions.extend(die.then_some(System::SweepDies));
        }
    }
    actions.extend(event(state).is_some().then_some(System::Advance));
    let stragglers = state.campaign.state == CampaignState::Cancelled
        && !state.campaign.over
        && state.cursor.done
        && state.row.outcome == Outcome::Queued
        && (1..=state.truth.passwords)
            .all(|claim| state.open_claims & (1 << claim) == 0 || owner(state, claim).is_none());
    actions.extend(stragglers.then_some(System::SkipStragglers));
    let waits = state.campaign.state == CampaignState::Paused && state.campaign.reason == Some(StateReason::DailyQuota);
    actions.extend((waits && has_room_for_a_walk(state)).then_some(System::ResumeByItself));
    actions.extend((state.waiting > 0 && state.budget.dead_letters > 0).then_some(System::DeadLetter));
    let told = confirmation(state).is_some();
    actions.extend((told && state.budget.confirmations > 0).then_some(System::Confirm));
    actions
}

/// Does it.
pub fn act(state: &mut State, protocol: Protocol, action: System) {
    match action {
        System::FanOutReads => {
            if state.campaign.state.works() && state.cursor.to_queue {
                queue(state);
            }
            let task = state.cursor.walks.first();
            state.fan_out = Some(task.is_some_and(|task| task.outcome() == state.row.outcome).then_some(state.row));
        }
        System::FanOutWrites => write_page(state),
        System::FanOutDies => {
            state.budget.deaths -= 1;
            state.fan_out = None;
        }
        System::Settle(claim) => {
            state.budget.zombies -= u8::from(owner(state, claim).is_some());
            let open = state.open_claims;
            record(state, protocol, claim, LedgerEvent::LoseTrack, None);
            if protocol.claims_stay_open_until_queued {
                state.open_claims = open;
                state.sweep = Some((claim, false));
            }
        }
        System::QueueOfClaim => {
            if state.row.outcome == Outcome::Queued {
                queue(state);
            }
            state.sweep = state.sweep.map(|(claim, _)| (claim, true));
        }
        System::DeleteClaim => {
            if let Some((claim, _)) = state.sweep.take() {
                state.open_claims &= !(1 << claim);
            }
        }
        System::SweepDies => {
            state.budget.deaths -= 1;
            state.sweep = None;
        }
        System::Advance => {
            let Some((after, over)) = event(state) else { return };
            state.campaign.state = after;
            state.campaign.reason = None;
            state.campaign.over = over;
            state.locked &= !over;
        }
        System::SkipStragglers => set_walks(state, Walks::Only(Task::Cancel)),
        System::ResumeByItself => {
            let Some(next) = state.campaign.state.after(CampaignEvent::Resume) else { return };
            state.campaign.state = next;
            state.campaign.reason = None;
            set_walks(state, Walks::Then(Task::Requeue));
        }
        System::DeadLetter => {
            state.budget.dead_letters -= 1;
            state.waiting -= 1;
            if state.campaign.state.sends()
                && let Some(failed) = state.row.outcome.after(LedgerEvent::GiveUp)
            {
                state.row.outcome = failed;
            }
        }
        System::Confirm => {
            let Some(outcome) = confirmation(state) else { return };
            state.budget.confirmations -= 1;
            state.row.outcome = outcome;
        }
    }
}

/// The walks that a change of state gives the shard.
#[derive(Clone, Copy, Debug)]
pub enum Walks {
    /// This walk, after those that it is at.
    Then(Task),
    /// This walk alone.
    Only(Task),
}

/// Gives the shard a walk. An invocation working on the cursor fails with its next page.
pub fn set_walks(state: &mut State, walks: Walks) {
    match walks {
        Walks::Then(task) => state.cursor.walks.push(task),
        Walks::Only(task) => state.cursor.walks = vec![task],
    }
    state.cursor.done = false;
    state.cursor.to_queue = false;
    state.fan_out = None;
}

/// Whether another command may add a walk.
pub fn has_room_for_a_walk(state: &State) -> bool {
    state.cursor.walks.len() < MOST_WALKS
}

/// Stops the campaign by itself, if its state allows it.
pub fn stop_by_itself(state: &mut State, event: CampaignEvent, reason: StateReason) {
    if let Some(next) = state.campaign.state.after(event) {
        state.campaign.state = next;
        state.campaign.reason = Some(reason);
    }
}

fn write_page(state: &mut State) {
    let Some(found) = state.fan_out.take() else { return };
    let Some(task) = (!state.cursor.walks.is_empty()).then(|| state.cursor.walks.remove(0)) else {
        // The audience has no more pages.
        state.cursor.to_queue = false;
        state.cursor.done = true;
        return;
    };
    state.cursor.to_queue = found.is_some() && task != Task::Cancel;
    state.cursor.done = state.cursor.walks.is_empty() && !state.cursor.to_queue;
    let Some(event) = task.event() else { return };
    let Some(read) = found else { return };
    let unchanged = read.outcome == state.row.outcome && read.attempt == state.row.attempt;
    match state.row.outcome.after(event).filter(|_| unchanged) {
        Some(outcome) => {
            if task == Task::RetryUnconfirmed {
                state.truth.unasked = 0;
                state.truth.was_retried = true;
            }
            state.row.outcome = outcome;
        }
        None => state.cursor.to_queue = false,
    }
}

/// The progress of the invocation that made a claim; `None` if it was killed.
fn owner(state: &State, claim: Password) -> Option<Step> {
    state.invocations.iter().map(|invocation| invocation.step).find(|step| step.claim() == Some(claim))
}

/// Moves a campaign with a complete ledger on. No step differs between `sending` and `preparing`, so this may happen at
/// once.
pub fn prepare(state: &mut State) {
    if let Some((next, false)) = event(state) {
        state.campaign.state = next;
    }
}

/// The effect of the ledger on the campaign's state, and whether it is over then. Mirrors `Progress::event` and
/// `advance`.
fn event(state: &State) -> Option<(CampaignState, bool)> {
    if state.campaign.over || !state.cursor.done {
        return None;
    }
    let over = state.row.outcome.is_end();
    let event = if over { CampaignEvent::AllEnded } else { CampaignEvent::Prepared };
    Some((state.campaign.state.after(event)?, over))
}

/// The row's outcome after SES's report of the newest attempt, if an e-mail of that attempt left and it changes
/// anything.
fn confirmation(state: &State) -> Option<Outcome> {
    let attempt = u32::from(state.row.attempt);
    let known = Known { outcome: state.row.outcome, attempt, standing: None };
    known
        .told(attempt, Report::Sent)
        .event
        .filter(|_| state.truth.newest_left)
        .and_then(|event| state.row.outcome.after(event))
}
