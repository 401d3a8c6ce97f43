//! SES: what the account may do, who may send, and sending one e-mail.

use crate::context::Context;
use std::io;
use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use portal_domain::campaign::StateReason;
use portal_domain::mail::Rendered;
use portal_domain::{CampaignId, Reason, RecipientId, Tell, Told};

/// How long SES may take to answer one send before its outcome counts as unknown.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The codes with which SES throttles.
const THROTTLES: [&str; 3] = ["TooManyRequestsException", "ThrottlingException", "Throttling"];

/// SES could not answer a question. Of SES's own error it keeps the code: the message may contain an address.
#[derive(Debug, thiserror::Error)]
#[error("SES could not {what}: {cause}")]
pub struct MailError {
    what: &'static str,
    cause: String,
    passing: bool,
}

impl MailError {
    fn of<E: std::error::Error + ProvideErrorMetadata + 'static>(what: &'static str, error: SdkError<E>) -> Self {
        let cause = error.code().map_or_else(|| error.to_string(), str::to_owned);
        let passing = match &error {
            SdkError::ServiceError(answer) => {
                answer.raw().status().is_server_error() || THROTTLES.contains(&cause.as_str())
            }
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        Self { what, cause, passing }
    }

    /// Whether the error is transient: the same question may be answered later.
    pub fn is_transient(&self) -> bool {
        self.passing
    }
}

impl Tell for MailError {
    fn tell(self) -> Told {
        if self.passing { Told::Busy(self.into()) } else { Told::Broken(self.into()) }
    }
}

/// What the SES account may do now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// E-mails a second.
    pub rate: f64,
    /// E-mails in any 24 hours; `None` if unlimited.
    pub quota: Option<f64>,
    /// E-mails sent in the last 24 hours.
    pub sent: f64,
    /// Sending is enabled; otherwise AWS or the owner has paused it.
    pub sending_enabled: bool,
    /// In the sandbox only verified addresses receive mail.
    pub sandbox: bool,
}

/// Identifies an e-mail in SES's events.
#[derive(Clone, Copy, Debug)]
pub struct Tags {
    /// The campaign.
    pub campaign: CampaignId,
    /// The recipient.
    pub recipient: RecipientId,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// An e-mail ready to be sent.
#[derive(Debug)]
pub struct Letter<'a> {
    /// The sender's address.
    pub from: &'a str,
    /// The recipient's normalised address, alone.
    pub to: &'a str,
    /// Where answers go.
    pub reply_to: &'a str,
    /// Subject and bodies.
    pub rendered: &'a Rendered,
    /// Identifies it in SES's events; `None` for a test e-mail, which belongs to no campaign.
    pub tags: Option<Tags>,
}

/// SES's answer to a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// SES accepted the e-mail, under this id.
    Accepted(String),
    /// SES refused this e-mail, with this error code. Nothing was sent.
    Refused(String),
    /// SES throttled the send, with this error code. Nothing was sent.
    Throttled(String),
    /// There was no connection to SES. Nothing was sent.
    OutOfReach,
    /// SES accepts nothing from this account until something changes, with this error code. Nothing was sent.
    Closed(StateReason, String),
    /// The outcome is unknown (time-out, broken connection, an error within SES). The e-mail may have left.
    Unknown(Reason),
}

/// SES, as the senders use it.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    sending: Client,
    configuration_set: Option<String>,
}

impl Mailer {
    /// A mailer with this configuration. The SDK never retries a send, since a retry after a lost answer would mail
    /// twice.
    pub fn new(context: &Context) -> Self {
        let config = &context.config;
        let sending = never_repeated(aws_sdk_sesv2::config::Builder::from(config)).build();
        Self { client: Client::new(config), sending: Client::from_conf(sending), configuration_set: None }
    }

    /// The same mailer, whose e-mails use this configuration set, so that SES reports on them.
    pub fn in_configuration_set(self, name: String) -> Self {
        Self { configuration_set: Some(name), ..self }
    }

