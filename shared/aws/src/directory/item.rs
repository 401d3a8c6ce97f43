//! The items of recipients, and what the index carries of accounts.

use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::password::PasswordDigest;
use portal_domain::recipient::links::{Changing, Known};
use portal_domain::recipient::{Links, NamedAccount, SetBack};
use portal_domain::{AccountId, CampaignId, DivisionId, Filter, LinkProfile, PortalStatus, Recipient, RecipientId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys;
use crate::table::attributes_of;

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
/// An account that is being changed has only its id, and what was known of the recipient before. It is in this list
/// because the index carries the list already: DynamoDB can't change later which attributes an index carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedAccount {
    /// The account, inlined.
    #[serde(flatten)]
    pub named: NamedAccount,
    /// Set for an account that is being changed: see [`Changing::known`].
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub changing: Option<Known>,
}

/// The attributes with digests of temporary passwords. The roles of most functions may read all attributes but these.
const PASSWORDS: [&str; 2] = ["digest", "earlier"];

/// What is known of mail to an address, as one text: why it is not delivered, or `cleared <time>`. Both stand in the
/// attribute `undeliverable`: the index shows that already, and what an index shows can't be changed later (DynamoDB).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum MailMark {
    /// `bounced` or `complained`.
    Undeliverable(String),
    /// See [`Recipient::cleared_bounce`].
    Cleared(Timestamp),
}

/// The beginning of the text of [`MailMark::Cleared`].
const CLEARED: &str = "cleared ";

impl From<String> for MailMark {
    fn from(stored: String) -> Self {
        let cleared = stored.strip_prefix(CLEARED).and_then(|at| at.parse().ok());
        cleared.map_or(Self::Undeliverable(stored), Self::Cleared)
    }
}

impl From<MailMark> for String {
    fn from(mark: MailMark) -> Self {
        match mark {
            MailMark::Undeliverable(why) => why,
            MailMark::Cleared(at) => format!("{CLEARED}{at}"),
        }
    }
}

/// A recipient's item. The index carries it without `version` and without what belongs to the invitation.
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
    pub undeliverable: Option<MailMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_back: Option<SetBack>,
    /// Increases by one with every write. Writers check that it is the one that they read.
    #[serde(default)]
    pub version: u64,
    /// Salted digest of the temporary password in the newest mail that may have left. It is absent if it was not read
    /// (`without_passwords`), as is `earlier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<PasswordDigest>,
    /// The passwords of mails before a self-service resend; they are valid until they expire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Mailed>,
    /// The times at which they were granted an e-mail that they asked for, or at which it left if that was later; only
    /// those of the last days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resends: Vec<Timestamp>,
    /// The self-service campaign that they joined last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<CampaignId>,
    /// When they were last mailed because they asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<Timestamp>,
    /// How they accepted an invitation of ours; `None` for an imported status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// The account whose item links them, in the version that was read, if their own item does not say that they are
    /// linked. Not stored.
    #[serde(skip)]
    pub linked_by: Option<(AccountId, u64)>,
}

/// An invitation that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// All attributes but those with digests of temporary passwords.
    pub(crate) fn without_passwords() -> impl Iterator<Item = &'static str> {
        attributes_of::<Self>().filter(|name| !PASSWORDS.contains(name))
    }

    /// The item of a recipient who has not been invited. A recipient that is linked to no account, not even one that is
    /// being changed, is in a separate partition of the index, and so in no selection.
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
            undeliverable: match (&recipient.undeliverable, recipient.cleared_bounce) {
                (Some(why), _) => Some(MailMark::Undeliverable(why.clone())),
                (None, cleared) => cleared.map(MailMark::Cleared),
            },
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

    /// The item with the status and the links of `recipient`, which is this recipient as readers must see it.
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

    /// Whether they may accept an invitation: a person without an account is no customer.
    pub fn is_invited(&self) -> bool {
        self.status == PortalStatus::Pending && self.account_count > 0
    }

    /// The mailed temporary passwords that are kept, the newest first. Some may have expired.
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

    /// Whether they have e-mails with temporary passwords that were not withdrawn, even if expired. This does not need
    /// the digests, which few functions may read.
    pub fn was_mailed_a_password(&self) -> bool {
        self.status == PortalStatus::Pending && self.last_invited_at.is_some()
    }

    /// The passwords that can be used at `now`.
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

