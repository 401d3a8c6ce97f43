//! The steps of `deliver`: one call of a table, the queue or SES each.

use portal_domain::campaign::{CampaignEvent, StateReason};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{Outcome, PortalStatus};

use crate::bounds::Protocol;
use crate::domain::{campaign, reason_against};
use crate::state::{Answer, Mailer, Message, Password, Person, Prior, Row, State, Step, Undo};
use crate::system;

/// Most messages that wait at once.
const MOST_WAITING: u8 = 2;

/// A step of an invocation or its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver {
    /// SQS calls an invocation with a message.
    Call,
    /// SQS calls an invocation with the message that the other one has.
    CallAgain,
    /// The next step, which has one possible result.
    Next,
    /// The quota is used up: it pauses the campaign and drops its message.
    QuotaUsedUp,
    /// SES answers.
    Ses(Answer),
    /// It is killed.
    Die,
}

impl Deliver {
    /// Whether it must happen eventually, without faults. SES may be busy any number of times, but not for ever.
    pub fn is_expected(self) -> bool {
        match self {
            Self::Call | Self::Next | Self::Ses(_) => true,
            Self::CallAgain | Self::QuotaUsedUp | Self::Die => false,
        }
    }
}

/// What the invocation can do next.
pub fn actions(state: &State, index: usize) -> Vec<Deliver> {
    let mut actions = Vec::new();
    let it = state.invocations[index];
    let other = state.invocations[1 - index];
    match it.step {
        Step::Idle => {
            // They are alike: the first that is idle is called.
            if index == 1 || other.step != Step::Idle {
                actions.extend((state.waiting > 0).then_some(Deliver::Call));
                actions.extend((other.message == Message::Own).then_some(Deliver::CallAgain));
            }
            return actions;
        }
        Step::Claimed(..) => {
            use Answer::*;
            let more = state.truth.passwords < state.budget.passwords;
            actions.extend([Accepted, Refused, LostAndLeft, LostAndNotLeft].map(Deliver::Ses));
            actions.extend([Throttled, Closed].into_iter().filter(|_| more).map(Deliver::Ses));
        }
        Step::Claims(..) => {
            actions.push(Deliver::Next);
            actions.extend((state.budget.quota_pauses > 0).then_some(Deliver::QuotaUsedUp));
        }
        _ => actions.push(Deliver::Next),
    }
    actions.extend((state.budget.deaths > 0).then_some(Deliver::Die));
    actions
}

/// Does it.
pub fn act(state: &mut State, protocol: Protocol, index: usize, action: Deliver) {
    match action {
        Deliver::Call => {
            state.waiting -= 1;
            start(state, index, Message::Own);
        }
        Deliver::CallAgain => {
            state.invocations[1 - index].message = Message::Shared;
            start(state, index, Message::Shared);
        }
        Deliver::Die => {
            state.budget.deaths -= 1;
            match end(state, index) {
                Message::Own => state.waiting += 1,
                Message::Shared => state.invocations[1 - index].message = Message::Own,
                Message::Deleted | Message::None => {}
            }
        }
        Deliver::QuotaUsedUp => {
            state.budget.quota_pauses -= 1;
            system::stop_by_itself(state, CampaignEvent::Pause, StateReason::DailyQuota);
            state.invocations[index].step = Step::Ends;
        }
        Deliver::Ses(answer) => {
            let Step::Claimed(claim, undo) = state.invocations[index].step else { return };
            if matches!(answer, Answer::Accepted | Answer::LostAndLeft) {
                state.truth.left |= 1 << claim;
                state.truth.newest_left = true;
                let attempt = 1 << state.row.attempt;
                if !protocol.claims_check_the_attempt {
                    state.truth.tags_reused |= state.truth.attempts_left & attempt != 0;
                    state.truth.attempts_left |= attempt;
                }
                state.truth.unasked = (state.truth.unasked + 1).min(2);
            }
            state.invocations[index].step = Step::Answered(claim, undo, answer);
        }
        Deliver::Next => {
            state.invocations[index].step = next(state, protocol, index);
        }
    }
}

fn start(state: &mut State, index: usize, message: Message) {
    state.invocations[index].message = message;
    state.invocations[index].step = read_row(state);
}

/// Ends the invocation. Returns what it knew of its message.
fn end(state: &mut State, index: usize) -> Message {
    state.invocations[index].step = Step::Idle;
    std::mem::replace(&mut state.invocations[index].message, Message::None)
}

/// Puts a message into the queue. More than two waiting messages make no difference.
pub fn queue(state: &mut State) {
    state.waiting = (state.waiting + 1).min(MOST_WAITING);
}

