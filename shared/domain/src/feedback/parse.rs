//! Reads SES's reports.
//!
//! SES has two forms of report: events of a configuration set (`eventType`, with the e-mail's tags), and notifications
//! of an identity (`notificationType`, without tags). Either comes raw, or in the envelope of an SNS topic without raw
//! delivery (docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and
//! …/notification-contents.html). SES may add fields at any time, so unknown ones are ignored.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Report, Standing};
use crate::{CampaignId, RecipientId};

/// Most characters of a code that is kept; SES's own have less than half.
const CODE_LENGTH: usize = 64;

/// Beginning of the text that SES publishes once, when an event destination is created.
const GREETING: &str = "Successfully validated SNS topic";

/// Name and value of the tag of e-mails that belong to no campaign.
const TEST_MAIL: (&str, &str) = ("purpose", "test");

/// What a message of SES is about.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// An e-mail, and what became of it.
    Report(SesReport),
    /// Nothing that changes anything: this kind of event is of no interest here.
    Ignored(String),
}

/// SES's report about one e-mail. It contains addresses, so it has no `Debug` that could log them.
#[derive(Clone, PartialEq, Eq)]
pub struct SesReport {
    /// The id that SES gave the e-mail.
    pub message_id: String,
    /// Campaign, recipient and attempt of the e-mail; `None` in notifications of identities.
    pub sent_for: Option<SentFor>,
    /// The addresses that it was sent to.
    pub destination: Vec<String>,
    /// What became of it.
    pub report: Report,
    /// Details in SES's own codes, never its free text, because a diagnostic code contains addresses.
    pub detail: Option<String>,
}