    /// What the account may do now.
    pub async fn account(&self) -> Result<Account, MailError> {
        let answer = self.client.get_account().send().await.map_err(|e| MailError::of("describe the account", e))?;
        let quota = answer.send_quota.as_ref();
        Ok(Account {
            // Missing values are those of the sandbox.
            rate: quota.map_or(1.0, |quota| quota.max_send_rate),
            // SES answers -1 for unlimited.
            quota: quota.map_or(Some(200.0), |quota| Some(quota.max24_hour_send).filter(|most| *most >= 0.0)),
            sent: quota.map_or(0.0, |quota| quota.sent_last24_hours),
            sending_enabled: answer.sending_enabled,
            sandbox: !answer.production_access_enabled,
        })
    }

    /// Whether SES has verified `address`, its domain, or a domain above it.
    pub async fn has_verified(&self, address: &str) -> Result<bool, MailError> {
        for identity in identities(address) {
            let answer = self.client.get_email_identity().email_identity(identity).send().await;
            match answer {
                Ok(answer) if answer.verified_for_sending_status => return Ok(true),
                Ok(_) => {}
                Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found_exception()) => {}
                Err(error) => return Err(MailError::of("look up a sender", error)),
            }
        }
        Ok(false)
    }

    /// Sends one e-mail, once.
    pub async fn send(&self, letter: &Letter<'_>) -> Answer {
        let request = match self.request(letter) {
            Ok(request) => request,
            Err(_) => return Answer::Refused("InvalidRequest".to_owned()),
        };
        match request.send().await {
            Ok(answer) => Answer::Accepted(answer.message_id.unwrap_or_default()),
            Err(error) => classify(&error, letter.from),
        }
    }

    fn request(
        &self,
        letter: &Letter<'_>,
    ) -> Result<aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder, aws_sdk_sesv2::error::BuildError>
    {
        let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let rendered = letter.rendered;
        let body = Body::builder().html(utf8(&rendered.html)?).text(utf8(&rendered.text)?).build();
        let message = Message::builder().subject(utf8(&rendered.subject)?).body(body).build();
        let mut request = self
            .sending
            .send_email()
            .from_email_address(letter.from)
            .destination(Destination::builder().to_addresses(letter.to).build())
            .reply_to_addresses(letter.reply_to)
            .set_configuration_set_name(self.configuration_set.clone())
            .content(EmailContent::builder().simple(message).build());
        let tags = match letter.tags {
            None => vec![("purpose", "test".to_owned())],
            Some(tags) => vec![
                ("campaign", tags.campaign.to_string()),
                ("recipient", tags.recipient.to_string()),
                ("attempt", tags.attempt.to_string()),
            ],
        };
        for (name, value) in tags {
            request = request.email_tags(MessageTag::builder().name(name).value(value).build()?);
        }
        Ok(request)
    }
}

/// One try, with a limit on waiting for the answer.
fn never_repeated(config: aws_sdk_sesv2::config::Builder) -> aws_sdk_sesv2::config::Builder {
    let timeouts =
        TimeoutConfig::builder().operation_timeout(SEND_TIMEOUT).operation_attempt_timeout(SEND_TIMEOUT).build();
    config.retry_config(RetryConfig::disabled()).timeout_config(timeouts)
}

/// The identities that may stand for an address: itself, its domain, and the domains above it with at least two labels
/// (SES lets a verified domain send for its subdomains).
fn identities(address: &str) -> Vec<&str> {
    let mut identities = vec![address];
    let mut domain = address.rsplit_once('@').map(|(_, domain)| domain);
    while let Some(name) = domain.filter(|name| name.contains('.')) {
        identities.push(name);
        domain = name.split_once('.').map(|(_, above)| above);
    }
    identities
}

/// A 4xx, or no connection at all, means that nothing was sent. Every other error is unknown.
fn classify<E>(error: &SdkError<E>, from: &str) -> Answer
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Answer::Refused("InvalidRequest".to_owned()),
        SdkError::TimeoutError(_) => Answer::Unknown(Reason::Timeout),
        SdkError::DispatchFailure(_) if never_connected(error) => Answer::OutOfReach,
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Answer::Unknown(Reason::ConnectionLost),
        SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => {
            let code = error.code().unwrap_or("Refused").to_owned();
            refusal(code, error.message().unwrap_or_default(), from)
        }
        _ => Answer::Unknown(Reason::ServerError),
    }
}

