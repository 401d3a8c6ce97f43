//! The layers around the routes of every HTTP function.

use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use lambda_http::{Context, Error, LambdaEvent, lambda_runtime, service_fn, tracing as subscriber};
use serde_json::Value;
use tower::ServiceExt;

use crate::problem::PROBLEM_JSON;
use crate::query::NoQuery;
use crate::record::{Record, Rows};
use crate::{Problem, gateway};

/// Adds what every function needs: errors as problems, also those of routing and of panics; a log line for each request
/// with caller, divisions and number of rows, as ids and numbers only; and headers that keep answers out of caches.
pub fn router(routes: Router) -> Router {
    routes.layer(middleware::from_fn(around))
}

/// Serves [`router`] of these routes as a Lambda function behind API Gateway.
pub async fn run(routes: Router) -> Result<(), Error> {
    subscriber::init_default_subscriber();
    panic::set_hook(Box::new(log_panic));
    let router = router(routes);
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let router = router.clone();
        async move { gateway::answer(respond(router, event.payload, event.context).await).await }
    });
    lambda_runtime::run(handler).await
}

/// The router's answer to an event of API Gateway.
pub async fn respond(router: Router, event: Value, context: Context) -> Response {
    match gateway::request(event, context) {
        Ok(request) => router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {}),
        Err(problem) => problem.into_response(),
    }
}

async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let record = Record::default();
    // Parameters narrow what is read. A change is described by path and body alone.
    let stray = NoQuery::check(request.uri()).err().filter(|_| route.is_some() && !method.is_safe());
    // Ids and keys of tables can't be empty.
    let parameters = request.uri().path().strip_prefix("/v1/").filter(|_| route.is_some());
    let nowhere = parameters.is_some_and(|rest| rest.split('/').any(str::is_empty));
    request.extensions_mut().insert(record.clone());
    let answer = match stray {
        _ if nowhere => Ok(nothing_here().into_response()),
        Some(problem) => Ok(problem.into_response()),
        None => AssertUnwindSafe(next.run(request)).catch_unwind().await,
    };
    let mut response = match answer {
        Ok(response) => as_problem(response),
        Err(_) => Problem::internal("a handler panicked").into_response(),
    };
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    tracing::info!(
        http.method = %method,
        http.route = route.as_ref().map_or("none", MatchedPath::as_str),
        http.status = response.status().as_u16(),
        operator.sub = record.caller(),
        divisions = record.divisions(),
        rows = response.extensions().get::<Rows>().map(|rows| rows.0),
        http.duration_ms = started.elapsed().as_millis() as u64,
        "request"
    );
    response
}

fn nothing_here() -> Problem {
    Problem::not_found("There is nothing at this address.")
}

/// An error answer that axum made itself, as a problem.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        // axum itself refuses only paths whose parameters are no text or can't be parsed.
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => nothing_here(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(),
        status => Problem::plain(status),
    };
    let allow = response.headers().get(ALLOW).cloned();
    let mut response = problem.into_response();
    response.headers_mut().extend(allow.map(|methods| (ALLOW, methods)));
    response
}

