//! Problem details (RFC 9457): the one form of every error answer.
//!
//! A problem that says no more than its status has the type `about:blank`. Every other has a relative reference
//! `/problems/<name>` that never changes; callers compare it as text. All of them are the constants of [`ProblemType`].

use std::fmt::Display;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use portal_domain::CampaignId;
use portal_domain::campaign::CampaignView;
use portal_domain::division::SenderRefusal;
use portal_domain::input::FieldError;
use portal_domain::permission::Permission;
use portal_domain::{InSeconds, Tell, Told};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// `Retry-After` when something is busy for a moment, such as a throttled table; in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

/// `Retry-After` when a division can't be counted, in seconds.
const COUNTED_AFTER_SECONDS: u32 = 60;

/// The type of a problem, by which a program tells it from others of the same status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemType {
    uri: &'static str,
    title: &'static str,
}

impl ProblemType {
    /// 400: the request is malformed; `errors` names every fault.
    pub const INVALID_REQUEST: Self = Self::new("/problems/invalid-request", "The request is not valid");
    /// 403: the caller lacks a permission.
    pub const MISSING_PERMISSION: Self = Self::new("/problems/missing-permission", "A permission is missing");
    /// 409: the selection has changed since it was loaded; `counts` has the new numbers.
    pub const DRIFT: Self = Self::new("/problems/drift", "The selection has changed");
    /// 409: the division has an active campaign; `campaignId` names it, `campaign` shows its progress.
    pub const DIVISION_BUSY: Self = Self::new("/problems/division-busy", "The division has an active campaign");
    /// 422: the idempotency key was used with another body.
    pub const KEY_REUSED: Self = Self::new("/problems/idempotency-key-reused", "The idempotency key was used before");
    /// 422: the sender is not among those that may be used.
    pub const SENDER_REFUSED: Self = Self::new("/problems/sender-refused", "The sender can not be used");
    /// 409: the campaign's `state` doesn't allow this.
    pub const CAMPAIGN_STATE: Self = Self::new("/problems/campaign-state", "The campaign's state does not allow this");
    /// 409: the campaign would exceed its bound; `wouldReach` says how many people it would reach.
    pub const AUDIENCE_GREW: Self = Self::new("/problems/audience-grew", "The audience has grown");
    /// 409 or 503: SES does not send for this account at the moment.
    pub const SENDING_PAUSED: Self = Self::new("/problems/sending-paused", "Sending is paused");
    /// 403: the invitation can't be accepted; the reason is not told (guarantee 14).
    pub const NOT_ACTIVATED: Self = Self::new("/problems/not-activated", "The invitation was not accepted");
    /// 409: the recipient's status, in `recipientStatus`, doesn't allow this.
    pub const RECIPIENT_STATUS: Self =
        Self::new("/problems/recipient-status", "The recipient's status does not allow this");

    /// 412: it is not what `If-Match` names any more; `etag` is its tag now.
    pub const CHANGED: Self = Self::new("/problems/changed", "It has changed meanwhile");
    /// 409: the template has a newer version than the edited one; `version`, `updatedBy` and `updatedAt` describe it.
    pub const TEMPLATE_CHANGED: Self = Self::new("/problems/template-changed", "The template has changed");
    /// 409: the built-in template is code.
    pub const BUILT_IN_TEMPLATE: Self = Self::new("/problems/built-in-template", "The template is built in");
    /// 409: the schedule was changed since it was read; `revision`, `updatedBy` and `updatedAt` describe the change.
    pub const SCHEDULE_CHANGED: Self = Self::new("/problems/schedule-changed", "The schedule has changed");
    /// 409: the schedule is written in the stack's template.
    pub const SCHEDULE_IN_TEMPLATE: Self =
        Self::new("/problems/schedule-in-template", "The schedule is in the template");
    /// 409: the limit of schedules is reached.
    pub const TOO_MANY_SCHEDULES: Self = Self::new("/problems/too-many-schedules", "There are too many schedules");
    /// 409: the caller's own address is not verified.
    pub const ADDRESS_NOT_VERIFIED: Self = Self::new("/problems/address-not-verified", "The address is not verified");
    /// 503: a large division can't be counted now. `asOf` and `ageSeconds` say how old its numbers are, `counted` how
    /// many recipients and accounts are counted while others are not yet.
    pub const NOT_COUNTED: Self = Self::new("/problems/not-counted", "The division can not be counted now");
    /// 422: SES refused this e-mail.
    pub const MAIL_REFUSED: Self = Self::new("/problems/mail-refused", "The e-mail was refused");

