//! Keys, attribute names and index of the table Directory. Access patterns:
//!
//! | What | How |
//! | --- | --- |
//! | all divisions, or one | query or get `DIVISIONS` |
//! | filter options of a division | query `OPTIONS#<division>` |
//! | an account | get `ACCOUNT#<accountId>` |
//! | accounts that are being changed in steps | query `CHANGING` |
//! | recipient of an address in a division | get `ADDRESS#<division>#<email>`, then the recipient |
//! | a heartbeat | get `HEARTBEAT#<number>` |
//! | a recipient, its links in order of account | get or query `RECIPIENT#<recipientId>` |
//! | the hash of the password that a recipient chose | get `CREDENTIAL#<recipientId>` |
//! | all linked recipients of a division by status | query `by-division`, one partition a shard |
//! | those who are linked to no account any more | query `by-division`, the `#unlinked` partition of each shard |
//! | all accounts of a division | query `by-division`, the `#accounts` partition of each shard |
//! | whether somebody with an address was erased | get `ERASED#<hash>` |
//! | the secret of these hashes | get `SECRETS`, `ERASED` |
//! | erasures that are not over | query `ERASING` |
//! | the erasure of a recipient | get `RECIPIENT#<recipientId>`, `ERASURE` |
//! | all templates, or one, without its text | query or get `TEMPLATES` |
//! | a version of a template, or all of them | get or query `TEMPLATE#<templateId>` |

use portal_domain::link::Link;
use portal_domain::mail::template::{Head, Version};
use portal_domain::{AccountId, Division, DivisionId, PortalStatus, RecipientId, Shard, TemplateId};

use super::account_item::{AccountItem, ChangingItem};
use super::erased::{ErasedItem, SecretItem};
use super::heartbeat::Heartbeat;
use super::item::{AccountRow, AddressItem, CredentialItem, FilterOptionItem, RecipientItem};
use super::templates::VersionSummary;
use super::write::erase::{ErasingNote, Erasure};
use crate::table::condition::{above, begins_with, between};
use crate::table::{Key, Query, attributes_of};

/// Partition key attribute.
pub const PK: &str = "pk";
/// Sort key attribute.
pub const SK: &str = "sk";
/// The index by division.
pub const BY_DIVISION: &str = "by-division";
/// Partition key attribute of [`BY_DIVISION`].
pub const INDEX_PARTITION: &str = "indexPartition";
/// Sort key attribute of [`BY_DIVISION`].
pub const INDEX_SORT: &str = "indexSort";

/// Attribute of a recipient whose profiles don't fit on it.
pub const PROFILES_OVERFLOW: &str = "profilesOverflow";

/// Partition of all divisions; the sort key is the division's id.
pub const DIVISIONS: &str = "DIVISIONS";
/// Sort key of an account.
pub const ACCOUNT: &str = "ACCOUNT";
/// Sort key of an address row.
pub const ADDRESS: &str = "ADDRESS";
/// Sort key of a recipient.
pub const RECIPIENT: &str = "RECIPIENT";
/// Sort key of the hash of the password that a recipient chose.
pub const CREDENTIAL: &str = "CREDENTIAL";
/// What the sort keys of a recipient's link rows begin with.
pub const LINK_PREFIX: &str = "LINK#";

/// Partition of the notes on accounts that are being changed in steps; the sort key is the account's id.
pub const CHANGING: &str = "CHANGING";

/// Sort key of a heartbeat.
pub const HEARTBEAT: &str = "HEARTBEAT";

/// Partition of the stack's own secrets.
pub const SECRETS: &str = "SECRETS";
/// Sort key of an address that was erased, and of the secret by which such addresses are hashed.
pub const ERASED: &str = "ERASED";
/// Partition of the notes on erasures that are not over; the sort key is the recipient's id.
pub const ERASING: &str = "ERASING";
/// Sort key of what is kept of a recipient's erasure.
pub const ERASURE: &str = "ERASURE";

/// Partition of all templates but the built-in one; the sort key is the template's id.
pub const TEMPLATES: &str = "TEMPLATES";

/// Partition of a template's versions.
pub fn template_pk(template: &TemplateId) -> String {
    format!("TEMPLATE#{template}")
}

/// Sort key of a version of a template: as many digits as any has, so that versions sort by number.
pub fn version_sk(version: u32) -> String {
    format!("VERSION#{version:010}")
}

/// Partition of a division's filter options; the sort key is `<field>#<value>`.
pub fn options_pk(division: &DivisionId) -> String {
    format!("OPTIONS#{division}")
}

/// Sort key of a filter option, such as `billGroup#PAPERLESS`.
pub fn option_sk(field: &str, value: &str) -> String {
    format!("{field}#{value}")
}

/// Partition of an account.
pub fn account_pk(account: &AccountId) -> String {
    format!("ACCOUNT#{account}")
}

/// Partition of the row that maps an address in a division to its recipient.
pub fn address_pk(division: &DivisionId, email: &str) -> String {
    format!("ADDRESS#{division}#{email}")
}

/// Partition of the item that says of an address, by its hash, that it was erased.
pub fn erased_pk(hash: &str) -> String {
    format!("ERASED#{hash}")
}

/// Partition of a recipient and its links.
pub fn recipient_pk(recipient: RecipientId) -> String {
    format!("RECIPIENT#{recipient}")
}

/// Partition of the hash of the password that a recipient chose: one of its own, so that a role can be kept from it.
pub fn credential_pk(recipient: RecipientId) -> String {
    format!("CREDENTIAL#{recipient}")
}

/// Sort key of a recipient's link to an account.
pub fn link_sk(account: &AccountId) -> String {
    format!("{LINK_PREFIX}{account}")
}

