//! `PUT /v1/divisions/{division}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portal_aws::audit::Audit;
use portal_aws::directory::write::Put;
use portal_domain::Division;
use portal_domain::audit::{Deed, Entry};
use portal_domain::input::FieldError;
use portal_http::body::JsonBody;
use portal_http::{Caller, ETag, IfMatch, Problem, etag};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::Directory;

/// A division as it is stored.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Division")]
pub struct Kept {
    #[serde(flatten)]
    division: Division,
    /// What was cleaned, or will not be shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldError>,
}

/// Stores a division and answers it as stored, with `warnings` about what was cleaned or will not be shown: 201 when it
/// is new, else 200. With `If-Match` it changes only the division that the caller has read.
pub async fn store(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (division, mut warnings) = Division::parse(&id, &body)?;
    warnings.extend(division.warnings());
    caller.require(&division.division)?;
    let tag = |division: &Division| ETag::of_content(division).map_err(Problem::internal);
    let read = if if_match.is_absent() { None } else { directory.store.division(&division.division).await? };
    if_match.check(read.as_ref().map(tag).transpose()?.as_ref())?;
    let entry = Audit::entry(caller.actor(), Deed::DivisionStored);
    let begun = directory.audit.begin(Entry { division: Some(division.division.clone()), ..entry }).await?;
    let put = match read {
        None => directory.store.put_division(&division).await?,
        Some(read) => directory.store.change_division(&division, read).await?,
    };
    let (status, before) = match put {
        Put::Created => (StatusCode::CREATED, None),
        Put::Replaced(before) => (StatusCode::OK, Some(json!(before))),
        Put::Changed(now) => {
            begun.refused().await;
            return Err(etag::changed(now.as_deref().map(tag).transpose()?.as_ref()));
        }
    };
    begun.done(before, Some(json!(division))).await;
    tracing::info!(division = %division.division, "division stored");
    Ok((status, tag(&division)?, Json(Kept { division, warnings })).into_response())
}
