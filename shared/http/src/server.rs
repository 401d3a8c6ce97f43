//! What stands around the routes of every HTTP function.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use lambda_http::request::RequestContext;
use lambda_http::{RequestExt, tracing as subscriber};
use tower::{Service, ServiceExt};

use crate::Problem;
use crate::problem::PROBLEM_JSON;

/// The routes with what every function needs: errors as problems, also those of routing and of panics; a line in the
/// log for each request, of ids and numbers only; and answers that nothing on the way keeps.
pub fn router(routes: Router) -> Router {
    routes.layer(middleware::from_fn(around))
}

/// Serves [`router`] of these routes as a Lambda function behind API Gateway.
pub async fn run(routes: Router) -> Result<(), lambda_http::Error> {
    subscriber::init_default_subscriber();
    panic::set_hook(Box::new(log_panic));
    lambda_http::run(service(router(routes))).await
}

/// The router as lambda_http calls it, for tests with whole events.
pub fn service(
    router: Router,
) -> impl Service<lambda_http::Request, Response = Response, Error = Infallible, Future: Future + Send> + Clone {
    router.map_request(without_stage)
}

async fn around(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = match answer {
        Ok(response) => as_problem(response),
        Err(_) => Problem::internal("a handler panicked").into_response(),
    };
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    tracing::info!(
        http.method = %method,
        http.route = route.as_ref().map_or("none", MatchedPath::as_str),
        http.status = response.status().as_u16(),
        http.duration_ms = started.elapsed().as_millis() as u64,
        "request"
    );
    response
}

/// An error answer that axum made itself, as a problem.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::not_found("There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(),
        status => Problem::plain(status),
    };
    let allow = response.headers().get(ALLOW).cloned();
    let mut response = problem.into_response();
    response.headers_mut().extend(allow.map(|methods| (ALLOW, methods)));
    response
}

/// Takes the stage off the path: lambda_http puts it there, and routes don't know it.
fn without_stage(mut request: lambda_http::Request) -> lambda_http::Request {
    let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else { return request };
    let prefix = format!("/{}", context.stage.as_deref().unwrap_or_default());
    let added = prefix.len() > 1 && !request.raw_http_path().starts_with(&format!("{prefix}/"));
    let path_and_query = request.uri().path_and_query().map(|path| path.as_str()).unwrap_or_default();
    let rest = path_and_query.strip_prefix(&prefix).filter(|rest| added && rest.starts_with('/'));
    if let Some(uri) = rest.and_then(|rest| rest.parse::<Uri>().ok()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Logs where a panic happened. Its message only where it is a literal: a formatted one may hold anything.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let message = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(a formatted message)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(panic.location = location, panic.message = message, "panic");
}

#[cfg(test)]
mod tests {
    use axum::extract::Path;
    use axum::routing::get;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::{Caller, Permission, require};

    fn routes() -> Router {
        let guarded = Router::new().route("/v1/me", get(|caller: Caller| async move { caller.name }));
        let open = Router::new()
            .route("/v1/number/{number}", get(|Path(number): Path<u8>| async move { number.to_string() }))
            .route("/v1/query", get(|uri: Uri| async move { uri.to_string() }))
            .route("/v1/panic", get(|| async { panic!("the secret") as () }));
        require(Permission::SendInvitations, guarded).merge(open)
    }

    async fn call(method: &str, path: &str, query: Value, groups: &str) -> (Response<()>, String) {
        let event = json!({
            "resource": path, "path": path, "httpMethod": method, "headers": {"Host": "api.example.com"},
            "multiValueHeaders": {}, "multiValueQueryStringParameters": query, "body": null, "isBase64Encoded": false,
            "requestContext": {"stage": "prod", "httpMethod": method, "path": format!("/prod{path}"), "authorizer":
                {"claims": {"sub": "1", "token_use": "id", "email": "ann@example.com", "cognito:groups": groups}}},
        });
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
        let response = service(router(routes())).oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.expect("in memory");
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).expect("text"))
    }

    fn assert_problem(answer: &(Response<()>, String), status: u16) {
        let (response, body) = answer;
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["status"], status);
    }

    #[tokio::test]
    async fn a_caller_with_the_permission_reaches_the_handler() {
        let (response, body) = call("GET", "/v1/me", json!(null), "390").await;
        assert_eq!((response.status().as_u16(), body.as_str()), (200, "ann@example.com"));
        assert_eq!(response.headers()["cache-control"], "no-store");
        let refused = call("GET", "/v1/me", json!(null), "directory").await;
        assert_problem(&refused, 403);
        assert!(refused.1.contains("390, Send Account Portal Invitations"));
    }

    #[tokio::test]
    async fn errors_of_routing_are_problems() {
        assert_problem(&call("GET", "/v1/nothing", json!(null), "390").await, 404);
        assert_problem(&call("GET", "/v1/number/300", json!(null), "390").await, 400);
        let refused = call("POST", "/v1/me", json!(null), "390").await;
        assert_problem(&refused, 405);
        assert_eq!(refused.0.headers()["allow"], "GET,HEAD");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let answer = call("GET", "/v1/panic", json!(null), "390").await;
        assert_problem(&answer, 500);
        assert!(!answer.1.contains("secret"));
    }

    #[tokio::test]
    async fn routes_see_neither_stage_nor_host_and_the_query_as_it_was_sent() {
        let (_, uri) = call("GET", "/v1/query", json!({"name": ["Söhne & Co"]}), "390").await;
        assert_eq!(uri, "/v1/query?name=S%C3%B6hne+%26+Co");
    }
}