/// Index partition of the recipients of one shard of a division.
pub fn recipients_partition(division: &DivisionId, shard: Shard) -> String {
    format!("{division}#{shard}")
}

/// Index partition of the recipients of one shard of a division who are linked to no account.
pub fn unlinked_partition(division: &DivisionId, shard: Shard) -> String {
    format!("{division}#{shard}#unlinked")
}

/// Index sort key of a recipient. `accepted` sorts before `notSent` before `pending`, so that one range holds everyone
/// without access, and someone who is invited during a fan-out moves ahead of it, never behind.
pub fn recipient_sort(status: PortalStatus, recipient: RecipientId) -> String {
    format!("{status}#{recipient}")
}

/// Index partition of the accounts of one shard of a division; the sort key is the account's id.
pub fn accounts_partition(division: &DivisionId, shard: Shard) -> String {
    format!("{division}#{shard}#accounts")
}

/// A heartbeat.
pub fn heartbeat(number: u8) -> Key<Heartbeat> {
    Key::new(format!("HEARTBEAT#{number}"), HEARTBEAT)
}

/// A division.
pub fn division(id: &DivisionId) -> Key<Division> {
    Key::new(DIVISIONS, id.as_str())
}

/// All divisions, in the order of their ids.
pub fn divisions() -> Query<Division> {
    Query::partition(DIVISIONS)
}

/// A filter option of a division.
pub fn option(division: &DivisionId, option: &str) -> Key<FilterOptionItem> {
    Key::new(options_pk(division), option)
}

/// The filter options of a division.
pub fn options(division: &DivisionId) -> Query<FilterOptionItem> {
    Query::partition(options_pk(division)).stale().only([SK])
}

/// An account.
pub fn account(id: &AccountId) -> Key<AccountItem> {
    Key::new(account_pk(id), ACCOUNT)
}

/// The accounts of one shard of a division, as the index shows them, in order of their ids; those `after` this one.
pub fn accounts(division: &DivisionId, shard: Shard, after: Option<&AccountId>) -> Query<AccountRow> {
    let all = Query::index(BY_DIVISION, INDEX_PARTITION, accounts_partition(division, shard));
    match after {
        Some(after) => all.whose(above(INDEX_SORT, after.as_str())),
        None => all,
    }
}

/// The note on an account that is being changed in steps.
pub(super) fn changing(account: &AccountId) -> Key<ChangingItem> {
    Key::new(CHANGING, account.as_str())
}

/// All these notes.
pub(super) fn all_changing() -> Query<ChangingItem> {
    Query::partition(CHANGING)
}

/// The row that maps an address in a division to its recipient.
pub(super) fn address(division: &DivisionId, email: &str) -> Key<AddressItem> {
    Key::new(address_pk(division, email), ADDRESS)
}

/// A recipient.
pub fn recipient(id: RecipientId) -> Key<RecipientItem> {
    Key::new(recipient_pk(id), RECIPIENT)
}

/// The recipients of one shard of a division, as the index shows them, with sort keys from `first` to `last`; those who
/// are linked to an account, or those who are not.
pub fn recipients(division: &DivisionId, shard: Shard, linked: bool, first: &str, last: &str) -> Query<RecipientItem> {
    let partition = if linked { recipients_partition } else { unlinked_partition };
    Query::index(BY_DIVISION, INDEX_PARTITION, partition(division, shard)).whose(between(INDEX_SORT, first, last))
}

/// A recipient's link to an account.
pub fn link(recipient: RecipientId, account: &AccountId) -> Key<Link> {
    Key::new(recipient_pk(recipient), link_sk(account))
}

/// The links of a recipient, in order of account. They lie in the recipient's partition, of which roles read named
/// attributes only.
pub fn links(recipient: RecipientId) -> Query<Link> {
    Query::partition(recipient_pk(recipient)).whose(begins_with(SK, LINK_PREFIX)).only(attributes_of::<Link>())
}

/// The hash of the password that a recipient chose.
pub fn credential(recipient: RecipientId) -> Key<CredentialItem> {
    Key::new(credential_pk(recipient), CREDENTIAL)
}

/// The same where earlier releases kept it: in the recipient's own partition.
pub fn earlier_credential(recipient: RecipientId) -> Key<CredentialItem> {
    Key::new(recipient_pk(recipient), CREDENTIAL)
}

/// What says of an address, by its hash, that it was erased.
pub(super) fn erased(hash: &str) -> Key<ErasedItem> {
    Key::new(erased_pk(hash), ERASED)
}

/// The secret by which erased addresses are hashed.
pub(super) fn secret() -> Key<SecretItem> {
    Key::new(SECRETS, ERASED)
}

/// The erasure of a recipient.
pub fn erasure(recipient: RecipientId) -> Key<Erasure> {
    Key::new(recipient_pk(recipient), ERASURE)
}

/// The note on an erasure that is not over.
pub fn erasing(recipient: RecipientId) -> Key<ErasingNote> {
    Key::new(ERASING, recipient.to_string())
}

/// All these notes.
pub fn all_erasing() -> Query<ErasingNote> {
    Query::partition(ERASING)
}

/// The head of a template.
pub fn template(id: &TemplateId) -> Key<Head> {
    Key::new(TEMPLATES, id.as_str())
}

/// The heads of all templates but the built-in one.
pub fn templates() -> Query<Head> {
    Query::partition(TEMPLATES)
}

/// A version of a template.
pub fn version(template: &TemplateId, version: u32) -> Key<Version> {
    Key::new(template_pk(template), version_sk(version))
}

/// All versions of a template without what they say, the newest first.
pub fn versions(template: &TemplateId) -> Query<VersionSummary> {
    Query::partition(template_pk(template)).backwards().only(attributes_of::<VersionSummary>())
}
