//! How recipients, and accounts as the index shows them, lie in the table.

use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::password::PasswordDigest;
use portal_domain::recipient::links::{Changing, Known};
use portal_domain::recipient::{Links, NamedAccount, SetBack};
use portal_domain::{AccountId, CampaignId, DivisionId, Filter, LinkProfile, PortalStatus, Recipient, RecipientId};
use serde::{Deserialize, Serialize};

use super::keys;

/// A link profile, and how many contacts on accounts have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedProfile {
    /// The profile, inlined.
    #[serde(flatten)]
    pub profile: LinkProfile,
    /// Contacts on accounts with it.
    pub n: u32,
}

/// An account as a recipient's item names it.
///
/// One that is being changed has only its id beside what was known of the recipient before. It stands in this list since the index shows the
/// list already, and what an index shows can't be changed later (DynamoDB).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedAccount {
    /// The account, inlined.
    #[serde(flatten)]
    pub named: NamedAccount,
    /// Of an account that is being changed: see [`Changing::known`].
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub changing: Option<Known>,
}

/// A recipient's item; also what the index shows of it (without what belongs to the invitation, and `version`, which the index does not carry).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of Recipient, and the keys")]
pub struct RecipientItem {
    pub pk: String,
    pub sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_partition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_sort: Option<String>,
    pub recipient_id: RecipientId,
    pub division: DivisionId,
    pub email: String,
    pub status: PortalStatus,
    #[serde(default)]
    pub profiles: Vec<CountedProfile>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub profiles_overflow: bool,
    #[serde(default)]
    pub account_count: u32,
    #[serde(default)]
    pub accounts: Vec<ListedAccount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminders: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_invited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_campaign_id: Option<CampaignId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeliverable: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_back: Option<SetBack>,
    /// Goes up by one with every write; writers check that it is the one that they read.
    #[serde(default)]
    pub version: u64,
    /// Salted digest of the temporary password of the newest mail that may have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<PasswordDigest>,
    /// The passwords of mails before a self-service resend, which hold until they expire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Mailed>,
    /// When they asked for an e-mail and were granted one, or were mailed if that was later; those of the last days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resends: Vec<Timestamp>,
    /// The self-service campaign that they joined last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<CampaignId>,
    /// When they were mailed last because they asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<Timestamp>,
    /// How they accepted an invitation of ours; nothing of a status that was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// The account, in the version that was read, by whose item they are linked, where their own doesn't say so. Not stored.
    #[serde(skip)]
    pub linked_by: Option<(AccountId, u64)>,
}

/// An invitation that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// When.
    pub at: Timestamp,
    /// The campaign whose password it was.
    pub campaign_id: CampaignId,
    /// Seconds from its e-mail to the acceptance.
    pub seconds: u64,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl RecipientItem {
    /// The item of a recipient who has not been invited. Who is linked to nothing, and to nothing that is being changed, has a partition of
    /// the index to themselves, and so is in no selection.
    pub fn new(recipient: &Recipient, version: u64) -> Self {
        let is_unlinked = recipient.links.known() == Known::Unlinked && recipient.links.changing.accounts.is_empty();
        let partition = if is_unlinked { keys::unlinked_partition } else { keys::recipients_partition };
        Self {
            pk: keys::recipient_pk(recipient.recipient_id),
            sk: keys::RECIPIENT.to_owned(),
            index_partition: Some(partition(&recipient.division, recipient.recipient_id.shard())),
            index_sort: Some(keys::recipient_sort(recipient.status, recipient.recipient_id)),
            recipient_id: recipient.recipient_id,
            division: recipient.division.clone(),
            email: recipient.email.clone(),
            status: recipient.status,
            profiles: counted(&recipient.links),
            profiles_overflow: recipient.links.profiles.is_none(),
            account_count: recipient.links.account_count,
            accounts: listed(&recipient.links),
            pending_since: recipient.pending_since,
            reminders: recipient.reminders,
            last_invited_at: recipient.last_invited_at,
            expires_at: recipient.expires_at,
            last_campaign_id: recipient.last_campaign_id,
            undeliverable: recipient.undeliverable.clone(),
            set_back: recipient.set_back,
            version,
            digest: None,
            earlier: Vec::new(),
            resends: Vec::new(),
            asked_in: None,
            resent_at: None,
            acceptance: None,
            linked_by: None,
        }
    }

    /// The item with the status and the links of `recipient`, who is the same as everybody is to see them.
    pub(crate) fn seen_as(self, recipient: &Recipient) -> Self {
        Self {
            status: recipient.status,
            profiles: counted(&recipient.links),
            profiles_overflow: recipient.links.profiles.is_none(),
            account_count: recipient.links.account_count,
            accounts: listed(&recipient.links),
            ..self
        }
    }

    /// Whether they may accept an invitation: who is linked to no account is no customer.
    pub fn is_invited(&self) -> bool {
        self.status == PortalStatus::Pending && self.account_count > 0
    }

    /// The temporary passwords that were mailed and are kept, the newest first; some may have expired.
    pub fn passwords(&self) -> Vec<Mailed> {
        let newest = self.digest.clone().zip(self.expires_at).zip(self.last_invited_at).zip(self.last_campaign_id);
        let newest = newest.map(|(((digest, expires_at), invited_at), campaign_id)| Mailed {
            digest,
            expires_at,
            invited_at,
            campaign_id,
        });
        newest.into_iter().chain(self.earlier.iter().cloned()).collect()
    }

    /// Those that can still be used at `now`.
    pub fn valid_passwords(&self, now: Timestamp) -> Vec<Mailed> {
        let mut passwords = self.passwords();
        passwords.retain(|password| password.is_valid(now));
        passwords
    }
}

