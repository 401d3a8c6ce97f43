//! `GET /v1/campaigns/{campaignId}`: one campaign, with what may be done to it and who did what.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use portal_aws::clock;
use portal_domain::Campaign;
use portal_domain::campaign::audit::AuditEntry;
use portal_domain::campaign::{CampaignView, Command, Effect, Progress};
use portal_http::Problem;
use serde::Serialize;

use crate::Campaigns;

/// Most entries of the audit trail that are shown; the newest.
const AUDIT_ENTRIES: usize = 100;

/// A campaign, with what may be done to it and who did what.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneView {
    #[serde(flatten)]
    campaign: CampaignView,
    /// What would not be refused or be without effect now: `pause`, `resume`, `cancel`, `retry`, `settle`.
    actions: Vec<&'static str>,
    /// Newest first.
    audit: Vec<AuditEntry>,
}

pub(crate) async fn one(
    State(campaigns): State<Arc<Campaigns>>,
    Path(id): Path<String>,
) -> Result<Json<OneView>, Problem> {
    let campaign = campaigns.campaign(&id).await?;
    campaigns.view(campaign).await.map(Json)
}

impl Campaigns {
    pub(crate) async fn view(&self, campaign: Campaign) -> Result<OneView, Problem> {
        let progress = self.store.progress(&campaign).await?;
        let audit = self.store.audit_trail(campaign.campaign_id, AUDIT_ENTRIES).await?;
        let now = clock::now();
        let actions = actions(&campaign, &progress, now);
        Ok(OneView { campaign: CampaignView::new(campaign, &progress, now), actions, audit })
    }
}

fn actions(campaign: &Campaign, progress: &Progress, now: Timestamp) -> Vec<&'static str> {
    let outcomes = progress.outcomes;
    let possible = Command::ALL.into_iter().filter(|command| match command {
        Command::Retry(outcome) => outcomes.of(*outcome) > 0,
        _ => true,
    });
    let possible = possible.filter(|command| matches!(command.effect(campaign, now), Effect::Moves(..)));
    let mut names: Vec<_> = possible.map(Command::as_str).collect();
    names.dedup();
    if outcomes.unconfirmed > 0 {
        names.push("settle");
    }
    names
}
