//! `GET /v1/campaigns/{campaignId}/recipients`: what became of each recipient, and why.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use portal_aws::audit::Audit;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_domain::audit::{Deed, Entry};
use portal_domain::feedback::Standing;
use portal_domain::{CampaignId, InSeconds, Outcome, Recipient, RecipientId};
use portal_http::csv::{Table, wants_csv};
use portal_http::cursor::{Page, PageRequest};
use portal_http::words::{self, Clock};
use portal_http::{Caller, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use strum::VariantArray;

use crate::Campaigns;

/// Rows in a page of JSON, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 100;

/// Most rows in a page of JSON.
pub(crate) const MOST_ROWS: u64 = 1_000;

/// Rows in a page of CSV, unless the caller asks for fewer.
const CSV_ROWS: u64 = 5_000;

const COLUMNS: [&str; 10] = [
    "recipientId",
    "email",
    "name",
    "outcome",
    "reason",
    "standing",
    "standingDetail",
    "attempts",
    "messageId",
    "updatedAt",
];

/// One row of a campaign's ledger. Address and name are current, and empty if the recipient no longer exists.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LedgerRow")]
pub(crate) struct Row {
    recipient_id: RecipientId,
    email: String,
    name: String,
    outcome: Outcome,
    reason: Option<String>,
    /// What SES reported later, and its code for the cause.
    standing: Option<Standing>,
    standing_detail: Option<String>,
    attempts: u32,
    message_id: Option<String>,
    updated_at: Option<Timestamp>,
}

impl Row {
    fn new(row: LedgerItem, recipient: Option<&Recipient>) -> Self {
        Self {
            recipient_id: row.recipient_id,
            email: recipient.map(|recipient| recipient.email.to_string()).unwrap_or_default(),
            name: recipient.map(|recipient| recipient.name().to_owned()).unwrap_or_default(),
            outcome: row.outcome,
            reason: row.reason,
            standing: row.standing,
            standing_detail: row.standing_detail,
            attempts: row.attempt,
            message_id: row.message_id,
            updated_at: row.updated_at.in_seconds(),
        }
    }

    /// The cells of a file for people.
    fn cells_in_words(&self, clock: &Clock) -> Vec<String> {
        let became = words::became(self.reason.as_deref(), self.standing, self.standing_detail.as_deref());
        vec![
            self.email.clone(),
            self.name.clone(),
            words::outcome(self.outcome).to_owned(),
            became.into_owned(),
            clock.time(self.updated_at),
        ]
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        [
            self.recipient_id.to_string(),
            self.email.clone(),
            self.name.clone(),
            <&str>::from(self.outcome).to_owned(),
            self.reason.clone().unwrap_or_default(),
            self.standing.map(<&str>::from).unwrap_or_default().to_owned(),
            self.standing_detail.clone().unwrap_or_default(),
            self.attempts.to_string(),
            self.message_id.clone().unwrap_or_default(),
            self.updated_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    }
}

/// The outcomes that rows can be asked for by.
pub(crate) fn outcomes() -> Vec<&'static str> {
    Outcome::VARIANTS.iter().filter(|outcome| **outcome != Outcome::Unknown).map(<&str>::from).collect()
}

/// The query that a cursor of this list is valid for.
#[derive(Serialize)]
struct List(CampaignId, Option<Outcome>);

pub(crate) async fn recipients(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let csv = wants_csv(&headers);
    let (default, most) = if csv { (CSV_ROWS, CSV_ROWS) } else { (DEFAULT_LIMIT, MOST_ROWS) };
    let (outcome, page, in_words) = Query::of(&uri).read(|fields| {
        let outcome = fields.optional_text("outcome", 20).and_then(|name| {
            let names = outcomes();
            let outcome = names.contains(&name.as_str()).then(|| name.parse().ok()).flatten();
            if outcome.is_none() {
                fields.fault("outcome", format!("must be one of {}", names.join(", ")));
            }
            outcome
        });
        (outcome, PageRequest::read(fields, default, most), words::asked_for(fields))
    })?;
    let campaign = campaigns.campaign(&caller, &id).await?;
    let list = List(campaign.campaign_id, outcome);
    let (ledger, next) = campaigns.ledger.list(&campaign, outcome, page.from(&list)?, page.limit).await?;
    let ids: Vec<_> = ledger.iter().map(|row| row.recipient_id).collect();
    let known = campaigns.directory.recipients(&ids).await?;
    let known: HashMap<_, _> = known.into_iter().map(|item| (item.recipient_id, Recipient::from(item))).collect();
    let rows = ledger.into_iter().map(|row| {
        let recipient = known.get(&row.recipient_id);
        Row::new(row, recipient)
    });
    let page = Page::new(rows.collect(), &list, next.as_ref())?;
    if !csv {
        return Ok(page.into_response());
    }
    let entry = Audit::entry(caller.actor(), Deed::LedgerExported);
    let clock = in_words.then(|| Clock::new(&campaign.time_zone, campaign.zone()));
    let (division, subject) = (Some(campaign.filter.division), Some(campaign.campaign_id.to_string()));
    let (after, rows_exported) = (Some(json!({"outcome": outcome})), Some(page.items.len()));
    campaigns.audit.record(Entry { division, subject, after, rows: rows_exported, ..entry }).await?;
    let mut table = match &clock {
        None => Table::new(&COLUMNS),
        Some(clock) => Table::new(&["E-mail address", "Name", "Outcome", "Why", &clock.column("When")]),
    }
    .map_err(Problem::internal)?;
    for row in page.items {
        match &clock {
            None => table.push(&row.cells()),
            Some(clock) => table.push(&row.cells_in_words(clock)),
        }
        .map_err(Problem::internal)?;
    }
    table.into_response("campaign-recipients.csv", &uri, page.next_cursor.as_deref())
}
