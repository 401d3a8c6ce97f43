//! The item of a ledger row.

use jiff::Timestamp;
use portal_domain::feedback::Standing;
use portal_domain::password::PasswordDigest;
use portal_domain::{ClaimId, Outcome, RecipientId};
use serde::{Deserialize, Serialize};

use crate::recipients::Prior;
use crate::table::attributes_of;

/// The attributes of a ledger row that contain digests of temporary passwords.
const PASSWORDS: [&str; 2] = ["digest", "priorState"];

/// One recipient in one campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerItem {
    /// The recipient.
    pub recipient_id: RecipientId,
    /// Its outcome.
    pub outcome: Outcome,
    /// The reason, for outcomes that have one: name of a [`Reason`](portal_domain::Reason) or SES's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The number of claims so far.
    #[serde(default)]
    pub attempt: u32,
    /// The newest claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
    /// The id that SES gave the e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The latest event that SES reported of the e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The detail of that event in SES's own codes, such as `General` or `MailboxFull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing_detail: Option<String>,
    /// The recipient's state before the newest claim. Like `digest`, it is also absent if the row was read without
    /// passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_state: Option<Prior>,
    /// Digest of the password in the e-mail of the newest claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<PasswordDigest>,
    /// When the row was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl LedgerItem {
    /// All attributes except those that contain digests of temporary passwords, for readers that need no password.
    pub(super) fn without_passwords() -> impl Iterator<Item = &'static str> {
        attributes_of::<Self>().filter(|name| !PASSWORDS.contains(name))
    }

    /// The row of a recipient that has just joined the audience.
    pub fn queued(recipient_id: RecipientId) -> Self {
        Self {
            recipient_id,
            outcome: Outcome::Queued,
            reason: None,
            attempt: 0,
            claim_id: None,
            message_id: None,
            standing: None,
            standing_detail: None,
            prior_state: None,
            digest: None,
            updated_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_read_without_passwords_has_all_other_attributes() {
        let id = "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11";
        let row = json!({
            "recipientId": id, "outcome": "sent", "reason": "r", "attempt": 1, "claimId": id, "messageId": "m", "standing": "delivered",
            "standingDetail": "d", "priorState": {"status": "notSent", "reminders": 0}, "digest": "d", "updatedAt": "2026-11-22T09:00:00Z",
        });
        let read: LedgerItem = serde_json::from_value(row.clone()).expect("a row");
        let written = serde_json::to_value(read).expect("JSON");
        assert_eq!(written, row, "each attribute is in the sample");
        let all: BTreeSet<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let read: BTreeSet<&str> = LedgerItem::without_passwords().collect();
        assert_eq!(all.difference(&read).copied().collect::<Vec<_>>(), ["digest", "priorState"]);
        assert!(read.is_subset(&all), "only existing attributes are read");
    }
}
