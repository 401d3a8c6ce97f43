//! `GET /v1/activations/brand`: how the page of an invitation looks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use portal_domain::account::parse::NAME_CHARS;
use portal_domain::{Division, DivisionId};
use portal_http::{Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Activate;

/// What everybody may know of a division: it is in each of its e-mails.
#[derive(Debug, Serialize, JsonSchema)]
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

/// The brand of the division with this id, or of the only division with this name, for customers whose link lost the
/// id. There is no list of divisions to choose from, because it would tell which companies share the system.
pub(crate) async fn brand(State(activate): State<Arc<Activate>>, uri: Uri) -> Result<Json<Brand>, Problem> {
    let called = Query::of(&uri).read(|fields| fields.required_cleaned("division", NAME_CHARS))?;
    let division = match activate.directory.division(&DivisionId::new(called.clone())).await? {
        None => Division::called(activate.directory.divisions().await?, &called),
        found => found,
    };
    division.map(|division| Json(division.into())).ok_or_else(|| Problem::not_found("There is no such division."))
}