    /// A type; `uri` is `/problems/<name>`, and `title` is the same in every occurrence.
    pub const fn new(uri: &'static str, title: &'static str) -> Self {
        Self { uri, title }
    }

    /// The value of the member `type`.
    pub fn uri(self) -> &'static str {
        self.uri
    }
}

/// An error answer.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: Option<ProblemType>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    /// Boxed, since most problems have none and every `Result` has room for one.
    members: Box<Map<String, Value>>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem that says no more than its status.
    pub fn plain(status: StatusCode) -> Self {
        Self { status, kind: None, detail: None, errors: Vec::new(), members: Box::default(), retry_after: None }
    }

    /// A problem of a type of its own.
    pub fn new(status: StatusCode, kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind: Some(kind), ..Self::plain(status) }.detail(detail)
    }

    /// 400, with every fault that was found.
    pub fn bad_request(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, ProblemType::INVALID_REQUEST, detail) }
    }

    /// 400 for faults in fields, without further detail.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "One field is at fault.".to_owned(),
            faults => format!("{faults} faults were found."),
        };
        Self::bad_request(detail, errors)
    }

    /// The sender can't be used now: 422, or 409 if SES sends nothing at all.
    pub fn sender_refused(refusal: SenderRefusal) -> Self {
        let refused = |detail| Self::unprocessable(ProblemType::SENDER_REFUSED, detail).with("field", "emailFrom");
        match refusal {
            SenderRefusal::NotListed => refused("This address is not on the division's list of senders."),
            SenderRefusal::OtherDomain => refused(
                "This address is of another domain than the division's own. Only a division with a list of senders sends from others.",
            ),
            SenderRefusal::NotVerified => refused(
                "SES has verified neither this address nor its domain. Verify it in SES, or choose another sender.",
            ),
            SenderRefusal::SendingPaused => Self::conflict(
                ProblemType::SENDING_PAUSED,
                "SES has paused sending for the whole account. See the SES console for the reason.",
            ),
        }
    }

    /// 401: the caller is not authenticated.
    pub fn unauthorized() -> Self {
        Self::plain(StatusCode::UNAUTHORIZED).detail("Sign in, and send the ID token as bearer token.")
    }

    /// 403: the caller has none of the permissions.
    pub fn forbidden(any: &[Permission]) -> Self {
        Self::missing(format!("This needs the permission {}.", titles(any)))
    }

    /// 403: the caller has none of the permissions for something, such as "division NORTH".
    pub fn forbidden_for(any: &[Permission], what: impl Display) -> Self {
        Self::missing(format!("This needs the permission {} for {what}.", titles(any)))
    }

    fn missing(detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, ProblemType::MISSING_PERMISSION, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::plain(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// 409.
    pub fn conflict(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    /// 409: this campaign is active in the division; `view` is its view, if it is known. Says when to try again if the
    /// campaign goes on by itself.
    pub fn division_busy(id: CampaignId, view: Option<&CampaignView>) -> Self {
        let unknown = || "Another campaign is active in this division. Wait until it has ended.".to_owned();
        let detail = view.map_or_else(unknown, CampaignView::in_the_way);
        let problem = Self::conflict(ProblemType::DIVISION_BUSY, detail).with("campaignId", id.to_string());
        let Some(view) = view else { return problem.retry_after(RETRY_AFTER_SECONDS) };
        let mut problem = problem.with("state", json!(view.campaign.state)).with("campaign", json!(view));
        if let Some(reason) = &view.campaign.state_reason {
            problem = problem.with("stateReason", json!(reason));
        }
        if let Some(at) = view.goes_on_at {
            problem = problem.with("goesOnAt", at.to_string());
        }
        Self { retry_after: view.retry_after, ..problem }
    }

    /// 412.
    pub fn precondition_failed(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, kind, detail)
    }

    /// 413: the body is longer than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("The body may have at most {limit} bytes."))
    }

    /// 415: the body's content type is none of `accepted`.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let detail = format!("The content type must be {}.", accepted.join(" or "));
        Self::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail)
    }

    /// 422.
    pub fn unprocessable(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, detail)
    }

    /// 429: the caller may retry in this many seconds.
    pub fn too_many_requests(seconds: u32) -> Self {
        let detail = "Too many tries. Please wait a few minutes, and try again.";
        Self::plain(StatusCode::TOO_MANY_REQUESTS).detail(detail).retry_after(seconds)
    }

    /// 500. `what` is logged, so it may contain ids only; the caller does not get it.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(error.cause = %what, "a request failed");
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR).detail("Something went wrong here. It has been logged.")
    }

    /// 503: the caller may retry in a few seconds.
    pub fn busy() -> Self {
        let detail = "The service is busy at the moment. Please try again.";
        Self::plain(StatusCode::SERVICE_UNAVAILABLE).detail(detail).retry_after(RETRY_AFTER_SECONDS)
    }

    /// 503: a large division can't be counted at `now`. Its numbers are of `as_of`, or `counted` recipients and
    /// accounts are counted and others are not yet.
    pub fn not_counted(as_of: Option<Timestamp>, counted: Option<u64>, now: Timestamp) -> Self {
        let age = as_of.map(|as_of| now.duration_since(as_of).as_secs().max(0));
        let detail = match (counted, age) {
            (Some(counted), _) => format!("Customers are still being counted, {counted} so far."),
            (None, Some(age)) => format!("The newest numbers are {age} seconds old."),
            (None, None) => "There are no numbers yet.".to_owned(),
        };
        let detail =
            format!("This division is too large to be counted at once. {detail} Please try again in a minute.");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, ProblemType::NOT_COUNTED, detail);
        let mut problem = Self { retry_after: Some(COUNTED_AFTER_SECONDS), ..problem };
        if let Some(as_of) = as_of {
            problem = problem.with("asOf", as_of.in_seconds().to_string()).with("ageSeconds", age);
        }
        counted.into_iter().fold(problem, |problem, counted| problem.with("counted", counted))
    }

    /// The same problem with a detail for people.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The same problem; the call may succeed after this many seconds without anybody doing something about it.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same problem with an extension member, such as `campaignId`. The members of RFC 9457 can't be replaced.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The faults in fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

