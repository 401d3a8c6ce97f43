//! The audit: who exported, imported, deleted or changed what, when, and in which division.
//!
//! Actions on one campaign, recipient or schedule are in its own trail too (`campaign::audit`).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::campaign::audit::{Actor, Person};
use crate::{ByName, DivisionId, InSeconds};

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// A page of the recipients of a selection was exported.
    RecipientsExported,
    /// A page of the contacts without a usable address was exported.
    UnreachableExported,
    /// A page of a campaign's ledger was exported.
    LedgerExported,
    /// Everything that is stored of one person was exported, or a page of it.
    PersonExported,
    /// Accounts were posted.
    AccountsImported,
    /// An account was deleted.
    AccountDeleted,
    /// A person was erased on request.
    PersonErased,
    /// An erasure was taken back: imports may bring the address again.
    PersonReadmitted,
    /// A division was made or changed.
    DivisionStored,
    /// A template was made.
    TemplateCreated,
    /// A template got a new version.
    TemplateSaved,
    /// A template may be used for new campaigns again.
    TemplateActivated,
    /// A template may not be used for new campaigns any more.
    TemplateDeactivated,
    /// A schedule was made.
    ScheduleCreated,
    /// A schedule was changed.
    ScheduleChanged,
    /// A schedule was paused.
    SchedulePaused,
    /// A schedule was resumed.
    ScheduleResumed,
    /// A schedule was deleted.
    ScheduleDeleted,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// It was done.
    Done,
    /// It was refused: nothing has changed.
    Refused,
}

/// One entry of the audit. It is written before anything is done, and completed afterwards (guarantee 9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditEvent")]
pub struct Entry {
    /// A ULID: entries sort by the time at which they were made.
    pub entry_id: String,
    /// When.
    pub at: Timestamp,
    /// The name of who did it, as other operators see it.
    pub by: String,
    /// Who that is for certain.
    pub person: Option<Person>,
    /// What was done.
    pub deed: ByName<Deed>,
    /// In which division; none where it is about all of them.
    pub division: Option<DivisionId>,
    /// The id of the account, campaign, recipient, schedule or template; none where it is about the division.
    pub subject: Option<String>,
    /// How many rows were exported, or accounts posted.
    pub rows: Option<usize>,
    /// As it was.
    pub before: Option<Value>,
    /// The state after; for an export its query, for an import its result.
    pub after: Option<Value>,
    /// `None` while it runs. If it stays `None`, the function died meanwhile: all, a part or nothing of it may have
    /// been done.
    pub ending: Option<ByName<Ending>>,
}

impl Entry {
    /// An entry about something that begins.
    pub fn new(entry_id: String, at: Timestamp, by: Actor, deed: Deed) -> Self {
        let Actor { name: by, person } = by;
        let (division, subject, rows, before, after, ending) = (None, None, None, None, None, None);
        let deed = deed.into();
        Self { entry_id, at, by, person, deed, division, subject, rows, before, after, ending }
    }

    /// The entry for people.
    pub fn shown(self) -> Self {
        Self { at: self.at.in_seconds(), ..self }
    }

    /// Whether `actor` did this, given as `sub`, user name or shown name.
    pub fn is_by(&self, actor: &str) -> bool {
        let person = |person: &Person| person.sub == actor || person.user == actor;
        self.by == actor || self.person.as_ref().is_some_and(person)
    }
}
