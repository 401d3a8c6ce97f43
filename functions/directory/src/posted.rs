//! The accounts in the body of a `POST /v1/accounts`: a JSON array or NDJSON.

mod elements;

use axum::http::StatusCode;
use portal_domain::Account;
use portal_domain::account::parse::Parsed;
use portal_domain::input::{FieldError, ID_CHARS};
use portal_http::Problem;
use portal_http::body::{self, NDJSON};
use serde_json::Value;

use elements::Element;

/// Most accounts of one call.
pub const ACCOUNTS: usize = 500;

/// Most bytes of one call. Lambda's limit for an event is 6 MB.
pub const BODY_BYTES: usize = 6 * 1024 * 1024;

/// The media types of a body; all but the first are names for NDJSON.
pub const MEDIA_TYPES: [&str; 4] = [body::JSON, NDJSON, "application/ndjson", "application/jsonl"];

/// One account as it was posted.
#[derive(Debug)]
pub struct Posted {
    /// Its line in the body, from 1, if the body is NDJSON.
    pub line: Option<usize>,
    /// Its id, as far as it can be read.
    pub account_id: Option<String>,
    /// The account, or what is wrong with it.
    pub parsed: Result<Parsed, Vec<FieldError>>,
}

/// Reads every account of a body. A body is refused as a whole only if its accounts can't be told apart or are too
/// many.
pub fn read(media_type: &str, bytes: &[u8]) -> Result<Vec<Posted>, Problem> {
    if media_type == body::JSON { read_array(bytes) } else { read_lines(bytes) }
}

fn read_array(bytes: &[u8]) -> Result<Vec<Posted>, Problem> {
    let elements = elements::split(bytes)?;
    check_number(elements.len())?;
    let read = |element: Element| posted(None, element.read(bytes).as_ref().map_err(Clone::clone));
    Ok(elements.into_iter().map(read).collect())
}

fn read_lines(bytes: &[u8]) -> Result<Vec<Posted>, Problem> {
    // Concatenated files have byte-order marks in the middle.
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n').map(body::without_mark));
    let lines: Vec<(usize, &[u8])> = lines.filter(|(_, line)| !line.trim_ascii().is_empty()).collect();
    check_number(lines.len())?;
    let read = |(number, line): (usize, &[u8])| match body::value_from_slice(line) {
        Ok(value) => posted(Some(number), Ok(&value)),
        Err(error) => posted(Some(number), Err(body::syntax_fault("line", number, &error))),
    };
    Ok(lines.into_iter().map(read).collect())
}

fn posted(line: Option<usize>, value: Result<&Value, FieldError>) -> Posted {
    let id = value.as_ref().ok().and_then(|value| value["accountId"].as_str());
    Posted {
        line,
        account_id: id.filter(|id| id.chars().count() <= ID_CHARS).map(str::to_owned),
        parsed: value.map_err(|fault| vec![fault]).and_then(Account::parse),
    }
}

