//! A recipient: one e-mail address in one division, linked to accounts.

pub mod links;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CampaignId, DivisionId, Filter, PortalStatus, RecipientId};

pub use links::{Links, NAMED_ACCOUNTS, NamedAccount, PROFILE_BYTES};

/// The value of `undeliverable` on a recipient that is being erased: they are not mailed, and can't be cleared.
pub const ERASED: &str = "erased";

/// Whether a filter selects a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// At least one link meets all conditions.
    Yes,
    /// No link does.
    No,
    /// The recipient doesn't carry its profiles; read its link rows.
    AskLinks,
}

/// The part of a recipient that lists show and decisions need, and that the index contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Random.
    pub recipient_id: RecipientId,
    /// The division.
    pub division: DivisionId,
    /// Normalised.
    pub email: String,
    /// Portal status.
    pub status: PortalStatus,
    /// Its links.
    pub links: Links,
    /// Since when the status is `pending`; `None` if unknown, as for an imported status.
    pub pending_since: Option<Timestamp>,
    /// E-mails after the one that made them `pending`, without those that they asked for.
    pub reminders: u32,
    /// When the newest e-mail that may have left was claimed.
    pub last_invited_at: Option<Timestamp>,
    /// When the newest temporary password expires.
    pub expires_at: Option<Timestamp>,
    /// The campaign that claimed the recipient last.
    pub last_campaign_id: Option<CampaignId>,
    /// Why the recipient is undeliverable (bounced, complained, [`ERASED`]), if they are.
    pub undeliverable: Option<String>,
    /// When the e-mail that bounced last was claimed, if an operator has cleared the recipient since.
    pub cleared_bounce: Option<Timestamp>,
    /// The last withdrawal or set-back by an operator. The index does not contain it.
    pub set_back: Option<SetBack>,
}

/// An operator made a recipient `notSent` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetBack {
    /// When.
    pub at: Timestamp,
    /// The campaign that had claimed the recipient last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
}

impl Recipient {
    /// A new recipient.
    pub fn never_invited(recipient_id: RecipientId, division: DivisionId, email: String, links: Links) -> Self {
        Self {
            recipient_id,
            division,
            email,
            status: PortalStatus::NotSent,
            links,
            pending_since: None,
            reminders: 0,
            last_invited_at: None,
            expires_at: None,
            last_campaign_id: None,
            undeliverable: None,
            cleared_bounce: None,
            set_back: None,
        }
    }

    /// Whether the recipient has no history that must be kept.
    pub fn is_untouched(&self) -> bool {
        self.status == PortalStatus::NotSent
            && self.last_invited_at.is_none()
            && self.undeliverable.is_none()
            && self.set_back.is_none()
    }

    /// Whether the newest e-mail bounced and an operator cleared that. Such an e-mail does not count as a recent
    /// invitation (guarantee 8).
    pub fn newest_bounced(&self) -> bool {
        self.cleared_bounce.is_some() && self.cleared_bounce == self.last_invited_at
    }

    /// The name to greet and list: that of the first named contact on the account with the smallest id; may be empty.
    pub fn name(&self) -> &str {
        self.links
            .accounts
            .iter()
            .map(|account| account.contact_name.as_str())
            .find(|name| !name.is_empty())
            .unwrap_or("")
    }

    /// Whether `filter` selects this recipient, as far as its item can tell.
    pub fn selected_by(&self, filter: &Filter) -> Selected {
        if self.division != filter.division || self.links.account_count == 0 {
            return Selected::No;
        }
        match &self.links.profiles {
            None => Selected::AskLinks,
            Some(profiles) if profiles.keys().any(|profile| filter.matches(profile)) => Selected::Yes,
            Some(_) => Selected::No,
        }
    }
}