fn counted(links: &Links) -> Vec<CountedProfile> {
    let profiles = links.profiles.iter().flatten();
    profiles.map(|(profile, &n)| CountedProfile { profile: profile.clone(), n }).collect()
}

fn listed(links: &Links) -> Vec<ListedAccount> {
    let named = links.accounts.iter().map(|named| ListedAccount { named: named.clone(), changing: None });
    let changing = links.changing.accounts.iter().map(|id| {
        let named = NamedAccount { account_id: id.clone(), account_name: String::new(), contact_name: String::new() };
        ListedAccount { named, changing: Some(links.changing.known) }
    });
    named.chain(changing).collect()
}

/// The accounts that are named, and those that are being changed.
fn told_apart(listed: Vec<ListedAccount>) -> (Vec<NamedAccount>, Changing) {
    let mut changing = Changing::default();
    let mut accounts = Vec::with_capacity(listed.len());
    for ListedAccount { named, changing: known } in listed {
        match known {
            None => accounts.push(named),
            Some(known) => {
                changing.known = known;
                changing.accounts.insert(named.account_id);
            }
        }
    }
    (accounts, changing)
}

impl From<RecipientItem> for Recipient {
    fn from(item: RecipientItem) -> Self {
        let (accounts, changing) = told_apart(item.accounts);
        let profiles = item.profiles.into_iter().map(|counted| (counted.profile, counted.n)).collect();
        Self {
            recipient_id: item.recipient_id,
            division: item.division,
            email: item.email,
            status: item.status,
            links: Links {
                profiles: (!item.profiles_overflow).then_some(profiles),
                account_count: item.account_count,
                accounts,
                changing,
            },
            pending_since: item.pending_since,
            reminders: item.reminders,
            last_invited_at: item.last_invited_at,
            expires_at: item.expires_at,
            last_campaign_id: item.last_campaign_id,
            undeliverable: item.undeliverable,
            set_back: item.set_back,
        }
    }
}

/// The row that maps an address in a division to its recipient.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressItem {
    pub recipient_id: RecipientId,
}

/// A link profile of an account, and how many of its contacts have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountProfile {
    /// The profile, inlined.
    #[serde(flatten)]
    pub profile: LinkProfile,
    /// Contacts with a usable address.
    #[serde(rename = "r", default)]
    pub reachable: u32,
    /// Contacts without one.
    #[serde(rename = "u", default)]
    pub unreachable: u32,
}

/// What the index shows of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRow {
    /// The account.
    pub account_id: AccountId,
    /// Active services of all its sites together.
    pub active_services: u64,
    /// Its contacts' profiles; empty for an account without contacts.
    #[serde(default)]
    pub profiles: Vec<AccountProfile>,
}

impl AccountRow {
    /// How many of its contacts `filter` selects but can't be reached.
    pub fn unreachable(&self, filter: &Filter) -> u64 {
        let matching = self.profiles.iter().filter(|counted| filter.matches(&counted.profile));
        matching.map(|counted| u64::from(counted.unreachable)).sum()
    }
}