/// Logs the place of a panic, and its message only if it is a literal, because a formatted one may contain anything.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let message = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(a formatted message)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(panic.location = location, panic.message = message, "panic");
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::sync::Once;

    use axum::extract::Path;
    use axum::http::Uri;
    use axum::routing::get;
    use portal_domain::DivisionId;
    use serde_json::json;

    use super::*;
    use crate::cursor::Page;
    use crate::{Caller, Operation, Permission, Routes};

    thread_local! {
        /// What this thread logged: each test runs on one of its own.
        static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    /// One log for all tests, set before the first call: `tracing` decides only once for each line of code whether
    /// anybody listens.
    static LOGGING: Once = Once::new();

    struct Log;

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            LOG.with_borrow_mut(|log| log.write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn routes() -> Router {
        let me = |caller: Caller| async move {
            caller.divisions();
            caller.name
        };
        let list = |caller: Caller, Path(division): Path<DivisionId>| async move {
            caller.require(&division)?;
            Page::new(vec![1, 2], &(), None::<&()>)
        };
        let careless = |caller: Caller| async move { caller.name };
        let guarded = Routes::guarded_by(&[Permission::SendInvitations])
            .get("/v1/me", me, Operation::new("who calls"))
            .get("/v1/list/{division}", list, Operation::new("a list"))
            .get("/v1/careless", careless, Operation::new("without the question"));
        let open = Router::new()
            .route("/v1/number/{number}", get(|Path(number): Path<u8>| async move { number.to_string() }))
            .route("/v1/query", get(|uri: Uri| async move { uri.to_string() }))
            .route("/v1/change", axum::routing::post(|| async { "changed" }))
            .route("/v1/panic", get(|| async { panic!("the secret") as () }));
        guarded.router(()).merge(open)
    }

    async fn call(method: &str, path: &str, query: Value, groups: &str) -> (Response<()>, String) {
        LOGGING.call_once(|| subscriber::subscriber::fmt().with_ansi(false).with_writer(|| Log).init());
        let event = json!({
            "resource": path, "path": path, "httpMethod": method, "headers": {"Host": "api.example.com"},
            "multiValueHeaders": {}, "multiValueQueryStringParameters": query, "body": null, "isBase64Encoded": false,
            "requestContext": {"stage": "prod", "httpMethod": method, "path": format!("/prod{path}"), "authorizer":
                {"claims": {"sub": "1", "token_use": "id", "email": "ann@example.com", "email_verified": "true", "cognito:groups": groups}}},
        });
        let (parts, body) = respond(router(routes()), event, Context::default()).await.into_parts();
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
    async fn a_handler_that_asks_for_no_division_is_not_heard() {
        let answer = call("GET", "/v1/careless", json!(null), "390").await;
        assert_problem(&answer, 500);
        assert!(!answer.1.contains("ann"));
    }

    #[tokio::test]
    async fn a_call_leaves_one_line_with_who_made_it_about_what_and_how_many_rows() {
        let line = async |path: &str, groups: &str| {
            LOG.with_borrow_mut(Vec::clear);
            call("GET", path, json!(null), groups).await;
            let text = String::from_utf8(LOG.take()).expect("text");
            let lines: Vec<_> = text.lines().filter(|line| line.contains("http.route")).map(str::to_owned).collect();
            let [line] = &lines[..] else { panic!("one line: {text}") };
            line.clone()
        };
        let read = line("/v1/list/NORTH%20SIDE", "390:NORTH%20SIDE").await;
        for part in ["GET", "/v1/list/{division}", "200", "operator.sub=\"1\"", r#"[\"NORTH SIDE\"]"#, "rows=2"] {
            assert!(read.contains(part), "{part}: {read}");
        }
        assert!(!read.contains("ann@"), "{read}");
        let refused = line("/v1/list/SOUTH", "390:NORTH%20SIDE").await;
        assert!(
            refused.contains("403") && refused.contains("operator.sub=\"1\"") && refused.contains("SOUTH"),
            "{refused}"
        );
        let without = line("/v1/list/SOUTH", "directory").await;
        assert!(without.contains("403") && without.contains("operator.sub=\"1\""), "{without}");
        let panicked = line("/v1/panic", "390").await;
        assert!(panicked.contains("500") && panicked.contains("operator.sub=\"none\""), "{panicked}");
    }

    #[tokio::test]
    async fn errors_of_routing_are_problems() {
        assert_problem(&call("GET", "/v1/nothing", json!(null), "390").await, 404);
        for strange in ["/v1/number/300", "/v1/number/%FF", "/v1/number/"] {
            assert_problem(&call("GET", strange, json!(null), "390").await, 404);
        }
        let refused = call("POST", "/v1/me", json!(null), "390").await;
        assert_problem(&refused, 405);
        assert_eq!(refused.0.headers()["allow"], "GET,HEAD");
    }

    #[tokio::test]
    async fn who_changes_something_says_nothing_in_the_query() {
        let answer = call("POST", "/v1/change", json!({"surprise": ["1"]}), "390").await;
        assert_problem(&answer, 400);
        assert!(answer.1.contains("surprise"), "{}", answer.1);
        let (response, _) = call("POST", "/v1/change", json!({}), "390").await;
        assert_eq!(response.status(), 200);
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