/// What the tags of an e-mail say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentFor {
    /// The campaign.
    pub campaign: CampaignId,
    /// The recipient.
    pub recipient: RecipientId,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// A message is no report of SES. The cause gives the position of the fault and quotes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON, or not of SES's form.
    #[error("it is not of SES's form, at line {line}, column {column}")]
    Form {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// It names no kind of event.
    #[error("it names no kind of event")]
    NoKind,
    /// An event lacks the part that says what happened.
    #[error("an event lacks its part {0:?}")]
    Lacks(&'static str),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::Form { line: error.line(), column: error.column() }
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Message")]
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_type: Option<String>,
    notification_type: Option<String>,
    mail: Option<Mail>,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery_delay: Option<DeliveryDelay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    destination: Vec<String>,
    /// Values by name. SES's own tags, such as `ses:configuration-set`, stand among the sender's.
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounce_sub_type: Option<String>,
    #[serde(default)]
    bounced_recipients: Vec<Bounced>,
}

/// An e-mail has one recipient.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounced {
    /// The enhanced status of the delivery report (RFC 3463), such as `5.7.1`.
    status: Option<String>,
    /// What the mail server said, such as `smtp; 550 5.7.1 …`.
    diagnostic_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complaint_sub_type: Option<String>,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryDelay {
    delay_type: Option<String>,
}

/// Reads a message, in its envelope or without.
pub fn parse(body: &str) -> Result<Message, Unreadable> {
    if is_greeting(body) {
        return Ok(Message::Ignored("Greeting".to_owned()));
    }
    match serde_json::from_str(body)? {
        Envelope { kind: None, .. } => event(body),
        Envelope { kind: Some(kind), message: Some(message) } if kind == "Notification" && !is_greeting(&message) => {
            event(&message)
        }
        Envelope { kind: Some(kind), .. } => Ok(ignored(&kind)),
    }
}

fn is_greeting(text: &str) -> bool {
    text.trim_start().starts_with(GREETING)
}

fn ignored(kind: &str) -> Message {
    Message::Ignored(code(kind).unwrap_or("unknown").to_owned())
}

fn event(text: &str) -> Result<Message, Unreadable> {
    let event: Event = serde_json::from_str(text)?;
    let kind = event.event_type.as_deref().or(event.notification_type.as_deref()).ok_or(Unreadable::NoKind)?;
    let Some((report, detail)) = event.says(kind)? else { return Ok(ignored(kind)) };
    let mail = event.mail.ok_or(Unreadable::Lacks("mail"))?;
    if mail.tag(TEST_MAIL.0) == Some(TEST_MAIL.1) {
        return Ok(Message::Ignored("TestMail".to_owned()));
    }
    let sent_for = mail.sent_for();
    let Mail { message_id, destination, .. } = mail;
    Ok(Message::Report(SesReport { message_id, sent_for, destination, report, detail }))
}

impl Event {
    /// What an event of this kind reports; `None` if the kind is of no interest.
    fn says(&self, kind: &str) -> Result<Option<(Report, Option<String>)>, Unreadable> {
        let of = |report, codes: [Option<&str>; 3]| {
            let codes: Vec<_> = codes.into_iter().flatten().filter_map(code).collect();
            Some((report, Some(codes.join("/")).filter(|detail| !detail.is_empty())))
        };
        let became = |standing, codes| of(Report::Became(standing), codes);
        Ok(match kind {
            "Send" => of(Report::Sent, [None; 3]),
            "Delivery" => became(Standing::Delivered, [None; 3]),
            "DeliveryDelay" => {
                let delay = self.delivery_delay.as_ref().ok_or(Unreadable::Lacks("deliveryDelay"))?;
                became(Standing::Delayed, [delay.delay_type.as_deref(), None, None])
            }
            "Bounce" => {
                let bounce = self.bounce.as_ref().ok_or(Unreadable::Lacks("bounce"))?;
                became(
                    bounce.standing(),
                    [Some(&bounce.bounce_type), bounce.bounce_sub_type.as_deref(), bounce.refusal()],
                )
            }
            "Complaint" => {
                let complaint = self.complaint.as_ref().ok_or(Unreadable::Lacks("complaint"))?;
                let (sub_type, feedback) = (&complaint.complaint_sub_type, &complaint.complaint_feedback_type);
                of(complaint.report(), [sub_type.as_deref(), feedback.as_deref(), None])
            }
            // SES gives the reason as free text, which is not kept.
            "Reject" | "Rendering Failure" => became(Standing::Rejected, [None; 3]),
            _ => None,
        })
    }
}

impl Bounce {
    /// Transient bounces (among them all automatic replies) and undetermined ones (which such replies cause too) do not
    /// count against an address the first time ([`super::gives_up`]).
    fn standing(&self) -> Standing {
        match self.bounce_type.as_str() {
            "Transient" | "Undetermined" => Standing::SoftBounced,
            _ => Standing::Bounced,
        }
    }

    /// The enhanced status of a permanent refusal by the mail server, in a bounce that SES does not call `Permanent`.
    fn refusal(&self) -> Option<&str> {
        let bounced = self.bounced_recipients.first().filter(|_| self.standing() == Standing::SoftBounced)?;
        let said = bounced.diagnostic_code.as_deref().unwrap_or_default();
        let mut words = bounced.status.as_deref().into_iter().chain(said.split([' ', ';', '-']));
        words.find(|word| is_status(word)).filter(|status| status.starts_with('5'))
    }
}

impl Complaint {
    /// A report of the type `not-spam` (RFC 6430) is no complaint, and proves that the e-mail left.
    fn report(&self) -> Report {
        match self.complaint_feedback_type.as_deref() {
            Some("not-spam") => Report::Sent,
            _ => Report::Became(Standing::Complained),
        }
    }
}

impl Mail {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name)?.first().map(String::as_str)
    }

    /// The tags; `None` if they aren't those of a campaign's e-mail.
    fn sent_for(&self) -> Option<SentFor> {
        let campaign = self.tag("campaign")?.parse().ok()?;
        let recipient = self.tag("recipient")?.parse().ok()?;
        let attempt = self.tag("attempt")?.parse().ok().filter(|attempt| *attempt > 0)?;
        Some(SentFor { campaign, recipient, attempt })
    }
}

/// A code as SES writes it. Anything else is dropped, because it may contain anything: the recipient's mail server
/// names the type of a complaint.
fn code(text: &str) -> Option<&str> {
    let is_code = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    Some(text).filter(|text| (1..=CODE_LENGTH).contains(&text.len()) && is_code(text) || is_status(text))
}

/// Whether a text is an enhanced status (RFC 3463, 2): a class, and two numbers of at most three digits.
fn is_status(text: &str) -> bool {
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = text.split('.').filter(is_number).collect();
    parts.len() == 3 && text.split('.').count() == 3 && ["2", "4", "5"].contains(&parts[0])
}

#[cfg(test)]
mod tests;
