//! `DELETE /v1/recipients/{recipientId}/undeliverable`: mail may go to this person again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_aws::clock;
use portal_http::{Caller, Problem};

use crate::Campaigns;

/// 204, also if there was nothing to clear, so that the call may be repeated; 404 if there is no such recipient.
pub(crate) async fn undeliverable(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = campaigns.recipient(&caller, &id).await?.recipient_id;
    if campaigns.people.clear_undeliverable(id, &caller.actor(), clock::now()).await? {
        tracing::info!(recipient.id = %id, "may be mailed again");
    }
    Ok(StatusCode::NO_CONTENT)
}
