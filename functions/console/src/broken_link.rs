//! Links of invitations that something on the way has broken, such as a mail gateway that writes the `#` as `%23`.

use axum::http::header::LOCATION;
use axum::http::{Extensions, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use portal_http::Problem;
use portal_http::stage::public_url;

/// The page of an invitation.
const PAGE: &str = "/activate";

/// Separators between names and values in a link, literal or percent-encoded one or more times.
const SAYS_SOMETHING: [&str; 3] = ["=", "%3D", "%253D"];

/// Redirects to the page of an invitation, with the link's content behind the `#` again, where the page reads it. A
/// path that does not begin as the page's own is not found.
pub async fn lead_back(uri: Uri, extensions: Extensions) -> Result<Response, Problem> {
    let said = said(uri.path()).ok_or_else(|| Problem::not_found("There is no such page."))?;
    // The query is form-encoded: a plus means a space, and a literal plus is escaped.
    let query = uri.query().map(|query| format!("&{}", query.replace('+', "%20"))).unwrap_or_default();
    let said = format!("{said}{query}");
    let upper = said.to_ascii_uppercase();
    // Without a fragment in the redirect, the browser keeps the current one.
    let fragment =
        if SAYS_SOMETHING.iter().any(|sign| upper.contains(sign)) { format!("#{said}") } else { String::new() };
    Ok((StatusCode::FOUND, [(LOCATION, format!("{}{PAGE}{fragment}", public_url(&extensions)?))]).into_response())
}

/// What follows the page's name in a path, as it was sent.
fn said(path: &str) -> Option<&str> {
    let (page, rest) = path.split_at_checked(PAGE.len())?;
    let goes_on = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c));
    (page.eq_ignore_ascii_case(PAGE) && !goes_on).then_some(rest)
}
