//! `DELETE /v1/recipients/{recipientId}/undeliverable`: mail may go to this person again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_aws::clock;
use portal_domain::RecipientId;
use portal_http::{Caller, Problem};

use crate::Campaigns;

/// 204 also if there was nothing to take back, so that it may be repeated; 404 if there is no such recipient.
pub(crate) async fn undeliverable(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("There is no such recipient.");
    let id: RecipientId = id.parse().map_err(|_| unknown())?;
    if campaigns.directory.recipients(&[id]).await?.is_empty() {
        return Err(unknown());
    }
    if campaigns.store.clear_undeliverable(id, &caller.actor(), clock::now()).await? {
        tracing::info!(recipient.id = %id, "may be mailed again");
    }
    Ok(StatusCode::NO_CONTENT)
}
