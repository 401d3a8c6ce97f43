//! `POST /v1/activations/resend`: somebody asks for a new e-mail.
//!
//! The function `resend` decides later whether the recipient exists and gets an e-mail. So the answer and the work
//! before it are always the same (guarantee 14).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use portal_aws::queue::ResendMessage;
use portal_domain::DivisionId;
use portal_domain::input::{FieldError, Fields};
use portal_http::Problem;
use serde_json::Value;

use crate::{Activate, read};

pub(crate) async fn resend(State(activate): State<Arc<Activate>>, request: Request) -> Result<StatusCode, Problem> {
    let message = parse(&read(request).await?)?;
    activate.resends.send(&[message], Duration::ZERO).await.map_err(Problem::internal)?;
    Ok(StatusCode::ACCEPTED)
}

fn parse(body: &Value) -> Result<ResendMessage, Vec<FieldError>> {
    let mut fields = Fields::of(body, "").map_err(|error| vec![error])?;
    let email = fields.required_address("email");
    let division = DivisionId::new(fields.required_id("division"));
    let errors = fields.finish();
    match email {
        Some(email) if errors.is_empty() => Ok(ResendMessage { division, email }),
        _ => Err(errors),
    }
}
