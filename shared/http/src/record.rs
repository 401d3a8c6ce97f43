//! What is noted of a request while it is answered, for its line in the log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Extensions;
use portal_domain::DivisionId;

/// Most divisions that a line in the log names.
const NAMED: usize = 20;

/// What is noted of one request; all its copies are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    /// The caller's `sub`.
    caller: Option<String>,
    /// The divisions that the caller was asked for; `None` as long as nothing was asked.
    divisions: Option<BTreeSet<DivisionId>>,
}

/// How many rows an answer has: an extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct Rows(pub usize);

impl Record {
    /// The record of the request with these extensions; a new one if it has none.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Notes who calls, also if they are refused.
    pub fn called_by(&self, sub: &str) {
        self.noted().caller = Some(sub.to_owned());
    }

    /// Notes that it was asked whether the caller may act in this division, or in which they may.
    pub fn asked(&self, division: Option<&DivisionId>) {
        self.noted().divisions.get_or_insert_default().extend(division.cloned());
    }

    /// Whether anything was asked.
    pub fn has_asked(&self) -> bool {
        self.noted().divisions.is_some()
    }

    /// The caller's `sub`; `none` of who is signed in to nothing.
    pub fn caller(&self) -> String {
        self.noted().caller.clone().unwrap_or_else(|| "none".to_owned())
    }

    /// The divisions that were asked for: the first of them, and how many more.
    pub fn divisions(&self) -> String {
        let noted = self.noted();
        let divisions = noted.divisions.iter().flatten();
        let named: Vec<_> = divisions.clone().take(NAMED).map(DivisionId::as_str).collect();
        let more = divisions.count() - named.len();
        // As JSON, since an id may have commas, quotes and what else there is.
        let named = serde_json::json!(named).to_string();
        if more == 0 { named } else { format!("{named} and {more} more") }
    }

    /// A panic in between leaves no record half-written.
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
