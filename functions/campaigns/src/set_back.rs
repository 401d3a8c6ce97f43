//! `POST /v1/recipients/{recipientId}/withdraw` and `/set-back`: an invitation is withdrawn, or an acceptance was a mistake.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use portal_aws::clock;
use portal_domain::PortalStatus;
use portal_domain::input::Fields;
use portal_http::body::JsonBody;
use portal_http::problem::ProblemType;
use portal_http::{Caller, Problem};

use crate::Campaigns;

/// Most characters of a reason.
const REASON: usize = 500;

/// How often a recipient is read anew because somebody changed them between read and write.
const TRIES: usize = 8;

/// Who is `pending` becomes `notSent`; the password that was mailed holds no longer.
pub(crate) async fn withdraw(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Problem> {
    let change = Change { from: PortalStatus::Pending, refusal: "There is no open invitation to withdraw" };
    campaigns.set_back(&id, change, &body, &caller).await
}

/// Who is `accepted` becomes `notSent`; the password that they chose is gone, and the company's portal is told.
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
    /// Whom it is for.
    from: PortalStatus,
    /// What everybody else is told.
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
        let mut fields = Fields::of(body, "")?;
        let reason = fields.required_text("reason", REASON);
        let faults = fields.finish();
        if !faults.is_empty() {
            return Err(faults.into());
        }
        for _ in 0..TRIES {
            let recipient = self.recipient(caller, id).await?;
            if recipient.status != change.from {
                let status = recipient.status.as_str();
                let problem = Problem::conflict(
                    ProblemType::RECIPIENT_STATUS,
                    format!("{}: the status is {status}.", change.refusal),
                );
                return Err(problem.with("recipientStatus", status));
            }
            if self.store.set_back(&recipient, &caller.actor(), reason.trim(), clock::now()).await? {
                tracing::info!(recipient.id = %id, before = change.from.as_str(), "set back");
                return Ok(StatusCode::NO_CONTENT);
            }
        }
        Err(Problem::busy())
    }
}
