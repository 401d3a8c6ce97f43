//! Lists as CSV, safe to open in a spreadsheet.

use std::borrow::Cow;

use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use csv::{Terminator, Writer, WriterBuilder};

use crate::Problem;
use crate::body::JSON;
use crate::query::next_page;
use crate::record::Rows;

/// Media type of CSV, as an `Accept` header names it.
pub const CSV: &str = "text/csv";

/// Separator of several values in one cell, at which no spreadsheet splits.
pub const BETWEEN_VALUES: &str = " / ";

/// The byte-order mark by which Excel recognises UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A page of a list as CSV (RFC 4180), with a byte-order mark: a header row, then the rows.
#[derive(Debug)]
pub struct Table {
    writer: Writer<Vec<u8>>,
    rows: usize,
}

impl Table {
    /// An empty page with these columns.
    pub fn new(columns: &[&str]) -> Result<Self, csv::Error> {
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(BYTE_ORDER_MARK.into());
        let mut table = Self { writer, rows: 0 };
        table.write(columns)?;
        Ok(table)
    }

    /// Adds a row.
    pub fn push(&mut self, cells: &[impl AsRef<str>]) -> Result<(), csv::Error> {
        self.rows += 1;
        self.write(cells)
    }

    fn write(&mut self, cells: &[impl AsRef<str>]) -> Result<(), csv::Error> {
        self.writer.write_record(cells.iter().map(|cell| harmless(cell.as_ref()).into_owned()))
    }

    /// The answer with this page. `next` is the cursor of the next page; `name` is the file name in a browser.
    pub fn into_response(self, name: &str, uri: &Uri, next: Option<&str>) -> Result<Response, Problem> {
        let bytes = self.writer.into_inner().map_err(|_| Problem::internal("CSV could not be written"))?;
        let mut response = bytes.into_response();
        response.extensions_mut().insert(Rows(self.rows));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        headers.insert(CONTENT_DISPOSITION, header(format!("attachment; filename=\"{name}\""))?);
        if let Some(cursor) = next {
            headers.insert(LINK, header(format!("<{}>; rel=\"next\"", next_page(uri, cursor)))?);
        }
        Ok(response)
    }
}

fn header(value: String) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(value).map_err(|_| Problem::internal("a header value could not be written"))
}

/// Characters that start a formula in a spreadsheet, also in the full-width forms that some convert.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Characters besides commas after which another cell may begin: separators of some countries and settings, and row
/// ends where a spreadsheet ignores the quotation marks around a cell.
const SPLITS: [char; 5] = [';', '\t', '|', '\r', '\n'];

/// The cell with an apostrophe wherever a spreadsheet might start a formula (OWASP, "CSV Injection"): at its beginning,
/// and after a possible separator. Leading white space and quotation marks are skipped, because spreadsheets drop them.
pub fn harmless(cell: &str) -> Cow<'_, str> {
    let begins =
        |rest: &str| rest.trim_start_matches(|c: char| c.is_whitespace() || c == '"').starts_with(FORMULA_STARTS);
    if !cell.contains(FORMULA_STARTS) && !cell.starts_with(['\t', '\r', '\n']) {
        return cell.into();
    }
    let mut harmless = String::with_capacity(cell.len() + 1);
    if cell.starts_with(['\t', '\r', '\n']) || begins(cell) {
        harmless.push('\'');
    }
    for (at, c) in cell.char_indices() {
        harmless.push(c);
        if SPLITS.contains(&c) && begins(&cell[at + c.len_utf8()..]) {
            harmless.push('\'');
        }
    }
    harmless.into()
}

/// Whether the caller prefers CSV to JSON (RFC 9110, 12.5.1). JSON is the default, also if the caller accepts neither.
pub fn wants_csv(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, f32)> = accepts.flat_map(|value| value.split(',')).map(media_range).collect();
    rank(&ranges, CSV) > rank(&ranges, JSON)
}

/// A media range in any case, and its quality; an unreadable one has none.
fn media_range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |q| q.parse().ok().filter(|q| (0.0..=1.0).contains(q)));
    (range, quality.unwrap_or(0.0))
}

