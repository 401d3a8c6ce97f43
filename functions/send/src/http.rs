//! `POST /v1/campaigns`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use portal_aws::campaigns::start::RequestKey;
use portal_aws::clock;
use portal_domain::input::FieldError;
use portal_domain::{Campaign, CampaignId};
use portal_http::body::{self, JSON};
use portal_http::problem::ProblemType;
use portal_http::{Permission, Problem, require};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Send;
use crate::start::{Asker, Refusal};

/// Name of the header that makes a request safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request is a filter and a few names.
const BODY_LIMIT: usize = 64 * 1024;

/// The route, guarded.
pub fn router(send: Send) -> Router {
    let routes = Router::new().route("/v1/campaigns", post(start)).with_state(Arc::new(send));
    require(Permission::SendInvitations, routes)
}

async fn start(
    State(send): State<Arc<Send>>,
    caller: portal_http::Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let (_, bytes) = body::read(request, BODY_LIMIT, &[JSON]).await?;
    let body = body::parse_json(&bytes);
    let body_hash = hash(&body, &bytes);
    let key = RequestKey { caller: &caller.id, key, body_hash: &body_hash };
    let accepted = send.start(&Asker { name: &caller.name, key }, body).await?;
    // Relative to /v1/campaigns, since the stage of the API makes an absolute path wrong.
    let location = format!("campaigns/{}", accepted.view.campaign.campaign_id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(accepted)).into_response())
}

fn idempotency_key(headers: &HeaderMap) -> Result<&str, FieldError> {
    let fault = |message| FieldError::new("Idempotency-Key", message);
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Err(fault(
            "is required: a header with a value of your own, new for each send and the same when you repeat one",
        ));
    };
    if values.next().is_some() {
        return Err(fault("must be given only once"));
    }
    let key = value.to_str().unwrap_or_default();
    if (1..=255).contains(&key.len()) { Ok(key) } else { Err(fault("must be 1 to 255 visible ASCII characters")) }
}

/// Hash of what the body says: spacing and order of members make no difference.
fn hash(body: &Result<Value, FieldError>, bytes: &[u8]) -> String {
    let digest = match body {
        Ok(value) => Sha256::digest(sorted(value).to_string()),
        Err(_) => Sha256::digest(bytes),
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value with the members of all objects in order of their names, whichever order serde_json is built to keep.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(errors) => errors.into(),
            Refusal::KeyReused => Self::unprocessable(
                ProblemType::KEY_REUSED,
                "This Idempotency-Key was used for another request in the last 7 days. Choose a new one.",
            ),
            Refusal::Sender(refusal) => refusal.into(),
            Refusal::Busy(id, campaign) => busy(id, campaign.as_deref(), clock::now()),
            Refusal::Drifted(counts) => Self::conflict(
                ProblemType::DRIFT,
                format!(
                    "{} people would be e-mailed now. Load again, and send with the new number.",
                    counts.will_email
                ),
            )
            .with("counts", json!(counts)),
            Refusal::Store(error) => error.into(),
            Refusal::Queue(error) => Self::internal(error),
        }
    }
}

/// The division's campaign is in the way. Of one that keeps quiet hours it says when it goes on.
fn busy(id: CampaignId, campaign: Option<&Campaign>, now: Timestamp) -> Problem {
    let Some((campaign, goes_on_at)) = campaign.and_then(|campaign| Some((campaign, campaign.goes_on_at(now)?))) else {
        let detail = format!("Campaign {id} is active in this division. Wait until it has ended.");
        return Problem::conflict(ProblemType::DIVISION_BUSY, detail).with("campaignId", id.to_string());
    };
    let local = goes_on_at.to_zoned(campaign.zone()).strftime("%A, %Y-%m-%d %H:%M").to_string();
    let detail = format!(
        "Campaign {id} is active in this division. It keeps quiet hours, and goes on by itself on {local} ({}). Wait until it has \
         ended, or cancel it.",
        campaign.time_zone
    );
    Problem::conflict(ProblemType::DIVISION_BUSY, detail)
        .with("campaignId", id.to_string())
        .with("state", json!(campaign.state))
        .with("stateReason", json!(campaign.state_reason))
        .with("goesOnAt", goes_on_at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_the_same_whatever_its_spacing_and_order() {
        let hash_of = |text: &str| hash(&body::parse_json(text.as_bytes()), text.as_bytes());
        assert_eq!(hash_of(r#"{"a":1,"b":{"c":2,"d":3}}"#), hash_of(" {\"b\": {\"d\":3, \"c\":2},\n\"a\": 1} "));
        assert_ne!(hash_of(r#"{"a":1}"#), hash_of(r#"{"a":2}"#));
        assert_ne!(hash_of("{"), hash_of("{ "));
    }

    #[test]
    fn an_idempotency_key_is_required_once() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, axum::http::HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(idempotency_key(&headers(&["k-1"])), Ok("k-1"));
        for wrong in [&headers(&[]), &headers(&[""]), &headers(&["a", "b"])] {
            assert_eq!(idempotency_key(wrong).map_err(|fault| fault.field), Err("Idempotency-Key".to_owned()));
        }
    }
}
