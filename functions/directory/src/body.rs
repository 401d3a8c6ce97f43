//! The accounts in a body: a JSON array, or one a line.

use axum::extract::Request;
use portal_domain::input::FieldError;
use portal_http::Problem;
use portal_http::body::{self, JSON, NDJSON, parse_json, syntax_fault};
use serde_json::Value;

/// Most accounts in one call.
pub(crate) const ACCOUNTS: usize = 500;

/// Most bytes in one call. Lambda takes 6 MB (6,291,456 bytes) together with what API Gateway says of the request.
const BODY_BYTES: usize = 5 * 1024 * 1024;

/// Other names that newline-delimited JSON goes by.
const NDJSON_TOO: [&str; 3] = ["application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// One account as it came in.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// Its line, in a body that has one account a line; from 1.
    pub line: Option<usize>,
    /// The account, if its line is JSON at all.
    pub value: Result<Value, FieldError>,
}

/// Reads the accounts. What is wrong with the body as a whole is a problem; with one line, a fault of that entry.
pub(crate) async fn read(request: Request) -> Result<Vec<Entry>, Problem> {
    let accepted = [JSON, NDJSON, NDJSON_TOO[0], NDJSON_TOO[1], NDJSON_TOO[2]];
    let (media_type, bytes) = body::read(request, BODY_BYTES, &accepted).await?;
    let entries = if media_type == JSON { array(&bytes)? } else { lines(&bytes) };
    match entries.len() {
        0 => Err(FieldError::new("body", "has no account").into()),
        1..=ACCOUNTS => Ok(entries),
        many => {
            let message = format!("has {many} accounts; send at most {ACCOUNTS} in one call");
            Err(FieldError::new("body", message).into())
        }
    }
}

fn array(bytes: &[u8]) -> Result<Vec<Entry>, FieldError> {
    match parse_json(bytes)? {
        Value::Array(accounts) => {
            Ok(accounts.into_iter().map(|account| Entry { line: None, value: Ok(account) }).collect())
        }
        _ => Err(FieldError::new(
            "body",
            format!("must be a JSON array of accounts, or {NDJSON} with one account a line"),
        )),
    }
}

fn lines(bytes: &[u8]) -> Vec<Entry> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    filled
        .map(|(index, line)| {
            let number = index + 1;
            let value = serde_json::from_slice(line).map_err(|error| syntax_fault("body", number, &error));
            Entry { line: Some(number), value }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_line_is_read_by_itself_and_keeps_its_number() {
        let entries = lines(b"{\"a\":1}\r\n\n  \n{\"b\":\n{\"c\":3}");
        let numbers: Vec<_> = entries.iter().map(|entry| entry.line).collect();
        assert_eq!(numbers, [Some(1), Some(4), Some(5)]);
        assert_eq!(entries[0].value, Ok(json!({"a": 1})));
        let fault = entries[1].value.as_ref().expect_err("is broken");
        assert!(fault.message.contains("line 4"), "{}", fault.message);
        assert_eq!(entries[2].value, Ok(json!({"c": 3})));
    }

    #[test]
    fn json_is_an_array() {
        assert_eq!(array(b"[1, 2]").expect("an array").len(), 2);
        assert!(array(b"{\"accountId\": \"A\"}").is_err());
        assert!(array(b"[1,").is_err_and(|fault| fault.message.contains("line 1")));
    }
}
