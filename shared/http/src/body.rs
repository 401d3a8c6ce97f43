//! Request bodies: limits, media types, and positions of faults.

mod encoding;
mod json;

use axum::body::{self, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use portal_domain::input::{FieldError, Fields};
use serde_json::{Value, json};

use crate::Problem;

/// Media type of a JSON body.
pub const JSON: &str = "application/json";
/// Media type of newline-delimited JSON.
pub const NDJSON: &str = "application/x-ndjson";

pub use encoding::without_mark;
pub use json::from_slice as value_from_slice;

/// How many bytes a body may have unless the function says otherwise.
pub const DEFAULT_LIMIT: usize = 1024 * 1024;

/// Most characters of an operator's reason.
pub const MOST_REASON_CHARS: usize = 500;

/// A body of at most [`DEFAULT_LIMIT`] bytes that is JSON.
#[derive(Debug)]
pub struct JsonBody(pub Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (_, bytes) = read(request, DEFAULT_LIMIT, &[JSON]).await?;
        Ok(Self(parse_json(&bytes)?))
    }
}

/// A JSON body of at most [`DEFAULT_LIMIT`] bytes. A missing body counts as an object without members.
#[derive(Debug)]
pub struct OptionalJsonBody(pub Value);

impl<S: Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !request.headers().contains_key(CONTENT_TYPE) {
            let bytes = body::to_bytes(request.into_body(), DEFAULT_LIMIT).await;
            let bytes = bytes.map_err(|_| Problem::too_large(DEFAULT_LIMIT))?;
            return if bytes.is_empty() { Ok(Self(json!({}))) } else { Err(Problem::unsupported_media_type(&[JSON])) };
        }
        let (_, bytes) = read(request, DEFAULT_LIMIT, &[JSON]).await?;
        Ok(Self(if bytes.is_empty() { json!({}) } else { parse_json(&bytes)? }))
    }
}

/// The body, in UTF-8 without a leading byte-order mark, and its media type, one of `accepted`.
pub async fn read(request: Request, limit: usize, accepted: &[&'static str]) -> Result<(&'static str, Bytes), Problem> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let essence = essence.trim();
    let media_type = accepted.iter().find(|accepted| accepted.eq_ignore_ascii_case(essence));
    let media_type = *media_type.ok_or_else(|| Problem::unsupported_media_type(accepted))?;
    encoding::check_charset(parameters)?;
    let bytes = body::to_bytes(request.into_body(), limit).await.map_err(|_| Problem::too_large(limit))?;
    encoding::check(&bytes)?;
    Ok((media_type, bytes.slice(encoding::mark(&bytes)..)))
}

/// Parses `bytes` as JSON; a fault has line and column.
pub fn parse_json(bytes: &[u8]) -> Result<Value, FieldError> {
    json::from_slice(bytes).map_err(|error| syntax_fault("body", 1, &error))
}

/// A fault in the syntax of the JSON at `field`, which begins in the body's line `first_line`.
pub fn syntax_fault(field: &str, first_line: usize, error: &serde_json::Error) -> FieldError {
    syntax_fault_at(field, first_line, 0, error)
}

/// The same for JSON that begins after this many bytes of its first line.
pub fn syntax_fault_at(field: &str, first_line: usize, indent: usize, error: &serde_json::Error) -> FieldError {
    let position = format!(" at line {} column {}", error.line(), error.column());
    let what = error.to_string();
    let what = what.strip_suffix(&position).unwrap_or("syntax error");
    // serde_json's lines start at 1; an empty body is at line 1, column 0.
    let line = first_line + error.line().saturating_sub(1);
    let column = error.column() + if error.line() <= 1 { indent } else { 0 };
    FieldError::new(field, format!("is not valid JSON: line {line}, column {column}: {what}"))
}