/// What an error of SES v2 SendEmail is about: this e-mail alone, or the whole account.
fn refusal(code: String, message: &str, from: &str) -> Answer {
    if message.contains("quota exceeded") || code == "LimitExceededException" {
        return Answer::Closed(StateReason::DailyQuota, code);
    }
    if message.contains("sending rate exceeded") || THROTTLES.contains(&code.as_str()) {
        return Answer::Throttled(code);
    }
    match code.as_str() {
        "MailFromDomainNotVerifiedException" => Answer::Closed(StateReason::SenderNotVerified, code),
        "MessageRejected" if is_not_verified(message, from) => Answer::Closed(StateReason::SenderNotVerified, code),
        "SendingPausedException" => Answer::Closed(StateReason::SendingPaused, code),
        "AccountSuspendedException"
        // The configuration set that every e-mail names.
        | "NotFoundException"
        // The function's own permission or credentials, which concern all e-mails.
        | "AccessDeniedException"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "UnrecognizedClientException" => Answer::Closed(StateReason::AccountRefused, code),
        _ => Answer::Refused(code),
    }
}

/// Whether SES says that it has not verified the sender. SES names the identities that failed ("Email address is not
/// verified. The following identities failed the check in region US-EAST-1: a@example.com"). In the sandbox this may be
/// the recipient alone, which concerns one e-mail. If SES names none, it is the sender, which all e-mails share.
fn is_not_verified(message: &str, from: &str) -> bool {
    if !message.contains("not verified") {
        return false;
    }
    let Some((_, failed)) = message.split_once("failed the check") else { return true };
    let mut named = failed.split_once(':').map_or(failed, |(_, named)| named).split(',').map(bare);
    named.any(|named| identities(from).iter().any(|identity| identity.eq_ignore_ascii_case(named)))
}

/// An address without the name before it.
fn bare(named: &str) -> &str {
    named.rsplit_once('<').map_or(named, |(_, address)| address.trim_end_matches('>')).trim()
}

fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let kinds = [
                io::ErrorKind::ConnectionRefused,
                io::ErrorKind::HostUnreachable,
                io::ErrorKind::NetworkUnreachable,
                io::ErrorKind::AddrNotAvailable,
            ];
            return kinds.contains(&error.kind());
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;

    /// Sends an e-mail with scripted answers of SES; returns the outcome and the requests.
    async fn sent(answers: impl IntoIterator<Item = (u16, Value)>) -> (Answer, Arc<Scripted>) {
        let (context, asked) = Scripted::answering(answers);
        let mailer = Mailer { configuration_set: Some("feedback".to_owned()), ..Mailer::new(&context) };
        let rendered = Rendered { subject: "S".to_owned(), html: "<p>H</p>".to_owned(), text: "T".to_owned() };
        let tags =
            Tags { campaign: CampaignId::from_parts(1, 2), recipient: RecipientId::from_random([3; 16]), attempt: 4 };
        let letter = Letter {
            from: "from@example.com",
            to: "to@example.com",
            reply_to: "reply@example.com",
            rendered: &rendered,
            tags: Some(tags),
        };
        (mailer.send(&letter).await, asked)
    }

    #[tokio::test]
    async fn an_email_has_its_tags_configuration_set_reply_to_and_one_bare_address() {
        let (answer, asked) = sent([(200, json!({"MessageId": "m-1"}))]).await;
        assert_eq!(answer, Answer::Accepted("m-1".to_owned()));
        let mut body = asked.requests()[0].body.clone();
        body["Content"].take();
        let tag = |name: &str, value: &str| json!({"Name": name, "Value": value});
        let expected = json!({
            "FromEmailAddress": "from@example.com", "Destination": {"ToAddresses": ["to@example.com"]},
            "ReplyToAddresses": ["reply@example.com"], "ConfigurationSetName": "feedback", "Content": null,
            "EmailTags": [
                tag("campaign", &CampaignId::from_parts(1, 2).to_string()),
                tag("recipient", &RecipientId::from_random([3; 16]).to_string()),
                tag("attempt", "4"),
            ],
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_send_is_made_once_whatever_the_answer() {
        for (status, code) in [(429, "TooManyRequestsException"), (500, "InternalFailure"), (400, "MessageRejected")] {
            let (answer, asked) = sent([(status, json!({"__type": code}))]).await;
            assert_eq!(asked.requests().len(), 1, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn only_a_4xx_says_that_nothing_was_sent() {
        let closed = |reason, code: &str| Answer::Closed(reason, code.to_owned());
        let table = [
            (400, "MessageRejected", Answer::Refused("MessageRejected".to_owned())),
            (429, "TooManyRequestsException", Answer::Throttled("TooManyRequestsException".to_owned())),
            (400, "SendingPausedException", closed(StateReason::SendingPaused, "SendingPausedException")),
            (403, "AccessDeniedException", closed(StateReason::AccountRefused, "AccessDeniedException")),
            (404, "NotFoundException", closed(StateReason::AccountRefused, "NotFoundException")),
            (
                400,
                "MailFromDomainNotVerifiedException",
                closed(StateReason::SenderNotVerified, "MailFromDomainNotVerifiedException"),
            ),
            (500, "InternalFailure", Answer::Unknown(Reason::ServerError)),
            (503, "ServiceUnavailable", Answer::Unknown(Reason::ServerError)),
        ];
        for (status, code, expected) in table {
            assert_eq!(sent([(status, json!({"__type": code}))]).await.0, expected, "{status} {code}");
        }
    }

    #[test]
    fn a_sender_that_is_not_verified_closes_for_all_and_a_recipient_for_one() {
        let failed = |named: &str| {
            format!(
                "Email address is not verified. The following identities failed the check in region US-EAST-1: {named}"
            )
        };
        let table = [
            (failed("from@mail.example.com"), true),
            (failed("From <From@mail.example.com>, to@example.org"), true),
            (failed("to@example.org, mail.example.com"), true),
            (failed("to@mail.example.com"), false),
            (failed("to@example.org"), false),
            ("Email address is not verified.".to_owned(), true),
            ("Address blacklisted.".to_owned(), false),
        ];
        for (message, is_sender) in table {
            let answer = refusal("MessageRejected".to_owned(), &message, "from@mail.example.com");
            let code = "MessageRejected".to_owned();
            let closed = Answer::Closed(StateReason::SenderNotVerified, code.clone());
            assert_eq!(answer, if is_sender { closed } else { Answer::Refused(code) }, "{message}");
        }
    }

    #[test]
    fn a_sender_may_stand_on_its_address_its_domain_or_a_domain_above() {
        assert_eq!(
            identities("a@mail.example.co.uk"),
            ["a@mail.example.co.uk", "mail.example.co.uk", "example.co.uk", "co.uk"]
        );
    }

    #[tokio::test]
    async fn an_identity_that_ses_has_not_verified_yet_is_no_sender() {
        for verified in [false, true] {
            let unknown = || (404, json!({"__type": "NotFoundException"}));
            // Not the address and not its domain, but the domain above.
            let answers = [unknown(), unknown(), (200, json!({"VerifiedForSendingStatus": verified})), unknown()];
            let (context, asked) = Scripted::answering(answers);
            let mailer = Mailer::new(&context);
            assert_eq!(mailer.has_verified("ann@mail.example.com").await.expect("SES answers"), verified);
            let third = asked.requests()[2].operation.clone();
            assert!(third.contains("/identities/example.com"), "{third}");
            assert!(!mailer.has_verified("ann@example.org").await.expect("SES answers"));
        }
    }

    #[test]
    fn throttles_and_pauses_concern_the_account_and_rejections_the_mail() {
        let quota = |code| Answer::Closed(StateReason::DailyQuota, code);
        let paused = |code| Answer::Closed(StateReason::SendingPaused, code);
        let refused = |code| Answer::Closed(StateReason::AccountRefused, code);
        let unverified = |code| Answer::Closed(StateReason::SenderNotVerified, code);
        let table = [
            ("TooManyRequestsException", "", Answer::Throttled as fn(String) -> Answer),
            ("TooManyRequestsException", "Daily message quota exceeded.", quota),
            ("MessageRejected", "Maximum sending rate exceeded.", Answer::Throttled),
            ("X", "Daily message quota exceeded.", quota),
            ("LimitExceededException", "", quota),
            ("SendingPausedException", "", paused),
            ("AccountSuspendedException", "", refused),
            ("MessageRejected", "Email address is not verified.", unverified),
            ("MessageRejected", "Address blacklisted.", Answer::Refused),
            ("BadRequestException", "", Answer::Refused),
        ];
        for (code, message, answer) in table {
            assert_eq!(
                refusal(code.to_owned(), message, "from@example.com"),
                answer(code.to_owned()),
                "{code} {message}"
            );
        }
    }
}
