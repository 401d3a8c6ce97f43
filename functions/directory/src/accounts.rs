//! `POST /v1/accounts` and `DELETE /v1/accounts/{accountId}`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portal_aws::dynamo::StoreError;
use portal_domain::account::Parsed;
use portal_domain::import::{Change, Outcome};
use portal_domain::input::{FieldError, Fields};
use portal_domain::{Account, AccountId};
use portal_http::Problem;
use portal_http::problem::ProblemType;
use serde::Serialize;
use serde_json::json;

use crate::Directory;
use crate::body::{self, Entry};

/// How long an import may begin transactions: API Gateway waits 29 seconds, and a contended transaction takes 5 at most.
const TIME: Duration = Duration::from_secs(20);

/// No account of the call was stored.
const NOTHING_STORED: ProblemType = ProblemType::new("/problems/nothing-stored", "No account was stored");

/// What became of a call's accounts.
#[derive(Debug, Serialize)]
struct Answer {
    stored: usize,
    failed: usize,
    /// Only accounts with errors or warnings.
    results: Vec<AccountResult>,
}

/// What is to say of one account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountResult {
    /// Position in the call, from 0.
    index: usize,
    /// Line of the body, from 1, if it has one account a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    account_id: Option<String>,
    errors: Vec<FieldError>,
    warnings: Vec<FieldError>,
}

pub(crate) async fn store(State(directory): State<Arc<Directory>>, request: Request) -> Result<Response, Problem> {
    let until = Instant::now() + TIME;
    let entries = body::read(request).await?;
    let mut results: Vec<_> = entries.iter().enumerate().map(AccountResult::new).collect();
    let mut good: Vec<(usize, Account)> = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match entry.value.map_err(|fault| vec![fault]).and_then(|value| Account::parse(&value)) {
            Ok(Parsed { account, warnings }) => {
                results[index].warnings = warnings;
                good.push((index, account));
            }
            Err(faults) => results[index].errors = faults,
        }
    }
    refuse_unknown_divisions(&directory, &mut good, &mut results).await?;

    let (indexes, changes): (Vec<_>, Vec<_>) =
        good.into_iter().map(|(index, account)| (index, Change::put(account))).unzip();
    let report = directory.store.import(&changes, Some(until)).await;
    if let Some(error) = &report.error {
        tracing::error!(error.cause = %error, "an import ended early");
    }
    for (index, outcome) in indexes.into_iter().zip(&report.outcomes) {
        results[index].errors.extend(not_stored(*outcome));
    }
    answer(results, report.error)
}

pub(crate) async fn remove(
    State(directory): State<Arc<Directory>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let body = json!({ "accountId": id });
    let mut fields = Fields::of(&body, "")?;
    let id = AccountId::new(fields.required_id("accountId"));
    let faults = fields.finish();
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let report = directory.store.import(&[Change::delete(id)], Some(Instant::now() + TIME)).await;
    match (report.outcomes.first(), report.error) {
        (Some(Outcome::Stored), _) => Ok(StatusCode::NO_CONTENT),
        (_, Some(error)) => Err(error.into()),
        _ => Err(Problem::busy()),
    }
}

async fn refuse_unknown_divisions(
    directory: &Directory,
    good: &mut Vec<(usize, Account)>,
    results: &mut [AccountResult],
) -> Result<(), StoreError> {
    let named: BTreeSet<_> = good.iter().map(|(_, account)| &account.division).collect();
    let known = directory.store.existing_divisions(&named).await?;
    good.retain(|(index, account)| {
        let exists = known.contains(&account.division);
        if !exists {
            results[*index].errors.push(FieldError::new("division", "is not a known division"));
        }
        exists
    });
    Ok(())
}

fn not_stored(outcome: Outcome) -> Option<FieldError> {
    match outcome {
        Outcome::Stored => None,
        Outcome::Contended => {
            Some(FieldError::new("accountId", "is being changed by others at the same time; post this account again"))
        }
        Outcome::NotReached => Some(FieldError::new("accountId", "was not reached in time; post this account again")),
    }
}

/// 200 when anything was stored; a problem with the same members when nothing was.
fn answer(results: Vec<AccountResult>, error: Option<StoreError>) -> Result<Response, Problem> {
    let failed = results.iter().filter(|result| !result.errors.is_empty()).count();
    let stored = results.len() - failed;
    let results: Vec<_> =
        results.into_iter().filter(|result| !(result.errors.is_empty() && result.warnings.is_empty())).collect();
    if stored > 0 {
        return Ok(Json(Answer { stored, failed, results }).into_response());
    }
    let problem = match error {
        Some(error) => Problem::from(error),
        None => Problem::unprocessable(NOTHING_STORED, "Each account has a fault; see results."),
    };
    Err(problem.with("stored", 0).with("failed", failed).with("results", json!(results)))
}

impl AccountResult {
    fn new((index, entry): (usize, &Entry)) -> Self {
        let id = entry.value.as_ref().ok().and_then(|value| value.get("accountId")).and_then(|id| id.as_str());
        Self { index, line: entry.line, account_id: id.map(str::to_owned), errors: Vec::new(), warnings: Vec::new() }
    }
}
