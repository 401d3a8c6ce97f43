//! `GET /v1/recipients`: who is behind a count, as JSON or CSV.

mod page;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use portal_domain::{AccountId, Filter, PortalStatus, Recipient, RecipientId};
use portal_http::csv::{Table, wants_csv};
use portal_http::filter::read_filter;
use portal_http::{Problem, Query, cursor};
use serde::Serialize;

use crate::Load;
use page::{Bounds, Position, fill};

/// Rows in a page of JSON, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 100;

/// Most rows in a page of JSON.
const MOST_ROWS: u64 = 1_000;

/// Rows in a page of CSV, unless the caller asks for fewer.
const CSV_ROWS: u64 = 5_000;

/// Bytes in a page. Lambda ends an answer at 6 MB, in which each quote of the body counts twice.
const MOST_BYTES: usize = 4_000_000;

/// Time to fill a page, after which it is answered as it is. API Gateway gives up on a function after 29 seconds.
const MOST_TIME: Duration = Duration::from_secs(15);

const COLUMNS: [&str; 8] =
    ["recipientId", "email", "name", "accountIds", "accounts", "status", "lastInvitedAt", "expiresAt"];

/// One recipient of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    recipient_id: RecipientId,
    email: String,
    name: String,
    /// The first accounts by id, 20 at most.
    account_ids: Vec<AccountId>,
    /// All of them.
    accounts: u32,
    status: PortalStatus,
    last_invited_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl From<Recipient> for Row {
    fn from(recipient: Recipient) -> Self {
        Self {
            recipient_id: recipient.recipient_id,
            name: recipient.name().to_owned(),
            email: recipient.email.to_string(),
            accounts: recipient.links.account_count,
            account_ids: recipient.links.accounts.into_iter().map(|account| account.account_id).collect(),
            status: recipient.status,
            last_invited_at: recipient.last_invited_at,
            expires_at: recipient.expires_at,
        }
    }
}

impl Row {
    fn cells(&self) -> [String; COLUMNS.len()] {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let account_ids: Vec<&str> = self.account_ids.iter().map(AccountId::as_str).collect();
        [
            self.recipient_id.to_string(),
            self.email.clone(),
            self.name.clone(),
            account_ids.join("; "),
            self.accounts.to_string(),
            self.status.to_string(),
            time(self.last_invited_at),
            time(self.expires_at),
        ]
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    items: Vec<Row>,
    next_cursor: Option<String>,
}

/// What a cursor belongs to.
#[derive(Serialize)]
struct List<'a>(&'static str, &'a Filter, Option<PortalStatus>);

pub(crate) async fn list(State(load): State<Arc<Load>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let until = Instant::now() + MOST_TIME;
    let csv = wants_csv(&headers);
    let (default, most) = if csv { (CSV_ROWS, CSV_ROWS) } else { (DEFAULT_LIMIT, MOST_ROWS) };
    let (filter, status, limit, cursor) = Query::of(&uri).read(|fields| {
        let filter = read_filter(fields);
        let status = fields.optional_choice("status", "accepted, pending, notSent", PortalStatus::parse);
        (filter, status, fields.optional_number("limit", 1..=most), fields.optional_text("cursor", 1_000))
    })?;
    let list = List("recipients", &filter, status);
    let from = cursor.map(|cursor| cursor::decode(&list, &cursor)).transpose()?.unwrap_or(Position::START);
    load.division(&filter.division).await?;

    let bounds = Bounds { rows: limit.unwrap_or(default) as usize, bytes: MOST_BYTES, until };
    let (items, next) = fill(&load.directory, &filter, status, from, bounds).await?;
    let next_cursor = next.map(|next| cursor::encode(&list, &next)).transpose().map_err(Problem::internal)?;
    if !csv {
        return Ok(Json(Answer { items, next_cursor }).into_response());
    }
    let mut table = Table::new(&COLUMNS).map_err(Problem::internal)?;
    for row in items {
        table.push(&row.cells()).map_err(Problem::internal)?;
    }
    table.into_response("recipients.csv", &uri, next_cursor.as_deref())
}
