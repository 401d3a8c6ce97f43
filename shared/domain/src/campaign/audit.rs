//! The audit trail: who did what to a campaign, a recipient or a schedule, and when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CampaignState, StateReason};
use crate::outcome::Outcomes;
use crate::{ByName, InSeconds, Outcome};

/// The actor's name when the system acts.
pub const SYSTEM: &str = "system";

/// The actor's name when the customer acts, who is the recipient of the entry.
pub const CUSTOMER: &str = "customer";

/// A person's permanent identity. An address, and even a user name, may be given to somebody else later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Operator")]
pub struct Person {
    /// The user's `sub` in the user pool, which never changes and is never reused.
    pub sub: String,
    /// The user name.
    pub user: String,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name to show: a person's verified address, or else user name; [`SYSTEM`] or [`CUSTOMER`].
    pub name: String,
    /// The person; `None` if the system or a customer acts, or if the person is unknown.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// An undeliverable recipient was cleared.
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

/// A trail, newest first, for people. A resumed campaign walks its ledger again and is prepared again; only the first
/// of these entries is shown.
pub fn shown(mut trail: Vec<AuditEntry>) -> Vec<AuditEntry> {
    let first = trail.iter().rposition(|entry| entry.action == Action::Prepared);
    let mut index = 0..;
    trail.retain(|entry| index.next() == first || entry.action != Action::Prepared);
    trail.iter_mut().for_each(|entry| entry.at = entry.at.in_seconds());
    trail
}

/// One entry of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// A person's name, or `system`.
    pub by: String,
    /// The person's permanent identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// What was done.
    pub action: ByName<Action>,
    /// State of the campaign after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CampaignState>,
    /// Why, where there is a choice of reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ByName<StateReason>>,
    /// The outcome that was retried, or settled as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How many recipients it concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<u64>,
    /// Why, in the words of the person who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The campaign's summary, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

impl AuditEntry {
    /// An entry without further details.
    pub fn new(at: Timestamp, by: impl Into<Actor>, action: Action) -> Self {
        let Actor { name, person } = by.into();
        Self {
            at,
            by: name,
            person,
            action: action.into(),
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
        let of = |trail: Vec<AuditEntry>| {
            shown(trail).into_iter().filter_map(|entry| entry.action.known()).collect::<Vec<_>>()
        };
        assert_eq!(of(entries.to_vec()), &actions[1..]);
        assert_eq!(of(entries[..3].to_vec()), &actions[..3], "one that is resumed before its list is complete");
        assert_eq!(of(entries[1..3].to_vec()), &actions[1..3]);
    }
}
