//! `console`: the operator's page, and the page of an invitation. Their files are part of the binary, joined into
//! few by `build.rs`, since each costs a call; what differs from one deployment to another stands in the operator's
//! page.

mod broken_link;
mod files;
mod headers;
mod settings;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use portal_http::body::JSON;
use portal_http::{Operation, Problem, Routes};
use sha2::{Digest, Sha256};

use files::Files;
use settings::Settings;

/// A file whose address has the hash of its content never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A page is cached and revalidated each time, so that a new version is seen at once.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// The routes, open to everyone: the files have no secrets, and a browser gets the settings anyway.
pub fn routes() -> Routes<()> {
    // Scanners of mail ask for the head of a link's page first.
    Routes::open()
        .page("/", console)
        .page("/mail-frame", mail_frame)
        .page("/activate", activate)
        .and_head()
        .page("/activate/{rest+}", broken_link::lead_back)
        .and_head()
        .page("/{page}", broken_link::lead_back)
        .and_head()
        .page("/settings.json", settings)
        .page("/assets/{hash}/{file}", asset)
        .get(
            "/v1/openapi.json",
            description,
            Operation::new("This description").answers::<serde_json::Value>(StatusCode::OK),
        )
}

/// The router of the routes. The gateway takes the address with a slash for the one without.
pub fn router() -> Router {
    let routes = routes().router(()).route("/activate/", get(broken_link::lead_back));
    routes.layer(axum::middleware::map_response(headers::add_common))
}

/// The API's description.
async fn description() -> impl IntoResponse {
    ([(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-cache")], include_str!("../../../docs/openapi.json"))
}

/// The operator's page.
async fn console(request: HeaderMap, uri: Uri, extensions: Extensions) -> Result<Response, Problem> {
    // Addresses in the page are relative, so they need the slash after the stage's name.
    if let Some(stage) = stage_without_slash(&extensions) {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok((StatusCode::PERMANENT_REDIRECT, [(LOCATION, format!("{stage}/{query}"))]).into_response());
    }
    let settings = Settings::of(&extensions)?;
    let policy = headers::console_policy(&settings).map_err(Problem::internal)?;
    let settings = serde_json::to_string(&settings).map_err(Problem::internal)?;
    Ok(page(&Files::get().console(&settings), &request, policy))
}

/// The frame in which the page shows an e-mail.
async fn mail_frame(request: HeaderMap) -> Response {
    page(Files::get().mail_frame(), &request, headers::mail_frame_policy())
}

/// The page behind the link in an invitation.
async fn activate(request: HeaderMap) -> Result<Response, Problem> {
    let policy = headers::activation_policy().map_err(Problem::internal)?;
    Ok(page(Files::get().activation(), &request, policy))
}

/// The settings alone, for programs that sign in.
async fn settings(extensions: Extensions) -> Result<Response, Problem> {
    Ok(([(CACHE_CONTROL, ASK_FIRST)], Json(Settings::of(&extensions)?)).into_response())
}

async fn asset(Path((hash, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let files = Files::get();
    let file = files.asset(&name).filter(|_| hash == files.hash());
    let file = file.ok_or_else(|| Problem::not_found("There is no such file, or it is of another version."))?;
    Ok(([(CONTENT_TYPE, file.content_type.clone()), (CACHE_CONTROL, FOREVER)], file.text).into_response())
}

fn page(text: &str, request: &HeaderMap, policy: HeaderValue) -> Response {
    let hash: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::from_str(&format!("\"{hash}\"")).expect("a hash is visible ASCII");
    let known = request.get(IF_NONE_MATCH).is_some_and(|tags| tags == tag);
    let headers = [(ETAG, tag), (CACHE_CONTROL, ASK_FIRST), (headers::CONTENT_SECURITY_POLICY, policy)];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(CONTENT_TYPE, files::HTML)], text.to_owned()).into_response()
}

/// The last part of the address when the page was asked for as `…/live`, without the slash that follows the stage.
fn stage_without_slash(extensions: &Extensions) -> Option<String> {
    let RequestContext::ApiGatewayV1(context) = extensions.request_context_ref()? else { return None };
    let path = context.path.as_deref()?;
    if path.ends_with('/') { None } else { path.rsplit('/').next().map(str::to_owned) }
}

#[cfg(test)]
mod tests;
