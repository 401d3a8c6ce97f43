//! `PUT /v1/divisions/{division}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portal_aws::directory::write::Put;
use portal_domain::Division;
use portal_http::body::JsonBody;
use portal_http::{Caller, Problem};

use crate::Directory;

/// Stores a division, and answers it as it is stored: 201 when it is new, else 200.
pub async fn store(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let division = Division::parse(&id, &body)?;
    caller.require(&division.division)?;
    let status = match directory.store.put_division(&division).await? {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    tracing::info!(division = %division.division, "division stored");
    Ok((status, Json(division)).into_response())
}
