//! `POST /v1/campaigns/{campaignId}/{pause|resume|cancel|retry}`: an operator's commands to a campaign.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use portal_aws::campaigns::control::Obeyed;
use portal_aws::clock;
use portal_aws::queue::{FanOutMessage, QueueError};
use portal_domain::campaign::{Command, StateReason};
use portal_domain::input::Fields;
use portal_domain::selection::people;
use portal_domain::{Campaign, Outcome};
use portal_http::body::OptionalJsonBody;
use portal_http::problem::ProblemType;
use portal_http::{Caller, Problem};

use crate::Campaigns;
use crate::one::OneView;

/// Upper limit of `expectedRecipients`, above any real number of recipients.
pub(crate) const MOST_EXPECTED: u64 = 1_000_000_000;

pub(crate) async fn pause(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<OneView>, Problem> {
    campaigns.command(&id, Command::Pause, &caller).await
}

/// The optional new bound in the body: `{"expectedRecipients": 1200}`. A campaign that is paused for `audienceGrew`
/// needs it.
pub(crate) async fn resume(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<OneView>, Problem> {
    let mut fields = Fields::of(&body, "")?;
    let expected = fields.optional_number("expectedRecipients", 0..=MOST_EXPECTED);
    let faults = fields.finish();
    if !faults.is_empty() {
        return Err(faults.into());
    }
    campaigns.command(&id, Command::Resume(expected), &caller).await
}

pub(crate) async fn cancel(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<OneView>, Problem> {
    campaigns.command(&id, Command::Cancel, &caller).await
}

/// The outcome to retry: `failed`, unless the body names another, `{"outcome": "unconfirmed"}`.
pub(crate) async fn retry(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<OneView>, Problem> {
    let mut fields = Fields::of(&body, "")?;
    let outcome = fields.optional_choice("outcome", "failed, unconfirmed", |name| {
        name.parse().ok().filter(|outcome| matches!(outcome, Outcome::Failed | Outcome::Unconfirmed))
    });
    let faults = fields.finish();
    if !faults.is_empty() {
        return Err(faults.into());
    }
    campaigns.command(&id, Command::Retry(outcome.unwrap_or(Outcome::Failed)), &caller).await
}

impl Campaigns {
    async fn command(&self, id: &str, command: Command, caller: &Caller) -> Result<Json<OneView>, Problem> {
        let id = self.campaign(caller, id).await?.campaign_id;
        let campaign = match self.store.obey(id, command, &caller.actor(), clock::now()).await? {
            Obeyed::Done(campaign) => {
                tracing::info!(campaign.id = %id, command = command.as_str(), "campaign obeyed");
                // If this fails, the shards stand still until the sweep or a repeat of the command queues them.
                self.work_on(&campaign).await.map_err(Problem::internal)?;
                campaign
            }
            Obeyed::Already(campaign) => {
                self.work_on(&campaign).await.map_err(Problem::internal)?;
                campaign
            }
            Obeyed::Refused(campaign) if grew(&campaign, command) => return Err(self.too_few(&campaign).await?),
            Obeyed::Refused(campaign) => return Err(refused(&campaign, command)),
            Obeyed::Busy(active) => {
                let view = self.store.view(active, clock::now()).await?;
                return Err(Problem::division_busy(active, view.as_ref()));
            }
            Obeyed::Unknown => return Err(Self::unknown()),
        };
        self.view(*campaign).await.map(Json)
    }

    async fn too_few(&self, campaign: &Campaign) -> Result<Problem, Problem> {
        let progress = self.store.progress(campaign).await?;
        let reach = self.would_reach(campaign, &progress).await?;
        let detail = format!(
            "The campaign would reach {}, and may reach {} at most. Say how many you expect: \"expectedRecipients\".",
            people(reach),
            campaign.most_recipients.unwrap_or_default()
        );
        Ok(Problem::conflict(ProblemType::AUDIENCE_GREW, detail).with("wouldReach", reach))
    }

    /// Queues a fan-out message for each shard if the campaign has work for them. A duplicate message is harmless.
    async fn work_on(&self, campaign: &Campaign) -> Result<(), QueueError> {
        if campaign.state.works() && campaign.completed_at.is_none() {
            self.fan_out.send(&FanOutMessage::of(campaign), Duration::ZERO).await?;
        }
        Ok(())
    }
}

/// Whether a campaign can't go on because more people would be e-mailed than it may reach.
fn grew(campaign: &Campaign, command: Command) -> bool {
    matches!(command, Command::Resume(_)) && campaign.stopped_for(StateReason::AudienceGrew)
}

fn refused(campaign: &Campaign, command: Command) -> Problem {
    let state = <&str>::from(campaign.state);
    let detail = format!("The campaign is {state}: it can't {} now.", command.as_str());
    Problem::conflict(ProblemType::CAMPAIGN_STATE, detail).with("state", state)
}
