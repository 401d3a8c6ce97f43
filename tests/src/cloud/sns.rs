//! SNS: what was published to topics.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Call, Reply};

/// Longest message, in bytes.
const MESSAGE: usize = 262_144;

/// Longest subject, in characters.
const SUBJECT: usize = 100;

/// A message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// ARN of the topic.
    pub topic: String,
    /// Its subject, if it has one.
    pub subject: Option<String>,
    /// Its text.
    pub message: String,
    /// When it was published.
    pub at: Timestamp,
}

/// The topics of an account.
#[derive(Debug, Default)]
pub struct Sns {
    topics: BTreeSet<String>,
    published: Vec<Published>,
}

impl Sns {
    /// No topic at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a topic; answers its ARN.
    pub fn create(&mut self, name: &str) -> String {
        let arn = format!("arn:aws:sns:us-east-1:000000000000:{name}");
        self.topics.insert(arn.clone());
        arn
    }

    /// Everything that was published, the oldest first.
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        if call.operation != "Publish" {
            return error(400, "InvalidAction", &format!("{} is not simulated.", call.operation));
        }
        let field = |name: &str| {
            form_urlencoded::parse(&call.body).find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
        };
        let (topic, message) = (field("TopicArn").unwrap_or_default(), field("Message").unwrap_or_default());
        let subject = field("Subject");
        if !self.topics.contains(&topic) {
            return error(404, "NotFound", "Topic does not exist");
        }
        let wrong = match &subject {
            Some(subject) if !is_subject(subject) => Some("Subject"),
            _ if message.is_empty() => Some("Empty message"),
            _ if message.len() > MESSAGE => Some("Message too long"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return error(400, "InvalidParameter", &format!("Invalid parameter: {wrong}"));
        }
        self.published.push(Published { topic, subject, message, at: now });
        let id = format!("00000000-0000-4000-8000-{:012x}", self.published.len());
        let result = format!("<PublishResult><MessageId>{id}</MessageId></PublishResult>");
        let request = format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>");
        Reply { status: 200, body: format!("<PublishResponse {NAMESPACE}>{result}{request}</PublishResponse>") }
    }
}

const NAMESPACE: &str = r#"xmlns="http://sns.amazonaws.com/doc/2010-03-31/""#;

/// One line of printable ASCII that doesn't begin with a space.
fn is_subject(subject: &str) -> bool {
    let printable = subject.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    printable && !subject.starts_with(' ') && (1..=SUBJECT).contains(&subject.len())
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply { status, body: format!("<ErrorResponse {NAMESPACE}>{error}<RequestId>0</RequestId></ErrorResponse>") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Service;

    fn publish(sns: &mut Sns, topic: &str, subject: Option<&str>, message: &str) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish").append_pair("TopicArn", topic).append_pair("Message", message);
        form.extend_pairs(subject.map(|subject| ("Subject", subject)));
        let (operation, path) = ("Publish".to_owned(), "/".to_owned());
        let call = Call { function: None, service: Service::Sns, operation, path, body: form.finish().into_bytes() };
        sns.answer(&call, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_subject_is_one_short_line_of_ascii_and_a_message_is_not_empty() {
        let mut sns = Sns::new();
        let topic = sns.create("notices");
        let long = "x".repeat(100);
        for (subject, message, status) in [
            (Some(long.as_str()), "m", 200),
            (None, "ä\n", 200),
            (Some(&format!("{long}x")), "m", 400),
            (Some("ä"), "m", 400),
            (Some("a\nb"), "m", 400),
            (Some("s"), "", 400),
            (Some("s"), &"x".repeat(MESSAGE + 1), 400),
        ] {
            assert_eq!(publish(&mut sns, &topic, subject, message).status, status, "{subject:?}");
        }
        assert_eq!(sns.published().len(), 2);
        assert_eq!(publish(&mut sns, "arn:aws:sns:us-east-1:000000000000:other", None, "m").status, 404);
    }
}
