//! The audit trail: who did what to a campaign or a recipient, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CampaignState, StateReason};
use crate::Outcome;
use crate::outcome::Outcomes;

/// Who acts when no person does.
pub const SYSTEM: &str = "system";

/// Who acts when a customer does: the recipient that the entry is about.
pub const CUSTOMER: &str = "customer";

/// Who a person is for certain. An address, and even a user name, may be somebody else's tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The `sub` of their user in the user pool: never changes, and is never given to another.
    pub sub: String,
    /// The user name.
    pub user: String,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name to show: a person's verified address, or else user name; [`SYSTEM`] or [`CUSTOMER`].
    pub name: String,
    /// The person; nobody where the system acts or a customer does, or it is not known.
    pub person: Option<Person>,
}

impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), person: None }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The campaign was started.
    Started,
    /// Its audience is complete.
    Prepared,
    /// It was paused.
    Paused,
    /// It was halted.
    Halted,
    /// It was resumed.
    Resumed,
    /// It was cancelled.
    Cancelled,
    /// Those with one outcome were queued again.
    Retried,
    /// Everybody who was queued was queued anew.
    Requeued,
    /// Unconfirmed recipients were settled.
    Settled,
    /// Every ledger row had an end state.
    Ended,
    /// A recipient whom mail did not reach may be mailed again.
    Cleared,
    /// A recipient accepted the invitation.
    Accepted,
    /// A recipient's invitation was withdrawn.
    Withdrawn,
    /// A recipient's acceptance was taken back.
    SetBack,
    /// A schedule was made.
    Created,
    /// A schedule was changed.
    Changed,
    /// A schedule was deleted.
    Deleted,
    /// The system turned a schedule off.
    TurnedOff,
}

/// A trail, newest first, as people read it. A campaign that was resumed goes through its list again, and is prepared
/// again; the list is complete once.
pub fn shown(mut trail: Vec<AuditEntry>) -> Vec<AuditEntry> {
    let first = trail.iter().rposition(|entry| entry.action == Action::Prepared);
    let mut index = 0..;
    trail.retain(|entry| index.next() == first || entry.action != Action::Prepared);
    trail
}

/// One entry of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// A person's name, or [`SYSTEM`].
    pub by: String,
    /// Who that person is for certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// What was done.
    pub action: Action,
    /// State of the campaign after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CampaignState>,
    /// Why, where there is a choice of reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<StateReason>,
    /// The outcome that was retried, or settled as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How many recipients it concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<u64>,
    /// Why, in the words of the person who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How everything went, at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

impl AuditEntry {
    /// An entry that says no more than this.
    pub fn new(at: Timestamp, by: impl Into<Actor>, action: Action) -> Self {
        let Actor { name, person } = by.into();
        Self {
            at,
            by: name,
            person,
            action,
            state: None,
            reason: None,
            outcome: None,
            recipients: None,
            note: None,
            outcomes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_complete_once_however_often_the_campaign_was_resumed() {
        let actions = [Action::Prepared, Action::Resumed, Action::Paused, Action::Prepared, Action::Started];
        let entries = actions.map(|action| AuditEntry::new(Timestamp::UNIX_EPOCH, SYSTEM, action));
        let of = |trail: Vec<AuditEntry>| shown(trail).into_iter().map(|entry| entry.action).collect::<Vec<_>>();
        assert_eq!(of(entries.to_vec()), &actions[1..]);
        assert_eq!(of(entries[..3].to_vec()), &actions[..3], "one that is resumed before its list is complete");
        assert_eq!(of(entries[1..3].to_vec()), &actions[1..3]);
    }
}