/// Separates the named accounts from those that are being changed.
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
        let (undeliverable, cleared_bounce) = match item.undeliverable {
            Some(MailMark::Undeliverable(why)) => (Some(why), None),
            Some(MailMark::Cleared(at)) => (None, Some(at)),
            None => (None, None),
        };
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
            undeliverable,
            cleared_bounce,
            set_back: item.set_back,
        }
    }
}

/// The row that maps an address in a division to its recipient.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddressItem {
    pub recipient_id: RecipientId,
}

/// A filter option, which consists of its key.
#[derive(Debug, Serialize, Deserialize)]
pub struct FilterOptionItem {
    /// The field and the value.
    pub sk: String,
}

/// The hash of the password that a recipient chose.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialItem {
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// When it was chosen.
    pub changed_at: Timestamp,
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

/// What the index carries of an account.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portal_domain::link::Link;
    use serde_json::{Value, json};

    use super::*;

    fn names(value: &Value) -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    }

    /// A recipient with every attribute.
    fn recipient() -> RecipientItem {
        let (at, campaign) = ("2026-11-22T09:00:00Z", "01KAP5ZT00EXAMPKE00000000Z");
        let item = json!({
            "pk": "RECIPIENT#1", "sk": "RECIPIENT", "indexPartition": "D#0", "indexSort": "pending#1", "division": "D",
            "recipientId": "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11", "email": "ann@example.com", "status": "pending",
            "profiles": [], "profilesOverflow": true, "accountCount": 1, "accounts": [], "pendingSince": at, "reminders": 1,
            "lastInvitedAt": at, "expiresAt": at, "lastCampaignId": campaign, "undeliverable": "bounced", "setBack": {"at": at},
            "version": 1, "digest": "d", "earlier": [{"digest": "e", "expiresAt": at, "invitedAt": at, "campaignId": campaign}],
            "resends": [at], "askedIn": campaign, "resentAt": at,
            "acceptance": {"at": at, "campaignId": campaign, "seconds": 1},
        });
        let read: RecipientItem = serde_json::from_value(item.clone()).expect("a recipient");
        assert_eq!(names(&serde_json::to_value(&read).expect("JSON")), names(&item), "each attribute is in the sample");
        read
    }

    #[test]
    fn whoever_needs_no_password_reads_everything_but_passwords() {
        let link = Link { account_id: AccountId::new("A"), account_name: String::new(), contacts: Vec::new() };
        let mut all = names(&serde_json::to_value(recipient()).expect("JSON"));
        all.extend(names(&serde_json::to_value(link).expect("JSON")));
        let read = RecipientItem::without_passwords().chain(attributes_of::<Link>());
        let read: BTreeSet<String> = read.map(str::to_owned).collect();
        let kept: BTreeSet<String> = all.difference(&read).cloned().collect();
        assert_eq!(kept, ["digest", "earlier"].map(str::to_owned).into());
        assert!(read.is_subset(&all), "nothing is read that there is not");
    }

    #[test]
    fn what_is_known_of_mail_is_one_text_and_an_unknown_one_keeps_mail_back() {
        let at: Timestamp = "2026-11-27T04:59:30.123456789Z".parse().expect("a time");
        let table = [
            (MailMark::Undeliverable("bounced".to_owned()), "bounced"),
            (MailMark::Cleared(at), "cleared 2026-11-27T04:59:30.123456789Z"),
            (MailMark::Undeliverable("cleared soon".to_owned()), "cleared soon"),
        ];
        for (mark, text) in table {
            assert_eq!(json!(mark), json!(text));
            assert_eq!(serde_json::from_value::<MailMark>(json!(text)).expect("a text"), mark);
        }
    }
}