/// Preference for a media type: the quality of its most specific range, then how specific that is.
fn rank(ranges: &[(&str, f32)], media_type: &str) -> (f32, u8) {
    let (group, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    let fit = |range: &str| match range.split_once('/') {
        _ if range.eq_ignore_ascii_case(media_type) => 3,
        Some((wanted, "*")) if wanted.eq_ignore_ascii_case(group) => 2,
        Some(("*", "*")) => 1,
        _ => 0,
    };
    let best = ranges.iter().map(|(range, quality)| (fit(range), *quality)).filter(|(fit, _)| *fit > 0);
    let best = best.max_by_key(|(fit, _)| *fit);
    best.filter(|(_, quality)| *quality > 0.0).map_or((0.0, 0), |(fit, quality)| (quality, fit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn csv_is_chosen_only_by_those_who_ask_for_it() {
        let csv = [
            "text/csv",
            "TEXT/CSV",
            "text/*",
            "text/csv, */*",
            "application/json;q=0.5, text/csv",
            "application/json;q=0, */*",
            "text/csv;q=0.2",
            "text/csv;header=present;q=1",
        ];
        let json = [
            "",
            "*/*",
            "application/json",
            "text/csv, application/json",
            "text/csv;q=0.5, application/json",
            "text/html",
            "text/csv;q=0",
            "text/csv;q=x",
            "text/csvx",
            "text/csv;q=0, text/*",
            "text/csv;q=2",
        ];
        for (accepts, expected) in [(&csv[..], true), (&json[..], false)] {
            for accept in accepts {
                let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).expect("a header"))]);
                assert_eq!(wants_csv(&headers), expected, "{accept}");
            }
        }
        assert!(!wants_csv(&HeaderMap::new()));
    }

    #[test]
    fn a_formula_becomes_text_and_text_stays_as_it_is() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\u{ff1d}1", "\u{a0}@x"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for text in ["", "a=1", "1-2", "O'Neil", "x@example.com", "Zoë", "a; b", "a | b = c", "a;'=1", "a,=1"] {
            assert_eq!(harmless(text), text);
        }
        let inside = [
            ("\t=1", "'\t'=1"),
            ("\r\n=1", "'\r'\n'=1"),
            ("a;=1+1", "a;'=1+1"),
            ("a; =1;b\t-1|+1", "a;' =1;b\t'-1|'+1"),
            ("a\n=1", "a\n'=1"),
            ("a;\"=1", "a;'\"=1"),
            ("\"=1", "'\"=1"),
            ("=1;@x", "'=1;'@x"),
        ];
        for (text, expected) in inside {
            assert_eq!(harmless(text), expected);
        }
    }

    #[tokio::test]
    async fn the_answer_has_type_name_and_the_next_page() {
        let mut table = Table::new(&["name", "email"]).expect("in memory");
        table.push(&["Söhne, \"Z\"", "=x@example.com"]).expect("in memory");
        let uri = "/prod/v1/recipients?division=D".parse().expect("a URI");
        let response = table.into_response("recipients.csv", &uri, Some("abc")).expect("an answer");
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
        assert_eq!(response.headers()["link"], "<?division=D&cursor=abc>; rel=\"next\"");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.expect("in memory");
        assert_eq!(&body[..], "\u{feff}name,email\r\n\"Söhne, \"\"Z\"\"\",'=x@example.com\r\n".as_bytes());
    }

    /// Everything that a spreadsheet may read as a cell: the text between separators, with and without regard to
    /// quotation marks.
    fn cells(text: &str) -> impl Iterator<Item = &str> {
        text.split(SPLITS).map(|cell| cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"'))
    }

    proptest! {
        #[test]
        fn no_cell_starts_a_formula_and_every_row_reads_back(
            rows in prop::collection::vec(prop::array::uniform3("[a=+@;|\t\r\n\" ',-]{0,6}|.{0,6}"), 0..5),
        ) {
            let mut table = Table::new(&["a", "b", "c"]).expect("in memory");
            for row in &rows {
                table.push(row).expect("in memory");
            }
            let bytes = table.writer.into_inner().expect("in memory");
            let text = std::str::from_utf8(&bytes).expect("UTF-8").strip_prefix(BYTE_ORDER_MARK).expect("a mark");
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read: Vec<Vec<String>> = reader.deserialize().collect::<Result<_, _>>().expect("valid CSV");
            prop_assert_eq!(read.len(), rows.len());
            for (cell, original) in read.iter().flatten().zip(rows.iter().flatten()) {
                prop_assert_eq!(cell, &harmless(original));
                prop_assert!(cells(cell).all(|cell| !cell.starts_with(FORMULA_STARTS)), "{}", cell);
                prop_assert_eq!(cell.replace('\'', ""), original.replace('\'', ""));
            }
        }
    }
}
