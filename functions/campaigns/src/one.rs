//! `GET /v1/campaigns/{campaignId}`: one campaign, with what may be done to it and who did what.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use portal_aws::clock;
use portal_domain::Campaign;
use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::campaign::{CampaignView, Command, Effect, Progress, StateReason};
use portal_http::query::NoQuery;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Campaigns;

/// Most entries of the audit trail that are shown; the newest.
const AUDIT_ENTRIES: usize = 100;

/// A campaign, with what may be done to it and who did what.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CampaignInFull")]
pub(crate) struct OneView {
    #[serde(flatten)]
    campaign: CampaignView,
    /// The commands that would be accepted and have an effect now: `pause`, `resume`, `cancel`, `retry`, `settle`.
    actions: Vec<&'static str>,
    /// How many people the campaign would reach, if it is paused because that exceeds its bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_reach: Option<u64>,
    /// Newest first.
    audit: Vec<AuditEntry>,
}

pub(crate) async fn one(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<OneView>, Problem> {
    let campaign = campaigns.campaign(&caller, &id).await?;
    campaigns.view(campaign).await.map(Json)
}

impl Campaigns {
    pub(crate) async fn view(&self, campaign: Campaign) -> Result<OneView, Problem> {
        let progress = self.store.progress(&campaign).await?;
        let audit = self.trails.newest(campaign.campaign_id, AUDIT_ENTRIES).await?;
        let now = clock::now();
        let actions = actions(&campaign, &progress, now);
        let would_reach = match campaign.stopped_for(StateReason::AudienceGrew) {
            true => Some(self.would_reach(&campaign, &progress).await?),
            false => None,
        };
        let audit = audit::shown(audit);
        Ok(OneView { campaign: CampaignView::new(campaign, &progress, now), actions, would_reach, audit })
    }

    /// How many people the campaign reaches in all if it goes on now: those whom it would e-mail or has e-mailed, and
    /// those who accepted since. People of its ledger who left the selection are not in that number, so it may be too
    /// low. A number within the current bound is certainly too low, and then the answer is the highest possible one.
    pub(crate) async fn would_reach(&self, campaign: &Campaign, progress: &Progress) -> Result<u64, Problem> {
        let counts = self.directory.counts(&campaign.filter, campaign.rules(clock::now())).await?;
        let reach = counts.will_email.max(progress.audience) + progress.acceptances.accepted;
        let enough = campaign.most_recipients.is_none_or(|most| reach > most);
        Ok(if enough { reach } else { progress.audience + counts.will_email })
    }
}

fn actions(campaign: &Campaign, progress: &Progress, now: Timestamp) -> Vec<&'static str> {
    let outcomes = progress.outcomes;
    let possible = Command::ALL.into_iter().filter(|command| match command {
        Command::Retry(outcome) => outcomes.of(*outcome) > 0,
        _ => true,
    });
    // With a number, a campaign whose audience grew can be resumed.
    let effect = |command: &Command| match command {
        Command::Resume(_) => Command::Resume(Some(campaign.expected_recipients)).effect(campaign, now),
        command => command.effect(campaign, now),
    };
    let possible = possible.filter(|command| matches!(effect(command), Effect::Moves(..)));
    let mut names: Vec<_> = possible.map(Command::as_str).collect();
    names.dedup();
    if outcomes.unconfirmed > 0 {
        names.push("settle");
    }
    names
}
