//! Optimistic locking, alike for everything that can be changed: answers have an `ETag`, and a change with `If-Match`
//! is made only if nothing has changed since (RFC 9110, 8.8.3 and 13.1.1).

use std::fmt::Display;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponseParts, ResponseParts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portal_domain::input::FieldError;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Problem;
use crate::problem::ProblemType;

/// Bytes of the hash in a tag.
const HASH_BYTES: usize = 12;

/// The version of something that can be changed, as a strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of something that counts its versions.
    pub fn of_version(version: impl Display) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag of something that is known by what it says alone.
    pub fn of_content(content: &impl Serialize) -> Result<Self, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(content)?);
        Ok(Self::of_version(BASE64_URL_SAFE_NO_PAD.encode(&digest[..HASH_BYTES])))
    }
}

impl IntoResponseParts for ETag {
    type Error = Problem;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Problem> {
        let tag = HeaderValue::try_from(self.0).map_err(Problem::internal)?;
        response.headers_mut().insert(ETAG, tag);
        Ok(response)
    }
}

/// The condition of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// The caller sent none.
    Absent,
    /// `*`: there is something to change.
    Any,
    /// It still has one of these tags.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Refuses a change of what has the tag `current` now; `None` if there is nothing.
    pub fn check(&self, current: Option<&ETag>) -> Result<(), Problem> {
        let holds = match (self, current) {
            (Self::Absent, _) | (Self::Any, Some(_)) => true,
            (Self::Any, None) | (Self::Tags(_), None) => false,
            (Self::Tags(tags), Some(current)) => tags.contains(&current.0),
        };
        if holds { Ok(()) } else { Err(changed(current)) }
    }

    /// Whether the caller sent no condition.
    pub fn is_absent(&self) -> bool {
        *self == Self::Absent
    }
}

/// 412: somebody has changed it meanwhile. It has the tag `current` now.
pub fn changed(current: Option<&ETag>) -> Problem {
    let detail = match current {
        Some(_) => "Somebody has changed it since you read it. Read it again, and change what is there now.",
        None => "There is nothing to change: it does not exist.",
    };
    Problem::precondition_failed(ProblemType::CHANGED, detail).with("etag", current.map(|tag| tag.0.clone()))
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IF_MATCH).iter().peekable();
        if values.peek().is_none() {
            return Ok(Self::Absent);
        }
        let texts: Result<Vec<_>, _> = values.map(HeaderValue::to_str).collect();
        let text = texts.map(|texts| texts.join(",")).unwrap_or_default();
        Ok(read(&text).ok_or_else(|| {
            FieldError::new("If-Match", "must be the ETag of an answer, in its quotes; several are separated by commas")
        })?)
    }
}

/// Reads the header's value. A weak tag is one, and is never equal to a current one.
fn read(text: &str) -> Option<IfMatch> {
    if text.trim() == "*" {
        return Some(IfMatch::Any);
    }
    let is_tag = |tag: &str| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
    };
    // No tag of this API contains a comma.
    let tags: Vec<_> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    (!tags.is_empty() && tags.iter().all(|tag| is_tag(tag))).then_some(IfMatch::Tags(tags))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use axum::response::IntoResponse;

    use super::*;

    async fn sent(values: &[&str]) -> Result<IfMatch, Vec<String>> {
        let request = values.iter().fold(Request::builder(), |request, value| request.header(IF_MATCH, *value));
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let read = IfMatch::from_request_parts(&mut parts, &()).await;
        read.map_err(|problem| problem.errors().iter().map(|fault| fault.field.clone()).collect())
    }

    #[tokio::test]
    async fn a_condition_is_a_star_or_tags_in_quotes() {
        let tags = |tags: &[&str]| Ok(IfMatch::Tags(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        assert_eq!(sent(&[]).await, Ok(IfMatch::Absent));
        assert_eq!(sent(&[" * "]).await, Ok(IfMatch::Any));
        assert_eq!(sent(&["\"7\""]).await, tags(&["\"7\""]));
        assert_eq!(sent(&["\"7\" , W/\"8\"", "\"9\""]).await, tags(&["\"7\"", "W/\"8\"", "\"9\""]));
        for wrong in ["", "7", "\"7", "\"7\" \"8\"", "w/\"7\"", "*, \"7\"", "\"", ","] {
            assert_eq!(sent(&[wrong]).await, Err(vec!["If-Match".to_owned()]), "{wrong}");
        }
    }

    #[test]
    fn a_change_is_refused_unless_a_tag_is_the_current_one() {
        let (seven, eight) = (ETag::of_version(7), ETag::of_version(8));
        let either = read("\"1\", \"7\"").expect("tags");
        let table = [
            (IfMatch::Absent, true, true, true),
            (IfMatch::Any, true, true, false),
            (either, true, false, false),
            (read("W/\"7\"").expect("a tag"), false, false, false),
        ];
        for (condition, on_seven, on_eight, on_nothing) in table {
            let holds = |current: Option<&ETag>| condition.check(current).is_ok();
            assert_eq!((holds(Some(&seven)), holds(Some(&eight)), holds(None)), (on_seven, on_eight, on_nothing));
        }
        assert_eq!(changed(Some(&seven)).into_response().status(), 412);
    }

    #[test]
    fn the_same_content_has_the_same_tag() {
        let of = |content: &str| ETag::of_content(&content).expect("serialises");
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        let ETag(text) = of("a");
        assert!(matches!(read(&text), Some(IfMatch::Tags(tags)) if tags == [text]));
    }
}
