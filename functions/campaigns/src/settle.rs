//! `POST /v1/campaigns/{campaignId}/settle`: an operator decides about rows of which nobody knows whether the e-mail
//! left.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use portal_aws::campaigns::ledger::list::LedgerPosition;
use portal_aws::clock;
use portal_domain::input::{FieldError, Fields};
use portal_domain::outcome::LedgerEvent;
use portal_domain::{Campaign, Outcome, RecipientId};
use portal_http::body::JsonBody;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::Campaigns;

/// Most recipients that one request may name.
pub(crate) const MOST_NAMED: usize = 1_000;

/// Rows that are settled between two checks of the time.
const PAGE: usize = 400;

/// How long one request works: the answer must be there within API Gateway's 29 s.
const TIME: Duration = Duration::from_secs(15);

/// A person's decision.
#[derive(Debug, PartialEq, Eq)]
struct Decision {
    event: LedgerEvent,
    /// The recipients it is about; all unconfirmed ones if none is named.
    recipients: Option<Vec<RecipientId>>,
}

/// What became of a decision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settled {
    /// How many were settled by this request.
    settled: usize,
    /// How many rows of the campaign are still unconfirmed. With `all`, repeat the request until this is 0.
    remaining: u64,
}

impl Decision {
    fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(body, "").map_err(|fault| vec![fault])?;
        fields.required("outcome");
        let event = fields.optional_choice("outcome", "sent, failed", |name| match name.parse() {
            Ok(Outcome::Sent) => Some(LedgerEvent::SettleSent),
            Ok(Outcome::Failed) => Some(LedgerEvent::SettleFailed),
            _ => None,
        });
        let all = fields.optional_bool("all");
        let named = fields.optional_list("recipientIds", MOST_NAMED);
        let ids: Vec<RecipientId> = named.iter().filter_map(|id| id.as_str()?.parse().ok()).collect();
        if ids.len() < named.len() {
            fields.fault("recipientIds", "must be ids of recipients");
        }
        if all != named.is_empty() {
            fields.fault("recipientIds", "must name somebody, or else \"all\" must be true");
        }
        let errors = fields.finish();
        match event {
            Some(event) if errors.is_empty() => Ok(Self { event, recipients: (!all).then_some(ids) }),
            _ => Err(errors),
        }
    }
}

pub(crate) async fn settle(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Settled>, Problem> {
    let decision = Decision::parse(&body)?;
    let campaign = campaigns.campaign(&caller, &id).await?;
    let (settled, nobody_left) = match &decision.recipients {
        Some(recipients) => (campaigns.settle(&campaign, recipients, decision.event, &caller).await?, false),
        None => campaigns.settle_all(&campaign, decision.event, &caller).await?,
    };
    tracing::info!(campaign.id = %campaign.campaign_id, settled, "unconfirmed settled");
    // The counters still include rows that have expired.
    let remaining = if nobody_left { 0 } else { campaigns.store.progress(&campaign).await?.outcomes.unconfirmed };
    Ok(Json(Settled { settled, remaining }))
}

impl Campaigns {
    async fn settle(
        &self,
        campaign: &Campaign,
        recipients: &[RecipientId],
        event: LedgerEvent,
        caller: &Caller,
    ) -> Result<usize, Problem> {
        Ok(self.claims.settle_as(campaign.campaign_id, recipients, event, &caller.actor(), clock::now()).await?)
    }

    /// Settles as many rows as time allows. Returns how many, and whether there was no row to settle at all.
    async fn settle_all(
        &self,
        campaign: &Campaign,
        event: LedgerEvent,
        caller: &Caller,
    ) -> Result<(usize, bool), Problem> {
        let end = clock::now() + TIME;
        let (mut settled, mut nobody) = (0, true);
        let mut from: Option<LedgerPosition> = None;
        loop {
            let (rows, next) = self.ledger.list(campaign, Some(Outcome::Unconfirmed), from, PAGE).await?;
            let ids: Vec<_> = rows.into_iter().map(|row| row.recipient_id).collect();
            nobody &= ids.is_empty();
            settled += self.settle(campaign, &ids, event, caller).await?;
            from = next;
            if from.is_none() || clock::now() > end {
                return Ok((settled, nobody && from.is_none()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_decision_names_people_or_means_all_and_never_both_or_neither() {
        let id = RecipientId::from_random([7; 16]);
        let named = json!({"outcome": "sent", "recipientIds": [id]});
        let expected = Decision { event: LedgerEvent::SettleSent, recipients: Some(vec![id]) };
        assert_eq!(Decision::parse(&named), Ok(expected));
        let all = json!({"outcome": "failed", "all": true});
        assert_eq!(Decision::parse(&all), Ok(Decision { event: LedgerEvent::SettleFailed, recipients: None }));
        for wrong in [
            json!({"outcome": "sent"}),
            json!({"outcome": "sent", "all": true, "recipientIds": [id]}),
            json!({"outcome": "queued", "all": true}),
            json!({"all": true}),
            json!({"outcome": "sent", "recipientIds": ["x"]}),
            json!({"outcome": "sent", "all": true, "more": 1}),
            json!([]),
        ] {
            assert!(Decision::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
