//! `POST /v1/recipients/{recipientId}/erase`: a person is erased on request; and `POST
//! /v1/divisions/{division}/readmit`: they become a customer again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use portal_aws::audit::Audit;
use portal_aws::directory::write::erase::{Erasure, Readmitted};
use portal_aws::people::erasure::Found;
use portal_domain::audit::{Deed, Entry};
use portal_domain::import::Address;
use portal_domain::input::{FieldError, Fields, id_fault};
use portal_domain::{DivisionId, EmailAddress, Recipient, RecipientId};
use portal_http::body::{JsonBody, reason};
use portal_http::problem::ProblemType;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::{Directory, deadline};

/// Most characters of an address as it may be typed.
const TYPED_ADDRESS: usize = 1_000;

/// `Retry-After` while an erasure is under way: the sweep continues it every minute.
const RETRY_AFTER_SECONDS: u32 = 60;

const UNDER_WAY: ProblemType = ProblemType::new("/problems/erasure-under-way", "The person is still being erased");

/// The state of an erasure.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    recipient_id: RecipientId,
    division: DivisionId,
    /// `erased`, or `underWay`: then the sweep or the same call continues it.
    state: &'static str,
    /// From how many accounts address and name were taken.
    account_count: u32,
    /// The former name of `accountCount`.
    #[schemars(extend("deprecated" = true))]
    accounts: u32,
    /// How many ledger rows were made anonymous.
    ledger_rows: u64,
    /// Entries of the audit trail that were deleted.
    trail_entries: u64,
    /// What stays.
    kept: &'static str,
}

/// What is kept of an erased person, as the answer says it.
const KEPT: &str = "A salted hash of the address, so that an import does not bring the person back. Ledger rows by a random id, without address, \
                    name or password. The same address in another division is not touched.";

impl From<Erasure> for Erased {
    fn from(erasure: Erasure) -> Self {
        Self {
            state: if erasure.finished_at.is_some() { "erased" } else { "underWay" },
            recipient_id: erasure.recipient_id,
            division: erasure.division,
            account_count: erasure.accounts,
            accounts: erasure.accounts,
            ledger_rows: erasure.ledger_rows,
            trail_entries: erasure.trail_entries,
            kept: KEPT,
        }
    }
}

/// 200 when everything is erased, also if it was before; 202 if time ran out.
pub async fn erase(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    Path(id): Path<String>,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("There is no such recipient.");
    let reason = reason(Fields::of(&body, "")?)?;
    let id: RecipientId = id.parse().map_err(|_| unknown())?;
    let found = directory.eraser.find(id).await?.filter(|found| caller.may(found.division())).ok_or_else(unknown)?;
    if let Found::Person(person) = &found
        && names(&reason, &Recipient::from(person.as_ref().clone()))
    {
        return Err(FieldError::new("reason", "must not name the person: it stays in the audit").into());
    }
    let entry = Audit::entry(caller.actor(), Deed::PersonErased);
    let (division, subject) = (Some(found.division().clone()), Some(id.to_string()));
    let before = Some(json!({ "reason": reason }));
    let begun = directory.audit.begin(Entry { division, subject, before: before.clone(), ..entry }).await?;
    let erasure = directory.eraser.erase(found, deadline::until(&extensions)).await?;
    let erased = Erased::from(erasure);
    tracing::info!(recipient.id = %id, state = erased.state, "erased");
    if erased.state != "erased" {
        return Ok((StatusCode::ACCEPTED, Json(erased)).into_response());
    }
    begun.done(before, Some(json!(erased))).await;
    Ok(Json(erased).into_response())
}

/// Whether anybody with the address was erased.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Readmission {
    was_erased: bool,
}

/// Answers whether anybody with the address was erased.
pub async fn readmit(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    Path(division): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let mut fields = Fields::of(&body, "")?;
    let email = fields.required_text("email", TYPED_ADDRESS);
    let email = EmailAddress::normalise(&email);
    if let Err(unusable) = &email
        && body["email"].as_str().is_some_and(|text| !text.trim().is_empty())
    {
        fields.fault("email", unusable.to_string());
    }
    let reason = reason(fields)?;
    let division = DivisionId::new(division);
    caller.require(&division)?;
    let exists = id_fault(division.as_str()).is_none()
        && !directory.store.existing_divisions(&[&division].into()).await?.is_empty();
    if !exists {
        return Err(Problem::not_found("There is no such division."));
    }
    let Ok(email) = email else { return Err(FieldError::new("email", "is not an address").into()) };
    if reason.to_lowercase().contains(email.as_str()) {
        return Err(FieldError::new("reason", "must not hold the address: it stays in the audit").into());
    }
    let entry = Audit::entry(caller.actor(), Deed::PersonReadmitted);
    let before = Some(json!({ "reason": reason }));
    let begun = Entry { division: Some(division.clone()), before: before.clone(), ..entry };
    let begun = directory.audit.begin(begun).await?;
    match directory.eraser.readmit(&Address { division, email }).await? {
        Readmitted::UnderWay => {
            begun.refused().await;
            let problem = Problem::conflict(UNDER_WAY, "Nothing was changed. Try again in a few minutes.");
            Err(problem.retry_after(RETRY_AFTER_SECONDS))
        }
        outcome => {
            let was_erased = outcome == Readmitted::Done;
            let readmission = Readmission { was_erased };
            begun.done(before, Some(json!(readmission))).await;
            Ok(Json(readmission).into_response())
        }
    }
}

/// Whether a text contains a person's address or one of their names. Names of a single word are not looked for: many
/// are ordinary words.
fn names(text: &str, person: &Recipient) -> bool {
    let text = text.to_lowercase();
    let names = person.links.accounts.iter().map(|account| account.contact_name.trim().to_lowercase());
    let mut names = names.filter(|name| name.contains(char::is_whitespace));
    text.contains(&person.email) || names.any(|name| text.contains(&name))
}
