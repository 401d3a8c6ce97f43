//! A recipient: one e-mail address in one division, linked to accounts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{AccountId, CampaignId, DivisionId, Filter, LinkProfile, PortalStatus, RecipientId};

/// How many accounts a list or an e-mail names; beyond that only the number is given.
pub const NAMED_ACCOUNTS: usize = 20;

/// How many bytes of link profiles a recipient carries on its own item before `profilesOverflow` is set.
/// A DynamoDB item ends at 400 KB, and every send reads and writes the item.
pub const PROFILE_BYTES: usize = 32 * 1024;

/// An account that is named in lists and e-mails.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NamedAccount {
    /// The account.
    #[serde(rename = "id")]
    pub account_id: AccountId,
    /// The account's name, may be empty.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub account_name: String,
    /// The name of the recipient's first named contact on this account, may be empty.
    #[serde(rename = "c", default, skip_serializing_if = "String::is_empty")]
    pub contact_name: String,
}

/// What is known of all links of a recipient without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The distinct link profiles, and how many contacts on accounts have each. `None` when they would take
    /// more than [`PROFILE_BYTES`]: then the link rows decide.
    pub profiles: Option<BTreeMap<LinkProfile, u32>>,
    /// Number of distinct accounts.
    pub account_count: u32,
    /// The [`NAMED_ACCOUNTS`] accounts with the smallest ids, in order.
    pub accounts: Vec<NamedAccount>,
}

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

/// What lists show and decisions need of a recipient; what the index carries.
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
    /// When the newest e-mail that may have left was claimed.
    pub last_invited_at: Option<Timestamp>,
    /// When the newest temporary password expires.
    pub expires_at: Option<Timestamp>,
    /// The campaign that claimed the recipient last.
    pub last_campaign_id: Option<CampaignId>,
    /// Why mail can't be delivered (bounced, complained), if so.
    pub undeliverable: Option<String>,
}

impl Recipient {
    /// The name to greet and list: that of the first named contact on the account with the smallest id; may be empty.
    pub fn name(&self) -> &str {
        self.links
            .accounts
            .iter()
            .map(|account| account.contact_name.as_str())
            .find(|name| !name.is_empty())
            .unwrap_or("")
    }

    /// Whether `filter` selects this recipient, as far as its own item tells.
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
