//! `POST /v1/campaigns`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use portal_aws::clock;
use portal_aws::idempotency::RequestKey;
use portal_domain::campaign::MOST_PER_MINUTE;
use portal_domain::selection::people;
use portal_http::body::{self, JSON};
use portal_http::problem::ProblemType;
use portal_http::routes::shape::{address, filter, flag, object, text, whole};
use portal_http::{Caller, Operation, Permission, Problem, Routes, idempotency};
use serde_json::json;

use crate::Send;
use crate::request::MOST_RECIPIENTS;
use crate::start::{Accepted, Asker, Refusal};

/// Most bytes of a request: a filter and a few names.
const BODY_LIMIT: usize = 64 * 1024;

/// The route, guarded.
pub fn routes() -> Routes<Arc<Send>> {
    let order = object(
        &[("filter", filter()), ("templateId", text(100)), ("emailFrom", address())],
        &[
            ("expectedRecipients", whole(0..=MOST_RECIPIENTS)),
            ("recipientId", text(36)),
            ("includeRecentlyInvited", flag()),
            ("maxPerMinute", whole(1..=MOST_PER_MINUTE)),
        ],
    );
    Routes::guarded_by(&[Permission::SendInvitations]).post(
        "/v1/campaigns",
        start,
        Operation::new("Starts a campaign")
            .idempotent(true)
            .body(order)
            .makes::<Accepted>(StatusCode::ACCEPTED)
            .problem(StatusCode::CONFLICT),
    )
}

/// The router of the route.
pub fn router(send: Send) -> Router {
    routes().router(Arc::new(send))
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
                Self::forbidden_for(&[Permission::SendInvitations], format!("division {division}"))
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
            Refusal::NotCounted(behind) => Self::not_counted(behind.as_of, behind.counted, clock::now()),
            Refusal::Mail(error) => error.into(),
            Refusal::Store(error) => error.into(),
            Refusal::Queue(error) => Self::internal(error),
        }
    }
}
