//! Converts events of API Gateway (REST, payload format 1.0) to requests, and responses to its answers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
//!
//! lambda_http makes the request, with two exceptions. It parses the path as part of a URL, so that `FZ1%23x` or
//! `x/../FZ1` would name `FZ1`, and it panics if a client's `X-Forwarded-Proto` and `Host` don't form a URL. Here the
//! path is used as it was sent.

use std::collections::HashMap;

use axum::http::header::{HOST, HeaderName};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{Context, Error, Request, RequestExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::Problem;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Characters of a path (RFC 3986, 3.3); all others are escaped, as a client should have done. A `%` begins an escape.
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// An answer as API Gateway takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    multi_value_headers: HashMap<String, Vec<String>>,
    /// Base64 if it is not text.
    body: String,
    is_base64_encoded: bool,
}

/// The request of an event.
pub(crate) fn request(event: Value, context: Context) -> Result<Request, Problem> {
    let mut event: ApiGatewayProxyRequest = serde_json::from_value(event).map_err(|error| {
        Problem::plain(StatusCode::BAD_REQUEST).detail(format!("This is no event of API Gateway: {error}."))
    })?;
    let path = event.path.replace("/".to_owned()).unwrap_or_default();
    // Headers that lambda_http would build a URL from. The gateway's events contain all headers under
    // `multiValueHeaders` too.
    event.headers.remove(HOST);
    event.headers.remove(X_FORWARDED_PROTO);
    event.request_context.domain_name = None;
    if !event.multi_value_headers.is_empty() {
        // They would replace all values of their name.
        event.headers.clear();
    }
    let mut request = Request::from(LambdaRequest::ApiGatewayV1(event)).with_lambda_context(context);
    *request.uri_mut() = uri(&path, request.uri().query())?;
    Ok(request)
}

/// The URI of a path as it was sent. A path without a leading slash would be parsed as something else.
fn uri(path: &str, query: Option<&str>) -> Result<Uri, Problem> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let text = format!("{slash}{}{query}", percent_encode(path.as_bytes(), NOT_IN_A_PATH));
    text.parse().map_err(|_| Problem::plain(StatusCode::URI_TOO_LONG))
}

/// The answer to a request as API Gateway takes it.
pub(crate) async fn answer(response: Response) -> Result<Answer, Error> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(other) => (STANDARD.encode(other.as_bytes()), true),
    };
    let mut multi_value_headers = HashMap::<_, Vec<String>>::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        multi_value_headers.entry(name.as_str().to_owned()).or_default().push(value);
    }
    Ok(Answer { status_code: parts.status.as_u16(), multi_value_headers, body, is_base64_encoded })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Path;
    use axum::routing::get;
    use proptest::prelude::*;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    fn event(path: &str, headers: Value) -> Value {
        json!({
            "path": path, "httpMethod": "GET", "multiValueHeaders": headers, "body": null, "isBase64Encoded": false,
            "requestContext": {"path": format!("/live{path}"), "httpMethod": "GET", "stage": "live", "domainName": "x y"},
        })
    }

    fn read(event: Value) -> Request {
        request(event, Context::default()).expect("a request")
    }

    /// The path parameters that a handler gets.
    async fn named(path: &str) -> String {
        let router = Router::new().route("/v1/accounts/{id}", get(|Path(id): Path<String>| async move { id }));
        let response = router.oneshot(read(event(path, json!({}))).map(Body::new)).await.expect("infallible");
        let answer = answer(response).await.expect("an answer");
        format!("{} {}", answer.status_code, answer.body)
    }

    #[tokio::test]
    async fn a_path_is_read_as_it_was_sent() {
        let table = [
            ("/v1/accounts/FZ1%23x", "200 FZ1#x"),
            ("/v1/accounts/FZ%3FX", "200 FZ?X"),
            ("/v1/accounts/a%2Fb", "200 a/b"),
            ("/v1/accounts/a%5Cb", "200 a\\b"),
            ("/v1/accounts/100%2525", "200 100%25"),
            ("/v1/accounts/%C3%84", "200 Ä"),
            ("/v1/accounts/..", "200 .."),
            ("/v1/accounts/%2e%2E", "200 .."),
            ("/v1/accounts/x/../FZ1", "404 "),
            ("/v1/accounts/x#y", "200 x#y"),
            ("/v1/accounts/x?y", "200 x?y"),
            ("/v1/accounts/x y\\z", "200 x y\\z"),
            ("", "404 "),
        ];
        for (path, expected) in table {
            assert_eq!(named(path).await, expected, "{path}");
        }
    }

    #[test]
    fn the_scheme_that_a_client_claims_is_a_header_like_others() {
        for claimed in ["x y", "http, https", "", "https"] {
            let request = read(event("/v1/counts", json!({"X-Forwarded-Proto": [claimed], "Host": ["a b"]})));
            assert_eq!(request.uri(), "/v1/counts");
            assert_eq!(request.headers()["x-forwarded-proto"], claimed);
        }
    }

    #[test]
    fn single_values_count_where_there_are_no_others() {
        let mut by_hand = event("/", json!(null));
        by_hand["headers"] = json!({"Accept": "text/csv"});
        by_hand["queryStringParameters"] = json!({"name": "Söhne & Co"});
        let request = read(by_hand);
        assert_eq!(request.headers()["accept"], "text/csv");
        assert_eq!(request.uri(), "/?name=S%C3%B6hne+%26+Co");
    }

    #[test]
    fn a_header_that_is_sent_twice_is_there_twice() {
        let mut sent = event("/v1/campaigns", json!({"Idempotency-Key": ["a", "b"]}));
        // The gateway also gives the last value of each name separately.
        sent["headers"] = json!({"Idempotency-Key": "b"});
        assert!(crate::idempotency::required_key(read(sent).headers()).is_err());
    }

    #[tokio::test]
    async fn a_body_that_is_no_text_goes_both_ways_in_base64() {
        let mut posted = event("/", json!({}));
        posted["body"] = json!("/wD+");
        posted["isBase64Encoded"] = json!(true);
        let body = Body::new(read(posted).into_body());
        let back = answer(Response::new(body)).await.expect("an answer");
        assert_eq!((back.body.as_str(), back.is_base64_encoded), ("/wD+", true));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for odd in [json!(null), json!({}), json!({"Records": []}), json!("GET /")] {
            assert!(request(odd, Context::default()).is_err());
        }
    }

    proptest! {
        #[test]
        fn whatever_a_client_sends_is_a_request_or_refused(
            method in "\\PC{0,8}", path in any::<String>(), name in any::<String>(), value in any::<String>(), body in any::<String>(),
        ) {
            let mut sent = event(&path, json!({name.clone(): [value.clone()]}));
            sent["multiValueQueryStringParameters"] = json!({name: [value]});
            sent["body"] = json!(body);
            let _ = request(sent.clone(), Context::default());
            sent["multiValueHeaders"] = json!({});
            prop_assert!(request(sent.clone(), Context::default()).is_ok());
            sent["httpMethod"] = json!(method);
            let _ = request(sent, Context::default());
        }
    }
}