fn check_number(accounts: usize) -> Result<(), Problem> {
    if accounts <= ACCOUNTS {
        return Ok(());
    }
    let detail = format!("A call may post at most {ACCOUNTS} accounts; this one posts {accounts}. Nothing was stored.");
    Err(Problem::plain(StatusCode::PAYLOAD_TOO_LARGE).detail(detail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(id: &str) -> Value {
        json!({
            "accountId": id, "division": "D", "accountClass": "C", "billGroup": "G", "accountSource": "S",
            "automaticPayment": true, "balanceDue": "0", "sites": [], "contacts": [],
        })
    }

    fn refused(media_type: &str, body: &str) -> StatusCode {
        read(media_type, body.as_bytes()).expect_err("it is refused").status()
    }

    #[test]
    fn a_list_is_read_whatever_its_elements_are() {
        let body = json!([account("A"), 7, {"accountId": "B"}, account("")]).to_string();
        let posted = read(body::JSON, body.as_bytes()).expect("it is a list");
        let ids: Vec<_> = posted.iter().map(|posted| posted.account_id.as_deref()).collect();
        assert_eq!(ids, [Some("A"), None, Some("B"), Some("")]);
        assert_eq!(posted.iter().map(|posted| posted.parsed.is_ok()).collect::<Vec<_>>(), [true, false, false, false]);
    }

    #[test]
    fn blank_lines_and_carriage_returns_are_nothing_and_a_broken_line_is_named() {
        let body = format!("\n{}\r\n  \r\n{{\"accountId\":\n\u{feff}{}\n{}", account("A"), account("B"), account("C"));
        let posted = read(NDJSON, body.as_bytes()).expect("only lines are broken");
        assert_eq!(posted.iter().map(|posted| posted.line).collect::<Vec<_>>(), [Some(2), Some(4), Some(5), Some(6)]);
        let faults = posted[1].parsed.as_ref().expect_err("the line ends early");
        assert!(faults[0].message.contains("line 4"), "{faults:?}");
        assert!(posted[0].parsed.is_ok() && posted[2].parsed.is_ok() && posted[3].parsed.is_ok());
    }

    #[test]
    fn one_bad_element_of_a_list_is_refused_alone_and_its_place_is_told() {
        let good = account("A");
        let deep = "[".repeat(200) + &"]".repeat(200);
        for bad in [
            r#"{"accountId": "\ud800"}"#,
            r#"{"balanceDue": 1e999}"#,
            "{\"a\": tru}",
            "{\"a\" 1}",
            "",
            "{\"a\":\"\t\"}",
            r#"{"accountId": "B", "accountId": "B"}"#,
            &deep,
        ] {
            let body = format!(" [{good},\n {bad}, {good}\n]\n");
            let posted = read(body::JSON, body.as_bytes()).expect(bad);
            assert_eq!(
                posted.iter().map(|posted| posted.parsed.is_ok()).collect::<Vec<_>>(),
                [true, false, true],
                "{bad}"
            );
            let faults = posted[1].parsed.as_ref().expect_err("it is broken");
            assert!(faults[0].field == "body" && faults[0].message.contains("line 2, column"), "{faults:?}");
        }
        let places = read(body::JSON, b"[1,\n {\n\"a\": tru}, {\"b\": tru}]").expect("a list");
        let message = |place: usize| places[place].parsed.as_ref().expect_err("broken")[0].message.clone();
        assert_eq!(message(1), "is not valid JSON: line 3, column 9: expected ident");
        assert_eq!(message(2), "is not valid JSON: line 3, column 21: expected ident");
    }

    #[test]
    fn a_list_that_is_cut_off_is_refused_as_a_whole_and_says_where() {
        let body = format!("[{},\n{{\"accountId\": \"B", account("A"));
        let problem = read(body::JSON, body.as_bytes()).expect_err("it is cut off");
        assert_eq!(
            problem.errors()[0].message,
            "ends within the list, in the element that begins in line 2. Nothing was stored"
        );
    }

    #[test]
    fn a_broken_body_or_one_that_is_no_list_is_refused_as_a_whole() {
        for body in ["", "[{]", "{}", "null", "[] []", "[", "[{}", "[{},", "[\"]", "tru"] {
            assert_eq!(refused(body::JSON, body), StatusCode::BAD_REQUEST, "{body:?}");
        }
        assert_eq!(read(NDJSON, b"").expect("no lines").len(), 0);
    }

    #[test]
    fn five_hundred_accounts_are_taken_and_one_more_is_not() {
        let lines = |n: usize| "{}\n".repeat(n);
        let list = |n: usize| json!(vec![json!({}); n]).to_string();
        assert!(read(NDJSON, lines(500).as_bytes()).is_ok() && read(body::JSON, list(500).as_bytes()).is_ok());
        assert_eq!(refused(NDJSON, &lines(501)), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refused(body::JSON, &list(501)), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
