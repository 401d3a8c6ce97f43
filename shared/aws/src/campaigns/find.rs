//! Finding the ledger row of an e-mail of which nothing is known but who got it and the id that SES gave it.

use portal_domain::feedback::parse::SentFor;
use portal_domain::{Outcome, RecipientId};

use super::CampaignStore;
use crate::table::StoreError;

/// How many of a recipient's newest campaigns are looked through. One is invited at most once a day, unless a person asks for
/// more, and SES reports for some days at most.
pub(super) const NEWEST: usize = 20;

/// What is known of an e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Which attempt it was.
    Attempt(SentFor),
    /// One of the recipients is claimed: the id of that e-mail may not be recorded yet.
    NotYet,
    /// It is none of any campaign.
    Nowhere,
}

impl CampaignStore {
    /// Which attempt to reach one of these recipients SES gave this id.
    pub async fn find(&self, recipients: &[RecipientId], message_id: &str) -> Result<Found, StoreError> {
        let mut found = Found::Nowhere;
        for recipient in recipients {
            for entry in self.ledger.history(*recipient, NEWEST).await?.entries {
                let claimed = entry.row.outcome == Outcome::Claimed;
                if entry.row.message_id.as_deref() == Some(message_id) {
                    // The id that a claimed row still has is that of the attempt before.
                    let attempt = entry.row.attempt.saturating_sub(u32::from(claimed));
                    let campaign = entry.campaign.campaign_id;
                    return Ok(Found::Attempt(SentFor { campaign, recipient: *recipient, attempt }));
                }
                if claimed {
                    found = Found::NotYet;
                }
            }
        }
        Ok(found)
    }
}