/// The operator's `reason`, the last field of a body.
pub fn reason(mut fields: Fields<'_>) -> Result<String, Problem> {
    let reason = fields.required_text("reason", MOST_REASON_CHARS).trim().to_owned();
    let faults = fields.finish();
    if faults.is_empty() { Ok(reason) } else { Err(faults.into()) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;

    use super::*;

    fn request(content_type: Option<&str>, body: impl Into<Body>) -> Request {
        let mut request = Request::builder();
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request.body(body.into()).expect("a request")
    }

    #[tokio::test]
    async fn only_the_accepted_media_types_are_read() {
        for accepted in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x=y"] {
            let (media_type, _) = read(request(Some(accepted), "1"), 9, &[NDJSON, JSON]).await.expect(accepted);
            assert_eq!(media_type, JSON);
        }
        for refused in
            [None, Some(""), Some("text/json"), Some("application/jsonx"), Some("text/plain, application/json")]
        {
            let problem = read(request(refused, "1"), 9, &[JSON]).await.expect_err("refused");
            assert_eq!(problem.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }

    #[tokio::test]
    async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        assert!(read(request(Some(JSON), "123456789"), 9, &[JSON]).await.is_ok());
        let problem = read(request(Some(JSON), "1234567890"), 9, &[JSON]).await.expect_err("too long");
        assert_eq!(problem.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn no_other_character_encoding_is_read() {
        for utf8 in ["charset=utf-8", "Charset=\"UTF-8\"", "x=y; charset = UTF8 ", "charset='utf-8'", ";"] {
            let content_type = format!("application/json;{utf8}");
            assert!(read(request(Some(&content_type), "1"), 9, &[JSON]).await.is_ok(), "{utf8}");
        }
        for other in
            ["charset=iso-8859-1", "CHARSET=\"UTF-16\"", "charset=utf-8; charset=windows-1252", "charset=", "charset"]
        {
            let content_type = format!("application/json;{other}");
            let problem = read(request(Some(&content_type), "1"), 9, &[JSON]).await.expect_err(other);
            assert_eq!(problem.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_skipped_and_bytes_other_than_utf8_are_refused() {
        let (_, bytes) = read(request(Some(JSON), "\u{feff}[1]"), 9, &[JSON]).await.expect("UTF-8");
        assert_eq!(&bytes[..], b"[1]");
        let table: [(&[u8], &str); _] = [
            (b"{\"a\":\n \"\xef\xbf\xbd\"}", "line 2, column 3"),
            (b"{\"a\":\n \"Jos\xe9\"}", "line 2, column 6"),
            (b"\xff\xfe{\0}\0", "UTF-16"),
            (b"\xfe\xff\0{\0}", "UTF-16"),
            (b"{\0}\0", "UTF-16"),
        ];
        for (body, reason) in table {
            let problem = read(request(Some(JSON), body), 99, &[JSON]).await.expect_err("not UTF-8");
            assert_eq!((problem.status(), problem.errors()[0].field.as_str()), (StatusCode::BAD_REQUEST, "body"));
            assert!(problem.errors()[0].message.contains(reason), "{:?}", problem.errors());
        }
        assert!(read(request(Some(JSON), r#"["\ufffd"]"#), 99, &[JSON]).await.is_ok(), "somebody wrote it");
    }

    #[test]
    fn a_fault_names_line_and_column_and_shows_nothing_of_the_body() {
        let fault = parse_json(b"{\n \"secret\": trux\n}").expect_err("broken");
        assert_eq!(fault, FieldError::new("body", "is not valid JSON: line 2, column 15: expected ident"));
        assert!(parse_json(b"").expect_err("empty").message.contains("line 1, column 0"));
        assert!(parse_json(b"{} {}").is_err());
        assert!(parse_json(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_fault_in_a_later_line_of_ndjson_is_counted_from_the_start_of_the_body() {
        let error = serde_json::from_str::<Value>("{").expect_err("broken");
        let fault = syntax_fault("line", 7, &error);
        assert_eq!(fault.message, "is not valid JSON: line 7, column 1: EOF while parsing an object");
    }
}