fn next(state: &mut State, protocol: Protocol, index: usize) -> Step {
    match state.invocations[index].step {
        Step::Called => read_row(state),
        Step::ReadRow(attempt) => decide(state, protocol, attempt),
        Step::Skips => match state.row.outcome.after(LedgerEvent::Skip) {
            Some(skipped) => {
                state.row.outcome = skipped;
                Step::Ends
            }
            None => Step::Called,
        },
        Step::Claims(attempt, current) => match claim(state, protocol, attempt, current) {
            Some((claim, prior)) => Step::Claimed(claim, Undo(prior)),
            None => Step::Called,
        },
        Step::Answered(claim, undo, answer) => {
            let event = match answer {
                Answer::Accepted => LedgerEvent::Accepted,
                Answer::Refused => LedgerEvent::Refused,
                Answer::Throttled | Answer::Closed => LedgerEvent::PutBack,
                Answer::LostAndLeft | Answer::LostAndNotLeft => LedgerEvent::LoseTrack,
            };
            record(state, protocol, claim, event, Some(undo.0));
            if event == LedgerEvent::PutBack { Step::PutBack(claim, answer == Answer::Closed) } else { Step::Ends }
        }
        Step::PutBack(claim, true) => {
            system::stop_by_itself(state, CampaignEvent::Pause, StateReason::AccountRefused);
            Step::PutBack(claim, false)
        }
        Step::PutBack(claim, false) => {
            queue(state);
            if protocol.claims_stay_open_until_queued { Step::QueuedAnew(claim) } else { Step::Ends }
        }
        Step::QueuedAnew(claim) => {
            state.open_claims &= !(1 << claim);
            Step::Ends
        }
        Step::Ends => {
            if end(state, index) == Message::Shared {
                state.invocations[1 - index].message = Message::Deleted;
            }
            Step::Idle
        }
        step @ (Step::Idle | Step::Claimed(..)) => step,
    }
}

/// Reads the campaign and the row. A batch read is no snapshot: the recipient may be read later, when the row's claim
/// is over. Reading the recipient before the row makes no further case, because only the stored version can be claimed.
fn read_row(state: &State) -> Step {
    if state.campaign.state.sends() && state.row.outcome == Outcome::Queued {
        Step::ReadRow(state.row.attempt)
    } else {
        Step::Ends
    }
}

/// Reads the recipient, and decides.
fn decide(state: &State, protocol: Protocol, attempt: u8) -> Step {
    match reason_against(protocol, &campaign(&state.campaign), &state.person) {
        Some(_) => Step::Skips,
        None => Step::Claims(attempt, true),
    }
}

/// The write that claims, with its conditions; returns the claim, and the recipient's state before it.
fn claim(state: &mut State, protocol: Protocol, attempt: u8, current: bool) -> Option<(Password, Prior)> {
    let Person { invitation, withdrawn } = state.person;
    let as_read = current && invitation.status != PortalStatus::Accepted;
    let queued = state.row.outcome == Outcome::Queued;
    if !as_read || !queued || (protocol.claims_check_the_attempt && state.row.attempt != attempt) {
        return None;
    }
    let claimed = state.row.outcome.after(LedgerEvent::Claim)?;
    let truth = &mut state.truth;
    truth.passwords += 1;
    let claim = truth.passwords;
    truth.claimed_accepted |= invitation.status == PortalStatus::Accepted;
    truth.claimed_withdrawn |= withdrawn.is_some();
    truth.may_have_left |= 1 << claim;
    truth.attempt_reused |= attempt < state.row.attempt;
    truth.newest_left = false;
    state.row = Row { outcome: claimed, attempt: attempt + 1, claim };
    state.person.invitation =
        Prior { status: PortalStatus::Pending, digest: Some(claim), invited_by: Some(Mailer::Ours) };
    state.recipient_changed();
    state.open_claims |= 1 << claim;
    Some((claim, invitation))
}

/// The one write that records a claim: the row if it is still this claim's, the recipient's prior state if its digest
/// still is, and the claim's end.
pub fn record(state: &mut State, protocol: Protocol, claim: Password, event: LedgerEvent, undo: Option<Prior>) {
    let mut waits = false;
    if state.row.claim == claim
        && let Some(outcome) = state.row.outcome.after(event)
    {
        state.row.outcome = outcome;
        waits = outcome == Outcome::Queued;
        if matches!(event, LedgerEvent::PutBack | LedgerEvent::Refused) {
            state.truth.may_have_left &= !(1 << claim);
            let invitation = state.person.invitation;
            let stands = invitation.digest == Some(claim) && invitation.status == PortalStatus::Pending;
            if let Some(prior) = undo.filter(|_| stands) {
                state.person.invitation = prior;
                state.recipient_changed();
            }
        }
    }
    if !(waits && protocol.claims_stay_open_until_queued) {
        state.open_claims &= !(1 << claim);
    }
}
