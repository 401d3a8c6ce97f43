//! Test mails: the real e-mail, to the operator who asks and to nobody else.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Extensions, StatusCode};
use portal_aws::mail::{Answer, Letter};
use portal_aws::sender::check_sender;
use portal_domain::TemplateId;
use portal_domain::campaign::StateReason;
use portal_domain::email::EmailAddress;
use portal_domain::password::TemporaryPassword;
use portal_http::body::JsonBody;
use portal_http::problem::ProblemType;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Templates;
use crate::input::{audience, parse};
use crate::show::render;

/// What a test mail's subject begins with.
const MARK: &str = "[Test] ";

/// The address that the test mail went to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TestMail")]
pub(crate) struct Sent {
    to: String,
}

/// Sends the newest version to the caller's own verified address, without a password. No recipient is changed.
pub(crate) async fn send(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Json<Sent>, Problem> {
    let (audience, from) = parse(&body, |fields| (audience(fields), fields.required_address("emailFrom")))?;
    let Some(from) = from else { return Err(Problem::internal("a sender was neither read nor refused")) };
    let to = own_address(caller.verified_email.as_deref())?;
    let (version, template) = templates.ready(&id, None).await?;
    let people = templates.people(&caller, &audience).await?;
    check_sender(&templates.mailer, &people.division, &from).await?.map_err(Problem::sender_refused)?;
    let password = TemporaryPassword::dummy();
    let mut rendered = render(&template, &people, &password, &extensions)?;
    rendered.subject.insert_str(0, MARK);
    let letter = Letter {
        from: from.as_str(),
        to: to.as_str(),
        reply_to: people.division.contact_address(),
        rendered: &rendered,
        tags: None,
    };
    let answer = templates.mailer.send(&letter).await;
    tracing::info!(template.id = %id, template.version = version, sent = matches!(answer, Answer::Accepted(_)), "test mail");
    told(answer)?;
    Ok(Json(Sent { to: to.to_string() }))
}

/// Seconds after which SES may have room in its quota of 24 hours again.
const RETRY_WITHOUT_QUOTA: u32 = 600;

fn own_address(verified: Option<&str>) -> Result<EmailAddress, Problem> {
    let address = verified.and_then(|address| EmailAddress::normalise(address).ok());
    address.ok_or_else(|| {
        let detail =
            "A test mail goes to your own address, and yours is not verified. Have it verified in the user pool.";
        Problem::conflict(ProblemType::ADDRESS_NOT_VERIFIED, detail)
    })
}

/// The problem to report for SES's answer.
fn told(answer: Answer) -> Result<(), Problem> {
    Err(match answer {
        Answer::Accepted(_) => return Ok(()),
        Answer::Refused(code) | Answer::Closed(StateReason::SenderNotVerified, code) => Problem::unprocessable(
            ProblemType::MAIL_REFUSED,
            format!("SES refused the e-mail ({code}). In its sandbox it mails only addresses that it has verified."),
        ),
        Answer::Throttled(_) | Answer::OutOfReach => Problem::busy(),
        Answer::Closed(reason, code) => {
            let detail = format!("SES takes no e-mails at the moment ({code}).");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, ProblemType::SENDING_PAUSED, detail);
            if reason.is_transient() { problem.retry_after(RETRY_WITHOUT_QUOTA) } else { problem }
        }
        Answer::Unknown(_) => Problem::plain(StatusCode::BAD_GATEWAY).detail(
            "SES did not answer. The e-mail may have left all the same: look into your mailbox before you try again.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse;
    use portal_domain::Reason;

    use super::*;

    #[test]
    fn only_a_verified_address_of_ones_own_gets_a_test_mail() {
        assert_eq!(own_address(Some("Ann@Example.com")).expect("hers").as_str(), "ann@example.com");
        for email in [
            None,
            Some("no address"),
            Some("a@example.com, b@example.com"),
            Some("a@example.com\r\nBcc: b@example.com"),
        ] {
            assert_eq!(own_address(email).map_err(|problem| problem.status()), Err(StatusCode::CONFLICT));
        }
    }

    #[test]
    fn what_ses_answers_is_told() {
        let code = || "X".to_owned();
        let table = [
            (Answer::Refused(code()), 422, None),
            (Answer::Throttled(code()), 503, Some("5")),
            (Answer::OutOfReach, 503, Some("5")),
            (Answer::Closed(StateReason::DailyQuota, code()), 503, Some("600")),
            (Answer::Closed(StateReason::SendingPaused, code()), 503, None),
            (Answer::Closed(StateReason::SenderNotVerified, code()), 422, None),
            (Answer::Unknown(Reason::Timeout), 502, None),
        ];
        for (answer, status, retry_after) in table {
            let response = told(answer).expect_err("not sent").into_response();
            let wait = response.headers().get(RETRY_AFTER).and_then(|seconds| seconds.to_str().ok());
            assert_eq!((response.status().as_u16(), wait), (status, retry_after));
        }
        assert!(told(Answer::Accepted(code())).is_ok());
    }
}
