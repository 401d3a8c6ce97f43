//! `POST /v1/activations`: a customer proves the temporary password and chooses one of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use portal_aws::clock;
use portal_aws::outbox::event::Event;
use portal_aws::people::accept::Accepted;
use portal_aws::refusals::WINDOW;
use portal_aws::table::{Attempts, StoreError};
use portal_domain::activation::proven;
use portal_domain::input::{FieldError, Fields};
use portal_domain::new_password::{MOST_BYTES, NewPassword, PasswordHashed, TypedPassword};
use portal_domain::password::as_mailed;
use portal_domain::{DivisionId, EmailAddress};
use portal_http::Problem;
use portal_http::problem::ProblemType;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::source::{MOST_TRIES, Source};
use crate::{Activate, read};

/// How long the event for the company's portal may take before it is left to the sweep.
const TIME_TO_PUBLISH: Duration = Duration::from_secs(3);

/// Most characters of what is typed as temporary password; far more than one has, however it is copied.
pub(crate) const TYPED: usize = 1_000;

/// The answer to every refusal, whatever its reason.
const REFUSED: &str = "The address or the temporary password is not right, or the password has expired or was used before. \
                       You can ask for a new e-mail.";

/// A request to accept an invitation.
#[derive(Debug)]
struct Asked {
    email: EmailAddress,
    division: DivisionId,
    temporary_password: SecretString,
    new_password: NewPassword,
}

/// 204 when the invitation is accepted. Faults of the request itself are named. Every other refusal is the same answer
/// after the same work (guarantee 14): the new password is judged and hashed before any lookup, the same items are read
/// whether or not the recipient exists, and the refusal is counted last.
pub(crate) async fn accept(
    State(activate): State<Arc<Activate>>,
    Source(source): Source,
    request: Request,
) -> Result<StatusCode, Problem> {
    let asked = match read(request).await.and_then(|body| Ok(Asked::parse(&body)?)) {
        Ok(asked) => asked,
        Err(problem) => return Err(activate.refuse(&source, problem).await),
    };
    // Hashing blocks the thread for some tens of milliseconds. A Lambda process serves one request at a time.
    let chosen = asked.new_password.hash(clock::random());
    if let Some(event) = activate.take_up(&asked, &chosen).await? {
        fail::fail_point!("activate.accepted");
        tracing::info!(recipient.id = %event.recipient_id, "invitation accepted");
        activate.publish(&event).await;
        return Ok(StatusCode::NO_CONTENT);
    }
    let refused = Problem::new(StatusCode::FORBIDDEN, ProblemType::NOT_ACTIVATED, REFUSED);
    Err(activate.refuse(&source, refused).await)
}

impl Activate {
    /// Counts a refused attempt against its source. The right password is never refused because of earlier attempts:
    /// 113 bits can't be guessed. The answer asks a source with many refusals to wait; WAF enforces the limit.
    async fn refuse(&self, source: &str, problem: Problem) -> Problem {
        match self.refusals.count(source, clock::now()).await {
            Ok(tries) if tries > MOST_TRIES => {
                tracing::warn!("a source is refused too often");
                Problem::too_many_requests(WINDOW.as_secs().unsigned_abs() as u32)
            }
            _ => problem,
        }
    }

