//! `POST /v1/recipients/{recipientId}/withdraw` and `/set-back`: withdraws an invitation, or takes an acceptance back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_aws::clock;
use portal_aws::table::Attempts;
use portal_domain::PortalStatus;
use portal_domain::input::Fields;
use portal_http::body::{JsonBody, reason};
use portal_http::problem::ProblemType;
use portal_http::{Caller, Problem};

use crate::Campaigns;

/// A `pending` recipient becomes `notSent`, and the mailed password stops working.
pub(crate) async fn withdraw(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Problem> {
    let change = Change { from: PortalStatus::Pending, refusal: "There is no open invitation to withdraw" };
    campaigns.set_back(&id, change, &body, &caller).await
}

/// An `accepted` recipient becomes `notSent`, the chosen password is deleted, and the company's portal gets an event.
pub(crate) async fn set_back(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Problem> {
    let change = Change { from: PortalStatus::Accepted, refusal: "There is no acceptance to take back" };
    campaigns.set_back(&id, change, &body, &caller).await
}

#[derive(Clone, Copy)]
struct Change {
    /// The status that it applies to.
    from: PortalStatus,
    /// The message for a recipient with another status.
    refusal: &'static str,
}

impl Campaigns {
    async fn set_back(
        &self,
        id: &str,
        change: Change,
        body: &serde_json::Value,
        caller: &Caller,
    ) -> Result<StatusCode, Problem> {
        let reason = reason(Fields::of(body, "")?)?;
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let recipient = self.recipient(caller, id).await?;
            if recipient.status != change.from {
                let status = <&str>::from(recipient.status);
                let problem = Problem::conflict(
                    ProblemType::RECIPIENT_STATUS,
                    format!("{}: the status is {status}.", change.refusal),
                );
                return Err(problem.with("recipientStatus", status));
            }
            if self.people.set_back(&recipient, &caller.actor(), &reason, clock::now()).await? {
                tracing::info!(recipient.id = %id, before = %change.from, "set back");
                return Ok(StatusCode::NO_CONTENT);
            }
        }
        Err(Problem::busy())
    }
}