fn titles(permissions: &[Permission]) -> String {
    permissions.iter().map(|permission| permission.title()).collect::<Vec<_>>().join(" or ")
}

impl<E: Tell> From<E> for Problem {
    fn from(error: E) -> Self {
        match error.tell() {
            Told::Faults(faults) => Self::invalid(faults),
            Told::Busy(cause) => {
                tracing::warn!(error.cause = %cause, "a table or a service is busy");
                Self::busy()
            }
            Told::Broken(cause) => Self::internal(cause),
        }
    }
}

/// The members in the order of RFC 9457, then the extensions.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// Members that an extension can't replace.
const OWN_MEMBERS: [&str; 6] = ["type", "title", "status", "detail", "instance", "errors"];

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.members.retain(|member, _| !OWN_MEMBERS.contains(&member.as_str()));
        let body = Body {
            kind: self.kind.map_or("about:blank", |kind| kind.uri),
            title: self.kind.map_or(self.status.canonical_reason().unwrap_or("Error"), |kind| kind.title),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            errors: &self.errors,
            members: *self.members,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn answer(problem: Problem) -> (Response<()>, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.expect("the body is in memory");
        (Response::from_parts(parts, ()), serde_json::from_slice(&bytes).expect("the body is JSON"))
    }

    #[tokio::test]
    async fn a_problem_has_all_members_and_its_own_media_type() {
        let drift = Problem::conflict(ProblemType::DRIFT, "Load again.").with("counts", json!({"total": 1}));
        let (response, body) = answer(drift).await;
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let expected = json!({"type": "/problems/drift", "title": "The selection has changed", "status": 409,
            "detail": "Load again.", "counts": {"total": 1}});
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn an_extension_replaces_no_member_of_the_standard() {
        let (_, body) = answer(Problem::method_not_allowed().with("status", 200).with("type", "x")).await;
        assert_eq!(body, json!({"type": "about:blank", "title": "Method Not Allowed", "status": 405}));
    }

    #[tokio::test]
    async fn an_internal_error_tells_nothing_of_its_cause() {
        let (response, body) = answer(Problem::internal("the secret cause")).await;
        assert_eq!(response.status(), 500);
        assert!(!body.to_string().contains("secret"));
    }

    /// A store that is throttled (`true`), or fails.
    #[derive(Debug, thiserror::Error)]
    #[error("the secret cause")]
    struct Store(bool);

    impl Tell for Store {
        fn tell(self) -> Told {
            if self.0 { Told::Busy(self.into()) } else { Told::Broken(self.into()) }
        }
    }

    #[tokio::test]
    async fn a_throttled_store_is_503_with_retry_after_and_another_fault_of_it_500() {
        let (response, _) = answer(Store(true).into()).await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        let (response, body) = answer(Store(false).into()).await;
        assert_eq!(response.status(), 500);
        assert!(!body.to_string().contains("secret"));
    }
}
