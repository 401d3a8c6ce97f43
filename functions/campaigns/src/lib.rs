//! `campaigns`: what campaigns did, and what became of each recipient.

mod ledger;

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::routing::get;
use axum::{Json, Router};
use portal_aws::campaigns::CampaignStore;
use portal_aws::clock;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::campaign::CampaignView;
use portal_domain::{Campaign, CampaignId, DivisionId};
use portal_http::{Permission, Problem, Query, cursor, require};
use serde::Serialize;

/// Campaigns in a page, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 20;

/// Most campaigns in a page.
const MOST_CAMPAIGNS: u64 = 100;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Campaigns {
    store: CampaignStore,
    directory: DirectoryReader,
}

impl Campaigns {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let directory = settings.required("DIRECTORY_TABLE")?;
        Ok(Self {
            store: CampaignStore::new(dynamo.clone(), settings.required("CAMPAIGNS_TABLE")?, directory.clone()),
            directory: DirectoryReader::new(dynamo, directory),
        })
    }

    async fn campaign(&self, id: &str) -> Result<Campaign, Problem> {
        let unknown = || Problem::not_found("There is no such campaign.");
        let id: CampaignId = id.parse().map_err(|_| unknown())?;
        self.store.campaign(id).await?.ok_or_else(unknown)
    }
}

/// The routes, guarded.
pub fn router(campaigns: Campaigns) -> Router {
    let routes = Router::new()
        .route("/v1/campaigns", get(list))
        .route("/v1/campaigns/{campaign_id}", get(one))
        .route("/v1/campaigns/{campaign_id}/recipients", get(ledger::recipients))
        .with_state(Arc::new(campaigns));
    require(Permission::SendInvitations, routes)
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

async fn list(State(campaigns): State<Arc<Campaigns>>, uri: Uri) -> Result<Json<Page<CampaignView>>, Problem> {
    let (division, limit, cursor) = Query::of(&uri).read(|fields| {
        let division = fields.optional_text("division", 100).map(DivisionId::new);
        (division, fields.optional_number("limit", 1..=MOST_CAMPAIGNS), fields.optional_text("cursor", 1_000))
    })?;
    let before = cursor.map(|cursor| cursor::decode(&division, &cursor)).transpose()?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT) as usize;
    let (listed, next) = campaigns.store.list(division.as_ref(), before, limit).await?;
    let now = clock::now();
    let mut items = Vec::with_capacity(listed.len());
    for entry in listed {
        let progress = match entry.summary {
            // Who was unconfirmed when the campaign ended may have turned out to be mailed since.
            Some(summary) if summary.outcomes.unconfirmed == 0 => summary,
            _ => campaigns.store.progress(&entry.campaign).await?,
        };
        items.push(CampaignView::new(entry.campaign, &progress, now));
    }
    let next_cursor = next.map(|next| cursor::encode(&division, &next)).transpose().map_err(Problem::internal)?;
    Ok(Json(Page { items, next_cursor }))
}

async fn one(State(campaigns): State<Arc<Campaigns>>, Path(id): Path<String>) -> Result<Json<CampaignView>, Problem> {
    let campaign = campaigns.campaign(&id).await?;
    let progress = campaigns.store.progress(&campaign).await?;
    Ok(Json(CampaignView::new(campaign, &progress, clock::now())))
}
