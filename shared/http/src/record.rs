//! Data of a request, collected for its log line (guarantee 9).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Extensions;
use portal_domain::DivisionId;

/// Most divisions named in a log line.
const NAMED: usize = 20;

/// The record of one request, shared by its copies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    /// The caller's `sub`.
    caller: Option<String>,
    /// The divisions that were checked; `None` if none was checked yet.
    divisions: Option<BTreeSet<DivisionId>>,
}

/// Number of rows in an answer, as an extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct Rows(pub usize);

impl Record {
    /// The record of the request with these extensions; a new one if it has none.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Records the caller, also if they are refused.
    pub fn called_by(&self, sub: &str) {
        self.noted().caller = Some(sub.to_owned());
    }

    /// Records that the permission was checked for this division, or for which ones it was asked.
    pub fn asked(&self, division: Option<&DivisionId>) {
        self.noted().divisions.get_or_insert_default().extend(division.cloned());
    }

    /// Whether any check was made.
    pub fn has_asked(&self) -> bool {
        self.noted().divisions.is_some()
    }

    /// The caller's `sub`; `none` without a token.
    pub fn caller(&self) -> String {
        self.noted().caller.clone().unwrap_or_else(|| "none".to_owned())
    }

    /// The checked divisions: the first ones, and the number of others.
    pub fn divisions(&self) -> String {
        let noted = self.noted();
        let divisions = noted.divisions.iter().flatten();
        let named: Vec<_> = divisions.clone().take(NAMED).map(DivisionId::as_str).collect();
        let more = divisions.count() - named.len();
        // As JSON, because an id may contain commas, quotes and other separators.
        let named = serde_json::json!(named).to_string();
        if more == 0 { named } else { format!("{named} and {more} more") }
    }

    /// A panic in between leaves no record half-written.
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
