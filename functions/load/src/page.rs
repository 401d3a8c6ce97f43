//! What all lists share: limits of a page, its parameters, and its answer as JSON or CSV.

use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use portal_aws::clock;
use portal_domain::input::Fields;
use portal_http::csv::{Table, wants_csv};
use portal_http::cursor::{Page, PageRequest};
use portal_http::{Problem, words};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows in a page of JSON, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 100;

/// Most rows in a page of JSON.
pub(crate) const MOST_ROWS: u64 = 1_000;

/// Rows in a page of CSV, unless the caller asks for fewer.
const CSV_ROWS: u64 = 5_000;

/// Bytes in a page. Lambda ends an answer at 6 MB, in which each quote of the body counts twice.
pub(crate) const MOST_BYTES: usize = 4_000_000;

/// Time to fill a page, after which it is returned as it is. API Gateway's time limit is 29 seconds.
pub(crate) const MOST_TIME: Duration = Duration::from_secs(15);

/// Limits of a page; the first one reached ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub rows: usize,
    pub bytes: usize,
    pub until: Timestamp,
}

/// The parameters of a page.
#[derive(Debug)]
pub(crate) struct Paging {
    pub bounds: Bounds,
    page: PageRequest,
    csv: bool,
    /// The file is for people.
    pub words: bool,
}

/// Cells of a row.
pub(crate) type Cells<R> = Box<dyn Fn(&R) -> Vec<String>>;

/// A list as a spreadsheet.
pub(crate) struct Sheet<R> {
    /// The file name in a browser.
    pub name: &'static str,
    pub columns: Vec<String>,
    pub cells: Cells<R>,
}

impl Paging {
    /// Reads `limit`, `cursor` and `columns`, and starts the page's time.
    pub(crate) fn read(fields: &mut Fields<'_>, headers: &HeaderMap) -> Self {
        let csv = wants_csv(headers);
        let (default, most) = if csv { (CSV_ROWS, CSV_ROWS) } else { (DEFAULT_LIMIT, MOST_ROWS) };
        let page = PageRequest::read(fields, default, most);
        let bounds = Bounds { rows: page.limit, bytes: MOST_BYTES, until: clock::now() + MOST_TIME };
        Self { bounds, page, csv, words: words::asked_for(fields) }
    }

    /// Whether the page is part of an export.
    pub(crate) fn is_export(&self) -> bool {
        self.csv
    }

    /// Where the page of this list begins; `None` at its start.
    pub(crate) fn from<P: Serialize + DeserializeOwned>(&self, list: &impl Serialize) -> Result<Option<P>, Problem> {
        Ok(self.page.from(list)?)
    }

    /// The answer with this page.
    pub(crate) fn answer<R: Serialize>(&self, page: Page<R>, uri: &Uri, sheet: Sheet<R>) -> Result<Response, Problem> {
        if !self.csv {
            return Ok(page.into_response());
        }
        let mut table =
            Table::new(&sheet.columns.iter().map(String::as_str).collect::<Vec<_>>()).map_err(Problem::internal)?;
        for row in &page.items {
            table.push(&(sheet.cells)(row)).map_err(Problem::internal)?;
        }
        table.into_response(sheet.name, uri, page.next_cursor.as_deref())
    }
}

/// How many bytes a row takes in Lambda's answer. The body is a JSON string there, so quotes and backslashes count
/// twice.
pub(crate) fn bytes(row: &impl Serialize) -> usize {
    let json = serde_json::to_string(row).unwrap_or_default();
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}
