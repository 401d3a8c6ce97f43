//! `POST /v1/campaigns`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use portal_aws::campaigns::request::RequestKey;
use portal_domain::selection::people;
use portal_http::body::{self, JSON};
use portal_http::problem::ProblemType;
use portal_http::{Caller, Permission, Problem, idempotency, require};
use serde_json::json;

use crate::Send;
use crate::start::{Asker, Refusal};

/// Most bytes of a request: a filter and a few names.
const BODY_LIMIT: usize = 64 * 1024;

/// The route, guarded.
pub fn router(send: Send) -> Router {
    let routes = Router::new().route("/v1/campaigns", post(start)).with_state(Arc::new(send));
    require(Permission::SendInvitations, routes)
}

async fn start(
    State(send): State<Arc<Send>>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let (_, bytes) = body::read(request, BODY_LIMIT, &[JSON]).await?;
    let body = body::parse_json(&bytes);
    let key = match idempotency::required_key(&headers) {
        Ok(key) => key,
        Err(fault) => return Err(send.faults(&caller, &body, vec![fault]).await?.into()),
    };
    // A body that is no JSON starts nothing, and never equals the body of an earlier request.
    let body_hash = body.as_ref().map(idempotency::hash_of).unwrap_or_default();
    let key = RequestKey { caller: &caller.id, key, body_hash: &body_hash };
    let accepted = send.start(&Asker { caller: &caller, key }, body).await?;
    // Relative to /v1/campaigns, because an absolute path would lack the API's stage.
    let location = format!("campaigns/{}", accepted.view.campaign.campaign_id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(accepted)).into_response())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(errors) => errors.into(),
            Refusal::Forbidden(division) => {
                Self::forbidden_for(Permission::SendInvitations, format!("division {division}"))
            }
            Refusal::KeyReused => idempotency::reused(),
            Refusal::Sender(refusal) => Self::sender_refused(refusal),
            Refusal::Busy(id, campaign) => Self::division_busy(id, campaign.as_deref()),
            Refusal::Drifted(counts) => Self::conflict(
                ProblemType::DRIFT,
                format!(
                    "{} would be e-mailed now. Load again, and send with the new number.",
                    people(counts.will_email)
                ),
            )
            .with("counts", json!(counts)),
            Refusal::Mail(error) => error.into(),
            Refusal::Store(error) => error.into(),
            Refusal::Queue(error) => Self::internal(error),
        }
    }
}
