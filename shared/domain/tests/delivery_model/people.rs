//! What operators and customers do.

use portal_domain::campaign::{Command, Effect};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{Outcome, PortalStatus};

use crate::domain::{campaign, now};
use crate::state::{Mailer, Prior, State, Task};
use crate::system::{Walks, has_room_for_a_walk, set_walks};

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// An operator commands the campaign.
    Commands(Command),
    /// An operator decides that the e-mail of an `unconfirmed` row left, or did not.
    Settles(LedgerEvent),
    /// An operator withdraws the invitation.
    Withdraws,
    /// The recipient accepts.
    Accepts,
    /// Another campaign mails the recipient.
    IsMailedByAnother,
}

/// What people can do.
pub fn actions(state: &State) -> Vec<Deed> {
    let mut actions = Vec::new();
    let budget = &state.budget;
    let stored = campaign(&state.campaign);
    for command in Command::ALL {
        let left = match command {
            Command::Pause => budget.pauses,
            Command::Resume(_) => budget.resumes,
            Command::Cancel => budget.cancels,
            Command::Retry(_) => budget.retries,
        };
        let useful = match command {
            Command::Retry(outcome) => state.row.outcome == outcome && state.truth.passwords < state.budget.passwords,
            Command::Resume(_) => has_room_for_a_walk(state),
            Command::Pause | Command::Cancel => true,
        };
        if left > 0 && useful && matches!(command.effect(&stored, now()), Effect::Moves(..)) {
            actions.push(Deed::Commands(command));
        }
    }
    for event in [LedgerEvent::SettleSent, LedgerEvent::SettleFailed] {
        if budget.settles > 0 && state.row.outcome.after(event).is_some() {
            actions.push(Deed::Settles(event));
        }
    }
    let Prior { status, digest, invited_by } = state.person.invitation;
    if budget.withdrawals > 0 && status == PortalStatus::Pending {
        actions.push(Deed::Withdraws);
    }
    let has_it = digest.is_some_and(|digest| state.truth.left & (1 << digest) != 0);
    if budget.acceptances > 0 && status == PortalStatus::Pending && has_it {
        actions.push(Deed::Accepts);
    }
    // A self-service campaign waits while a claim of the last campaign is not recorded.
    let being_mailed = invited_by == Some(Mailer::Ours) && state.row.outcome == Outcome::Claimed;
    let passwords_left = state.truth.passwords < state.budget.passwords;
    if budget.other_mails > 0 && status == PortalStatus::Pending && !being_mailed && passwords_left {
        actions.push(Deed::IsMailedByAnother);
    }
    actions
}

/// Does it.
pub fn act(state: &mut State, action: Deed) {
    match action {
        Deed::Commands(command) => obey(state, command),
        Deed::Settles(event) => {
            state.budget.settles -= 1;
            if let Some(outcome) = state.row.outcome.after(event) {
                state.row.outcome = outcome;
            }
            if event == LedgerEvent::SettleFailed {
                state.truth.unasked = 0;
            }
        }
        Deed::Withdraws => {
            state.budget.withdrawals -= 1;
            let invitation = &mut state.person.invitation;
            invitation.status = PortalStatus::NotSent;
            invitation.digest = None;
            state.person.withdrawn = Some(invitation.invited_by);
            state.recipient_changed();
            state.truth.may_have_left = 0;
        }
        Deed::Accepts => {
            state.budget.acceptances -= 1;
            let invitation = &mut state.person.invitation;
            invitation.status = PortalStatus::Accepted;
            invitation.digest = None;
            state.recipient_changed();
            state.truth.may_have_left = 0;
        }
        Deed::IsMailedByAnother => {
            state.budget.other_mails -= 1;
            state.truth.passwords += 1;
            let password = state.truth.passwords;
            state.truth.left |= 1 << password;
            state.truth.may_have_left |= 1 << password;
            state.person.invitation =
                Prior { status: PortalStatus::Pending, digest: Some(password), invited_by: Some(Mailer::Other) };
            state.recipient_changed();
        }
    }
}

fn obey(state: &mut State, command: Command) {
    let Effect::Moves(next, reason) = command.effect(&campaign(&state.campaign), now()) else { return };
    state.campaign.state = next;
    state.campaign.reason = reason;
    match command {
        Command::Pause => state.budget.pauses -= 1,
        Command::Resume(_) => {
            state.budget.resumes -= 1;
            set_walks(state, Walks::Then(Task::Requeue));
        }
        Command::Cancel => {
            state.budget.cancels -= 1;
            set_walks(state, Walks::Only(Task::Cancel));
        }
        Command::Retry(outcome) => {
            state.budget.retries -= 1;
            state.campaign.over = false;
            state.campaign.retrying = Some(outcome);
            state.locked = true;
            let task = if outcome == Outcome::Failed { Task::RetryFailed } else { Task::RetryUnconfirmed };
            set_walks(state, Walks::Only(task));
        }
    }
}
