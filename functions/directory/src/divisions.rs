//! `PUT /v1/divisions/{division}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_aws::directory::write::Put;
use portal_domain::Division;
use portal_http::Problem;
use portal_http::body::JsonBody;

use crate::Directory;

pub(crate) async fn store(
    State(directory): State<Arc<Directory>>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Division>), Problem> {
    let division = Division::parse(&id, &body)?;
    let status = match directory.store.put_division(&division).await? {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, Json(division)))
}
