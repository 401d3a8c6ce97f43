//! `GET /v1/audit`: who exported, imported, deleted or changed what.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use jiff::{Timestamp, ToSpan};
use portal_aws::audit::{Wanted, first_id};
use portal_aws::clock;
use portal_domain::DivisionId;
use portal_domain::audit::Entry;
use portal_http::cursor::{Page, PageRequest};
use portal_http::query::moment;
use portal_http::{Caller, Problem, Query};

use crate::Load;
use crate::page::{MOST_BYTES, MOST_TIME, bytes};

/// Entries in a page, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 50;

/// Most entries in a page.
pub(crate) const MOST_ENTRIES: u64 = 500;

/// The query that a cursor is valid for.
type List<'a> = (&'static str, Option<&'a DivisionId>, Option<&'a str>, Option<Timestamp>, Option<Timestamp>);

pub(crate) async fn list(State(load): State<Arc<Load>>, caller: Caller, uri: Uri) -> Result<Page<Entry>, Problem> {
    let (division, actor, from, to, asked) = Query::of(&uri).read(|fields| {
        let division = fields.optional_id("division").map(DivisionId::new);
        let actor = fields.optional_text("actor", 256);
        let (from, to) = (moment(fields, "from", 0), moment(fields, "to", 1));
        (division, actor, from, to, PageRequest::read(fields, DEFAULT_LIMIT, MOST_ENTRIES))
    })?;
    let list: List<'_> = ("audit", division.as_ref(), actor.as_deref(), from, to);
    let cursor = asked.from(&list)?;
    if let Some(division) = &division {
        caller.require(division)?;
    }
    let permitted = caller.divisions();
    let is_wanted = |entry: &Entry| {
        let shown = entry.division.as_ref().is_none_or(|division| permitted.includes(division));
        shown && actor.as_deref().is_none_or(|actor| entry.is_by(actor))
    };

    let now = clock::now();
    let oldest = load.audit.oldest(now);
    let wanted = Wanted { division: division.as_ref(), from: from.unwrap_or(oldest).max(oldest) };
    // Includes what was written in this millisecond.
    let newest = to.unwrap_or(now + 1.millisecond());
    let mut next = Some(cursor.unwrap_or_else(|| first_id(newest)));
    let (mut entries, mut size): (Vec<Entry>, usize) = (Vec::new(), 0);
    let until = now + MOST_TIME;
    while let Some(before) = next.filter(|_| clock::now() < until) {
        let (page, after_page) = load.audit.page(&wanted, before).await?;
        next = after_page;
        for entry in page.into_iter().filter(is_wanted).map(Entry::shown) {
            size += bytes(&entry);
            if !entries.is_empty() && (entries.len() == asked.limit || size > MOST_BYTES) {
                next = entries.last().and_then(|last| last.entry_id.parse().ok());
                return Page::new(entries, &list, next.as_ref());
            }
            entries.push(entry);
        }
    }
    Page::new(entries, &list, next.as_ref())
}
