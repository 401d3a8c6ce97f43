//! A request to send.

use portal_domain::campaign::MOST_PER_MINUTE;
use portal_domain::email::EmailAddress;
use portal_domain::input::{FieldError, Fields};
use portal_domain::{Filter, RecipientId, TemplateId};
use serde_json::Value;

/// Most people that one request may expect: far above any division, and safe in a JSON number.
pub(crate) const MOST_RECIPIENTS: u64 = 1_000_000_000;

/// A request to start a campaign, validated as far as possible without other data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendRequest {
    /// Whom to address.
    pub filter: Filter,
    /// Only this recipient of the selection.
    pub recipient_id: Option<RecipientId>,
    /// The notification template.
    pub template_id: TemplateId,
    /// The sender, normalised.
    pub email_from: EmailAddress,
    /// How many people Load said would be e-mailed; 1 for a named recipient unless said otherwise.
    pub expected_recipients: u64,
    /// Also mail recipients who were invited in the last 24 hours.
    pub include_recently_invited: bool,
    /// Most e-mails a minute, for a pace slower than SES's rate.
    pub max_per_minute: Option<u32>,
}

impl SendRequest {
    /// Reads a request, or returns all its faults.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(body, "").map_err(|error| vec![error])?;
        let filter = Filter::required(&mut fields);
        let recipient_id = fields.optional_recipient_id("recipientId");
        let template_id = TemplateId::new(fields.required_text("templateId", 100));
        let email_from = fields.required_address("emailFrom");
        let expected_recipients = match fields.optional("expectedRecipients") {
            None if recipient_id.is_some() => 1,
            _ => fields.required_number("expectedRecipients", 0..=MOST_RECIPIENTS),
        };
        let include_recently_invited = fields.optional_bool("includeRecentlyInvited");
        let max_per_minute = fields.optional_number("maxPerMinute", 1..=MOST_PER_MINUTE);
        let max_per_minute = max_per_minute.and_then(|most| u32::try_from(most).ok());
        let errors = fields.finish();
        match (filter, email_from) {
            (Some(filter), Some(email_from)) if errors.is_empty() => Ok(Self {
                filter,
                recipient_id,
                template_id,
                email_from,
                expected_recipients,
                include_recently_invited,
                max_per_minute,
            }),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_faults_of_a_request_are_named_at_once() {
        let body = json!({
            "filter": {"accountClass": 7, "colour": "red"},
            "templateId": "",
            "emailFrom": "a@example.com\r\nBcc: b@example.com",
            "expectedRecipients": -1,
            "recipientId": "x",
            "maxPerMinute": 0.5,
            "surprise": true,
        });
        let errors = SendRequest::parse(&body).expect_err("much is wrong");
        let mut fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        fields.sort_unstable();
        let expected = [
            "emailFrom",
            "expectedRecipients",
            "filter.accountClass",
            "filter.colour",
            "filter.division",
            "maxPerMinute",
            "recipientId",
            "surprise",
            "templateId",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_named_recipient_is_expected_to_be_one() {
        let body = json!({
            "filter": {"division": "DAYTON"},
            "templateId": "portal-invitation",
            "emailFrom": "A@Example.com",
            "recipientId": "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11",
        });
        let request = SendRequest::parse(&body).expect("nothing is wrong");
        assert_eq!(request.expected_recipients, 1);
        assert_eq!(request.email_from.as_str(), "a@example.com");
    }
}
