//! The one encoding of bodies: UTF-8 (RFC 8259, section 8.1).

use axum::http::StatusCode;
use portal_domain::input::FieldError;

use crate::Problem;

/// U+FEFF, with which some programs begin a file in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// How many bytes the byte-order mark at the beginning takes; 0 if there is none.
pub(super) fn mark(bytes: &[u8]) -> usize {
    if bytes.starts_with(MARK) { MARK.len() } else { 0 }
}

/// A text without a byte-order mark at its beginning.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    &bytes[mark(bytes)..]
}

/// Refuses a content type whose parameters name another character encoding.
pub(super) fn check_charset(parameters: &str) -> Result<(), Problem> {
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches(['"', '\'']);
        let is_utf8 = ["utf-8", "utf8"].iter().any(|utf8| utf8.eq_ignore_ascii_case(value));
        if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
            let detail = "The body must be in UTF-8: leave charset out of the content type, or make it utf-8.";
            return Err(Problem::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
    }
    Ok(())
}

/// Refuses a body that is not UTF-8, or was not before the gateway replaced its invalid bytes by U+FFFD.
pub(super) fn check(bytes: &[u8]) -> Result<(), FieldError> {
    let refused = |what: &str| Err(FieldError::new("body", format!("{what}. Send it as UTF-8")));
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return refused("looks like UTF-16");
    }
    match std::str::from_utf8(bytes) {
        Err(error) => refused(&format!("has a byte that is not UTF-8 at {}", place(bytes, error.valid_up_to()))),
        Ok(text) => match text.find(char::REPLACEMENT_CHARACTER) {
            Some(at) => {
                refused(&format!("has U+FFFD at {}, which stands for bytes that are not UTF-8", place(bytes, at)))
            }
            None => Ok(()),
        },
    }
}

/// Line and column of the byte `at`; columns count characters. The bytes before it are UTF-8.
fn place(bytes: &[u8], at: usize) -> String {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}