    /// Accepts the invitation if the temporary password was mailed to this address and is still valid.
    async fn take_up(&self, asked: &Asked, chosen: &PasswordHashed) -> Result<Option<Box<Event>>, StoreError> {
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            // Each attempt uses the current time, because the password may have expired since the last one.
            let now = clock::now();
            let found = self.directory.recipient_at(&asked.division, &asked.email).await?;
            // The same reads are made where there is no recipient, so that timing tells nothing (guarantee 14).
            let id = found.unwrap_or_else(clock::new_recipient_id);
            let recipient = self.directory.recipient_with_passwords(id).await?;
            let invited = recipient.filter(|recipient| recipient.is_invited());
            let mailed = invited.as_ref().map(|recipient| recipient.passwords()).unwrap_or_default();
            let password = proven(&mailed, asked.temporary_password.expose_secret(), now);
            fail::fail_point!("activate.read");
            let Some((recipient, password)) = invited.as_ref().zip(password) else { return Ok(None) };
            match self.people.accept(recipient, password, chosen, now).await? {
                Accepted::Done(event) => return Ok(Some(event)),
                Accepted::Changed => {}
            }
        }
        Err(StoreError::Busy("accept an invitation"))
    }

    /// Tells the company's portal at once. If that fails, the sweep does it.
    async fn publish(&self, event: &Event) {
        let published = tokio::time::timeout(TIME_TO_PUBLISH, self.bus.publish(std::slice::from_ref(event)));
        match published.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(event.id = event.event_id, error = %error, "event left to the sweep"),
            Err(_) => tracing::warn!(event.id = event.event_id, "event left to the sweep: no answer"),
        }
    }
}

impl Asked {
    /// Reads a request, or answers everything that is wrong with it.
    fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(body, "").map_err(|error| vec![error])?;
        let email = fields.required_address("email");
        let division = DivisionId::new(fields.required_id("division"));
        let temporary_password = SecretString::from(fields.required_typed("temporaryPassword", TYPED));
        let typed = SecretString::from(fields.required_text("newPassword", MOST_BYTES));
        let is_missing = typed.expose_secret().is_empty();
        let typed = TypedPassword::new(typed.expose_secret());
        match &typed {
            // An empty or missing one has been named already.
            Err(unfit) if !is_missing => fields.fault("newPassword", unfit.to_string()),
            _ => {}
        }
        let errors = fields.finish();
        let (Some(email), Ok(typed), true) = (email, typed, errors.is_empty()) else { return Err(errors) };
        // The password is judged only if nothing else is wrong, because that costs most. The division's name is not
        // known here, since nothing is looked up before.
        let mailed = as_mailed(temporary_password.expose_secret());
        let in_one = SecretString::from(mailed.expose_secret().replace('-', ""));
        let temporary = [&temporary_password, &mailed, &in_one].map(ExposeSecret::expose_secret);
        let about = [&[email.as_str(), division.as_str(), "customer portal"][..], &temporary[..]].concat();
        let judged = typed.judge(&about).map_err(|unfit| vec![FieldError::new("newPassword", unfit.to_string())]);
        judged.map(|new_password| Self { email, division, temporary_password, new_password })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_faults_of_a_request_are_named_at_once() {
        let body = json!({"email": "nobody", "division": "X\0", "newPassword": "short", "surprise": 1});
        let errors = Asked::parse(&body).expect_err("much is wrong");
        let mut fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["division", "email", "newPassword", "surprise", "temporaryPassword"]);
    }

    #[test]
    fn the_temporary_password_is_not_chosen_again() {
        let password = "3479A-CDEFG-HJKMN-PQRTV-WXY34";
        for typed in [password, "3479acdefghjkmnpqrtvwxy34"] {
            for new in [password, "3479ACDEFGHJKMNPQRTVWXY34"] {
                let body =
                    json!({"email": "a@example.com", "division": "X", "temporaryPassword": typed, "newPassword": new});
                let errors = Asked::parse(&body).expect_err("it is known");
                assert_eq!((errors.len(), errors[0].field.as_str()), (1, "newPassword"), "{typed} {new}");
            }
        }
    }

    #[test]
    fn nothing_of_a_request_shows_in_debug_output() {
        let body = json!({"email": "a@example.com", "division": "X", "temporaryPassword": "3479A-CDEFG-HJKMN-PQRTV-WXY34",
            "newPassword": "correct horse battery staple"});
        let shown = format!("{:?}", Asked::parse(&body).expect("fit"));
        assert!(!shown.contains("3479A") && !shown.contains("horse"), "{shown}");
    }
}
