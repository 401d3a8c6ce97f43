//! The answer to an import: how many accounts are stored, and the faults and warnings of the others.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portal_domain::input::FieldError;
use portal_http::Problem;
use portal_http::problem::ProblemType;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// Most faults, and most warnings, that are listed of one account: an answer ends at 6 MB (Lambda).
const LISTED: usize = 20;

const NOTHING_STORED: ProblemType =
    ProblemType::new("/problems/nothing-stored", "None of the accounts could be stored");

/// Faults and warnings of one account of a call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountResult {
    /// Its place among the accounts of the call, from 0.
    pub index: usize,
    /// Its line, from 1, if the body is NDJSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Its id, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Why it is not stored; empty when it is.
    pub errors: Vec<FieldError>,
    /// What was cleaned, and contacts that are unreachable.
    pub warnings: Vec<FieldError>,
    /// The account has no faults: it was not reached in time, or its writes conflicted. It may be posted again
    /// unchanged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
}

/// What became of a call, as the answer says it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stored {
    /// How many accounts are stored.
    stored: usize,
    /// How many are not.
    failed: usize,
    /// Accounts with faults or warnings.
    results: Vec<AccountResult>,
}

/// What became of a call.
#[derive(Debug)]
pub struct Imported {
    /// Results of accounts with faults or warnings.
    results: Vec<AccountResult>,
}

impl Imported {
    /// The answer to a call with these results, one per account.
    pub fn new(results: Vec<AccountResult>) -> Self {
        Self { results }
    }
}

impl IntoResponse for Imported {
    /// 200 if anything is stored; 422 if there was something to store and nothing is.
    fn into_response(self) -> Response {
        let failed = self.results.iter().filter(|result| !result.errors.is_empty()).count();
        let stored = self.results.len() - failed;
        let notable = |result: &AccountResult| !result.errors.is_empty() || !result.warnings.is_empty();
        let results: Vec<_> = self.results.into_iter().filter(notable).map(shortened).collect();
        if failed == 0 || stored > 0 {
            return Json(Stored { stored, failed, results }).into_response();
        }
        let detail = format!("Of {failed} accounts none was stored; results say why.");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, NOTHING_STORED, detail)
            .with("stored", stored)
            .with("failed", failed)
            .with("results", json!(results))
            .into_response()
    }
}

fn shortened(mut result: AccountResult) -> AccountResult {
    for list in [&mut result.errors, &mut result.warnings] {
        let more = list.len().saturating_sub(LISTED);
        if more > 0 {
            list.truncate(LISTED);
            list.push(FieldError::new("", format!("and {more} more")));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn result(index: usize, errors: usize, warnings: usize) -> AccountResult {
        let list = |n: usize| (0..n).map(|i| FieldError::new(format!("f{i}"), "is wrong")).collect();
        AccountResult {
            index,
            line: Some(index + 1),
            account_id: Some(format!("A{index}")),
            errors: list(errors),
            warnings: list(warnings),
            retry: false,
        }
    }

    async fn answer(results: Vec<AccountResult>) -> (StatusCode, Value) {
        let (parts, body) = Imported::new(results).into_response().into_parts();
        let bytes = axum::body::to_bytes(body, 1_000_000).await.expect("in memory");
        (parts.status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[tokio::test]
    async fn only_accounts_with_faults_or_warnings_are_listed() {
        let (status, body) = answer(vec![result(0, 0, 0), result(1, 1, 0), result(2, 0, 1)]).await;
        assert_eq!(status, 200);
        let fault = json!([{"field": "f0", "message": "is wrong"}]);
        let expected = json!({"stored": 2, "failed": 1, "results": [
            {"index": 1, "line": 2, "accountId": "A1", "errors": fault, "warnings": []},
            {"index": 2, "line": 3, "accountId": "A2", "errors": [], "warnings": fault},
        ]});
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn when_nothing_is_stored_the_answer_is_a_problem_that_says_as_much() {
        let (status, body) = answer(vec![result(0, 1, 0)]).await;
        assert_eq!(
            (status, &body["stored"], &body["failed"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(0), &json!(1))
        );
        assert_eq!(body["type"], "/problems/nothing-stored");
        assert_eq!(body["results"][0]["errors"][0]["field"], "f0");
        assert_eq!(answer(Vec::new()).await.0, 200, "where nothing was posted nothing failed");
    }

    #[tokio::test]
    async fn a_long_list_of_faults_is_cut_short() {
        let (_, body) = answer(vec![result(0, 0, 0), result(1, 1_000, 1_000)]).await;
        for list in ["errors", "warnings"] {
            let list = body["results"][0][list].as_array().expect("a list");
            assert_eq!(list.len(), LISTED + 1);
            assert_eq!(list[LISTED]["message"], "and 980 more");
        }
    }
}
