//! Cursors: positions in a list, opaque to the caller.
//!
//! A cursor is base64url of JSON with a version, the position, and a hash over both and over the query that it belongs
//! to. The hash is not secret and protects nothing: a position leads only to what the query may see anyway. It detects
//! mistakes, such as another filter with an old cursor, which would otherwise return a wrong page.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portal_domain::input::{FieldError, Fields};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Problem;
use crate::record::Rows;

/// Version of the stored form. A cursor of another version is refused.
const VERSION: u8 = 1;

/// Bytes of the hash in a cursor.
const HASH_BYTES: usize = 9;

/// Longest cursor: two ids of 128 characters, as JSON and in base64.
const MOST_CHARS: usize = 2_000;

/// What a request says of the page that it asks for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Most rows on it.
    pub limit: usize,
    cursor: Option<String>,
}

impl PageRequest {
    /// Reads `limit`, which is `default` unless said otherwise and at most `most`, and `cursor`.
    pub fn read(fields: &mut Fields<'_>, default: u64, most: u64) -> Self {
        let limit = fields.optional_number("limit", 1..=most).unwrap_or(default) as usize;
        Self { limit, cursor: fields.optional_text("cursor", MOST_CHARS) }
    }

    /// Where the page of this list begins; `None` at its start.
    pub fn from<P: Serialize + DeserializeOwned>(&self, list: &impl Serialize) -> Result<Option<P>, FieldError> {
        self.cursor.as_ref().map(|cursor| decode(list, cursor)).transpose()
    }
}

/// A page of a list, as in answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page of the list that `query` describes; `next` is the position that the next page continues after, if there
    /// is one.
    pub fn new<P: Serialize>(items: Vec<T>, query: &impl Serialize, next: Option<&P>) -> Result<Self, Problem> {
        Ok(Self { items, next_cursor: cursor_at(query, next)? })
    }
}

/// The cursor of a page that continues after `next`, if there is one.
pub fn cursor_at<P: Serialize>(query: &impl Serialize, next: Option<&P>) -> Result<Option<String>, Problem> {
    next.map(|next| encode(query, next)).transpose().map_err(Problem::internal)
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let rows = Rows(self.items.len());
        let mut response = Json(self).into_response();
        response.extensions_mut().insert(rows);
        response
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<P> {
    v: u8,
    p: P,
    h: String,
}

/// The cursor at `position` of the list that `query` describes: everything that decides what is in the list and in
/// which order, but not the size of a page.
pub fn encode<P: Serialize>(query: &impl Serialize, position: &P) -> Result<String, serde_json::Error> {
    let mut hash = Sha256::new();
    for part in [serde_json::to_vec(&VERSION)?, serde_json::to_vec(query)?, serde_json::to_vec(position)?] {
        hash.update(part);
        hash.update(b"\n");
    }
    let h = BASE64_URL_SAFE_NO_PAD.encode(&hash.finalize()[..HASH_BYTES]);
    let envelope = serde_json::to_vec(&Envelope { v: VERSION, p: position, h })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(envelope))
}

/// The position of a cursor that was made for the same `query`; any other text is a fault of the field `cursor`.
pub fn decode<P: Serialize + DeserializeOwned>(query: &impl Serialize, cursor: &str) -> Result<P, FieldError> {
    let position = || -> Option<P> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let envelope: Envelope<P> = serde_json::from_slice(&json).ok()?;
        let same = encode(query, &envelope.p).ok()?;
        (same == cursor).then_some(envelope.p)
    };
    position().ok_or_else(|| FieldError::new("cursor", "is not a cursor that this query has answered"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Position = (u8, Option<String>);

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_position(query in "\\PC{0,20}", position: Position) {
            let cursor = encode(&query, &position).expect("serialises");
            prop_assert_eq!(decode::<Position>(&query, &cursor), Ok(position));
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        }

        #[test]
        fn a_cursor_of_another_query_is_refused(one in "\\PC{0,9}", other in "\\PC{0,9}", position: Position) {
            prop_assume!(one != other);
            let cursor = encode(&one, &position).expect("serialises");
            prop_assert_eq!(decode::<Position>(&other, &cursor).map_err(|fault| fault.field), Err("cursor".to_owned()));
        }

        #[test]
        fn a_garbled_cursor_is_refused(position: Position, at: prop::sample::Index, to in "[A-Za-z0-9_=.-]") {
            let cursor = encode(&"query", &position).expect("serialises");
            let at = at.index(cursor.len());
            let garbled = format!("{}{to}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assume!(garbled != cursor);
            prop_assert!(decode::<Position>(&"query", &garbled).is_err());
            prop_assert!(decode::<Position>(&"query", &cursor[..at]).is_err());
        }

        #[test]
        fn any_text_is_decoded_or_refused_without_panic(text in "\\PC{0,40}") {
            prop_assert!(decode::<Position>(&"query", &text).is_err());
        }
    }
}
