//! The header that makes a request safe to repeat.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use portal_domain::input::FieldError;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Problem;
use crate::problem::ProblemType;

/// Name of the header.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The request's key, if it has one: 1 to 255 visible ASCII characters.
pub fn key(headers: &HeaderMap) -> Result<Option<&str>, FieldError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(fault("must be given only once"));
    }
    let key = value.to_str().unwrap_or_default();
    let fits = (1..=255).contains(&key.len());
    if fits { Ok(Some(key)) } else { Err(fault("must be 1 to 255 visible ASCII characters")) }
}

/// The key of a request that must have one.
pub fn required_key(headers: &HeaderMap) -> Result<&str, FieldError> {
    key(headers)?.ok_or_else(|| {
        fault("is required: a header with a value of your own, new for each send and the same when you repeat one")
    })
}

fn fault(message: &str) -> FieldError {
    FieldError::new("Idempotency-Key", message)
}

/// Hash of a body's value; white space and order of members make no difference.
pub fn hash_of(body: &Value) -> String {
    let digest = Sha256::digest(sorted(body).to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value with the members of all objects sorted by name, whichever order serde_json is built to keep.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The key was used for another request.
pub fn reused() -> Problem {
    Problem::unprocessable(
        ProblemType::KEY_REUSED,
        "This Idempotency-Key was used for another request in the last 7 days. Choose a new one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse_json;

    #[test]
    fn a_body_says_the_same_whatever_its_spacing_and_order() {
        let hash_of = |text: &str| hash_of(&parse_json(text.as_bytes()).expect("is JSON"));
        assert_eq!(hash_of(r#"{"a":1,"b":{"c":2,"d":3}}"#), hash_of(" {\"b\": {\"d\":3, \"c\":2},\n\"a\": 1} "));
        assert_ne!(hash_of(r#"{"a":1}"#), hash_of(r#"{"a":2}"#));
        assert_ne!(hash_of("[1, 2]"), hash_of("[2, 1]"));
    }

    #[test]
    fn a_key_is_given_once() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, axum::http::HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(key(&headers(&["k-1"])), Ok(Some("k-1")));
        assert_eq!(key(&headers(&[])), Ok(None));
        for wrong in [&headers(&[]), &headers(&[""]), &headers(&["a", "b"])] {
            assert_eq!(required_key(wrong).map_err(|fault| fault.field), Err("Idempotency-Key".to_owned()));
        }
    }
}
