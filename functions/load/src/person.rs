//! `GET /v1/recipients/{recipientId}`: one person: what was sent to them, its outcome, and whether and why they would
//! be mailed now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use jiff::Timestamp;
use portal_aws::campaigns::ledger::history;
use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::campaign::{CampaignView, SelfService};
use portal_domain::feedback::Standing;
use portal_domain::selection::{Verdict, judge};
use portal_domain::{CampaignId, DivisionId, Filter, InSeconds, Outcome, Reason, Recipient, RecipientId, TemplateId};
use portal_http::{Caller, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Load;
use crate::recipients::row::Row;

/// Most campaigns, and entries of the audit trail, in a person's history.
const MOST_ENTRIES: usize = 50;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RecipientInFull")]
pub(crate) struct Person {
    #[serde(flatten)]
    row: Row,
    division: DivisionId,
    decision: Decision,
    /// The division's active campaign, if any, because of which no other can start (guarantee 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    active_campaign: Option<CampaignView>,
    /// When they accepted an invitation of this system.
    accepted_at: Option<Timestamp>,
    /// Operators' actions on the person, newest first.
    audit: Vec<AuditEntry>,
    /// Newest first.
    history: Vec<Entry>,
    more_history: bool,
}

/// Whether a campaign that started now would e-mail the person, and if not, why.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Decision {
    will_email: bool,
    reason: Option<Reason>,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { will_email: verdict == Verdict::Mail, reason: verdict.reason() }
    }
}

/// The person's outcome in one campaign.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PersonHistory")]
struct Entry {
    campaign_id: CampaignId,
    created_at: Timestamp,
    /// The former name of `createdAt`.
    #[schemars(extend("deprecated" = true))]
    started_at: Timestamp,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_service: Option<SelfService>,
    template_id: TemplateId,
    template_name: String,
    email_from: String,
    outcome: Outcome,
    reason: Option<String>,
    /// What SES reported later.
    standing: Option<Standing>,
    attempts: u32,
    /// The former name of `attempts`.
    #[schemars(extend("deprecated" = true))]
    attempt: u32,
    updated_at: Option<Timestamp>,
}

impl From<history::Entry> for Entry {
    fn from(history::Entry { campaign, row }: history::Entry) -> Self {
        Self {
            campaign_id: campaign.campaign_id,
            created_at: campaign.created_at.in_seconds(),
            started_at: campaign.created_at.in_seconds(),
            created_by: campaign.created_by,
            self_service: campaign.self_service.map(SelfService::shown),
            template_id: campaign.template_id,
            template_name: campaign.template_name,
            email_from: campaign.email_from,
            outcome: row.outcome,
            reason: row.reason,
            standing: row.standing,
            attempts: row.attempt,
            attempt: row.attempt,
            updated_at: row.updated_at.in_seconds(),
        }
    }
}

pub(crate) async fn one(
    State(load): State<Arc<Load>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Person>, Problem> {
    let (filter, include_recently_invited) =
        Query::of(&uri).read(|fields| (Filter::read(fields), fields.optional_bool("includeRecentlyInvited")))?;
    load.division(&caller, &filter.division).await?;
    let unknown = || Problem::not_found("There is no such recipient in this division.");
    let id: RecipientId = id.parse().map_err(|_| unknown())?;
    let item = load.directory.recipient(id).await?;
    let item = item.filter(|recipient| recipient.division == filter.division).ok_or_else(unknown)?;
    let accepted_at = item.acceptance.map(|acceptance| acceptance.at);
    let recipient = Recipient::from(item);

    let selected = load.directory.selected(&recipient, &filter).await?;
    let rules = crate::rules(include_recently_invited);
    let verdict = judge(&recipient, selected, rules);
    let history = load.ledger.history(id, MOST_ENTRIES).await?;
    let audit = load.trails.newest(id, MOST_ENTRIES).await?;
    let active_campaign = load.campaigns.in_the_way(&filter.division, rules.now).await?;
    Ok(Json(Person {
        active_campaign,
        division: recipient.division.clone(),
        row: Row::from(recipient),
        decision: verdict.into(),
        accepted_at: accepted_at.in_seconds(),
        audit: audit::shown(audit),
        history: history.entries.into_iter().map(Entry::from).collect(),
        more_history: history.more,
    }))
}
