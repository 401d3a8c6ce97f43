//! `GET /v1/activations/brand`: how the page of an invitation looks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use portal_domain::{Division, DivisionId};
use portal_http::{Problem, Query};
use serde::Serialize;

use crate::Activate;

/// What everybody may know of a division: it is in each of its e-mails.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Brand {
    division: DivisionId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<String>,
    portal_url: String,
}

impl From<Division> for Brand {
    fn from(division: Division) -> Self {
        let Division { division, name, logo_url, portal_url, .. } = division;
        Self { division, name, logo_url, portal_url }
    }
}

pub(crate) async fn brand(State(activate): State<Arc<Activate>>, uri: Uri) -> Result<Json<Brand>, Problem> {
    let division = Query::of(&uri).read(|fields| DivisionId::new(fields.required_id("division")))?;
    let division = activate.directory.division(&division).await?;
    division.map(|division| Json(division.into())).ok_or_else(|| Problem::not_found("There is no such division."))
}
