//! Headers that tell a browser what a page may do.

use axum::http::header::{InvalidHeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::files::activation_style_source;
use crate::settings::Settings;

pub use axum::http::header::CONTENT_SECURITY_POLICY;

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The operator's page: files of its own only, no inline script or style; it calls its own API and the sign-in host.
pub fn console_policy(settings: &Settings) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_str(&format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {}; \
         frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        settings.sign_in_origin()
    ))
}

/// The page of an invitation: its own script, the style sheet that stands in it, and calls of its own API. The
/// division's logo lies where the company keeps it: an image is all that may come from elsewhere.
pub fn activation_policy() -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_str(&format!(
        "default-src 'none'; script-src 'self'; style-src {}; img-src 'self' https: data:; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        activation_style_source()
    ))
}

/// The frame that shows an e-mail: an origin of its own without access to the page, where only its own script runs and
/// nothing can be sent. An e-mail's styles are inline, and its images may come from anywhere.
pub fn mail_frame_policy() -> HeaderValue {
    HeaderValue::from_static(
        "sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src https: data:; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    )
}

/// What every answer carries.
pub async fn add_common(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The address contains the sign-in code for a moment, and always the filter.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
