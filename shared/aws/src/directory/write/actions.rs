//! The writes of the import protocol as actions of a transaction.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use jiff::Timestamp;
use portal_domain::import::{Linked, StoredAccount, StoredRecipient, Write};
use portal_domain::link::Link;
use portal_domain::{Recipient, RecipientId};

use crate::campaigns::outbox::{Event, Happened};
use crate::clock;
use crate::directory::account_item::{AccountItem, ChangingItem};
use crate::directory::erased::AddressHash;
use crate::directory::item::{AddressItem, RecipientItem};
use crate::directory::keys;
use crate::dynamo::{Item, StoreError, key, n, put, s, set_or_remove, update};

/// Condition of an item that is to be created.
const ABSENT: &str = "attribute_not_exists(pk)";

/// Condition of an item that must still be the one that was read.
const SAME_VERSION: &str = "version = :version";

/// The attributes of a recipient that follow from its links; while there are any, an import touches no other, so that invitation and
/// digest stay those of the newest mail.
const FROM_LINKS: [&str; 8] = [
    "status",
    "profiles",
    keys::PROFILES_OVERFLOW,
    "accountCount",
    "accounts",
    "version",
    keys::INDEX_PARTITION,
    keys::INDEX_SORT,
];

/// The action that makes one write in the table of this name; one that tells of something, in the table that keeps `events`.
pub(super) fn action(
    table: &str,
    events: &str,
    hash: &AddressHash,
    write: &Write,
) -> Result<TransactWriteItem, StoreError> {
    match write {
        Write::PutAccount(stored, expected) => put_account(table, stored, *expected),
        Write::DeleteAccount(account, expected) => delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(key(keys::account_pk(account), keys::ACCOUNT)))
                .condition_expression(SAME_VERSION)
                .expression_attribute_values(":version", n(expected)),
        ),
        Write::CheckAccount(account, version) => {
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key(keys::account_pk(account), keys::ACCOUNT)))
                .condition_expression(SAME_VERSION)
                .expression_attribute_values(":version", n(version));
            Ok(TransactWriteItem::builder().condition_check(check.build().map_err(StoreError::request)?).build())
        }
        Write::NoteChange(account, divisions) => {
            let note = ChangingItem { account_id: account.clone(), divisions: divisions.clone(), since: clock::now() };
            let mut item: Item = serde_dynamo::to_item(note)?;
            item.extend(key(keys::CHANGING, account.as_str()));
            put(Put::builder().table_name(table).set_item(Some(item)))
        }
        Write::ForgetChange(account) => {
            delete(Delete::builder().table_name(table).set_key(Some(key(keys::CHANGING, account.as_str()))))
        }
        Write::CheckNotErased(address) => {
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key(keys::erased_pk(&hash.of(address)), keys::ERASED)))
                .condition_expression(ABSENT);
            Ok(TransactWriteItem::builder().condition_check(check.build().map_err(StoreError::request)?).build())
        }
        Write::PutAddress(address, recipient_id) => {
            let mut item: Item = serde_dynamo::to_item(AddressItem { recipient_id: *recipient_id })?;
            item.extend(key(keys::address_pk(&address.division, address.email.as_str()), keys::ADDRESS));
            put(Put::builder().table_name(table).set_item(Some(item)).condition_expression(ABSENT))
        }
        Write::DeleteAddress(division, email) => {
            let key = key(keys::address_pk(division, email), keys::ADDRESS);
            delete(Delete::builder().table_name(table).set_key(Some(key)))
        }
        Write::PutRecipient(stored) => {
            let item = serde_dynamo::to_item(RecipientItem::new(&stored.recipient, stored.version))?;
            put(Put::builder().table_name(table).set_item(Some(item)).condition_expression(ABSENT))
        }
        Write::UpdateRecipient(stored, expected) => update_recipient(table, stored, *expected),
        Write::DeleteRecipient(recipient, version) => delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(key(keys::recipient_pk(*recipient), keys::RECIPIENT)))
                .condition_expression(SAME_VERSION)
                .expression_attribute_values(":version", n(version)),
        ),
        Write::PutLink(recipient, link) => put_link(table, *recipient, link),
        Write::DeleteLink(recipient, account) => {
            let key = key(keys::recipient_pk(*recipient), keys::link_sk(account));
            delete(Delete::builder().table_name(table).set_key(Some(key)))
        }
        Write::Tell(recipient, division, linked) => {
            let happened = match linked {
                Linked::Again => Happened::Linked,
                Linked::NoMore => Happened::Unlinked,
            };
            Event::new(happened, *recipient, division, clock::now()).put(events)
        }
    }
}

fn put_account(table: &str, stored: &StoredAccount, expected: Option<u64>) -> Result<TransactWriteItem, StoreError> {
    let item = serde_dynamo::to_item(AccountItem::from(stored.clone()))?;
    let builder = Put::builder().table_name(table).set_item(Some(item));
    put(match expected {
        None => builder.condition_expression(ABSENT),
        Some(version) => builder.condition_expression(SAME_VERSION).expression_attribute_values(":version", n(version)),
    })
}

fn put_link(table: &str, recipient: RecipientId, link: &Link) -> Result<TransactWriteItem, StoreError> {
    let mut item: Item = serde_dynamo::to_item(link)?;
    item.extend(key(keys::recipient_pk(recipient), keys::link_sk(&link.account_id)));
    put(Put::builder().table_name(table).set_item(Some(item)))
}

fn update_recipient(table: &str, stored: &StoredRecipient, expected: u64) -> Result<TransactWriteItem, StoreError> {
    let mut item: Item = serde_dynamo::to_item(RecipientItem::new(&stored.recipient, stored.version))?;
    let mut attributes: Vec<_> = FROM_LINKS.map(|name| (name, item.remove(name))).into();
    let links = &stored.recipient.links;
    if links.account_count == 0 && links.changing.accounts.is_empty() {
        attributes.extend(without_passwords(&stored.recipient, clock::now()));
    }
    let (builder, expression) = set_or_remove(attributes);
    update(
        builder
            .table_name(table)
            .set_key(Some(key(keys::recipient_pk(stored.recipient.recipient_id), keys::RECIPIENT)))
            .update_expression(expression)
            .condition_expression("#version = :expected")
            .expression_attribute_values(":expected", n(expected)),
    )
}

/// What goes with the last link: no password that was mailed holds any more, and an invitation that was open has expired.
fn without_passwords(
    recipient: &Recipient,
    now: Timestamp,
) -> impl Iterator<Item = (&'static str, Option<AttributeValue>)> {
    let expired = recipient.expires_at.map(|at| ("expiresAt", Some(s(at.min(now).to_string()))));
    [("digest", None), ("earlier", None)].into_iter().chain(expired)
}

fn delete(builder: aws_sdk_dynamodb::types::builders::DeleteBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().delete(builder.build().map_err(StoreError::request)?).build())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::Update;
    use portal_domain::recipient::{Links, NamedAccount};
    use portal_domain::{AccountId, DivisionId, PortalStatus};

    use super::*;

    fn hash() -> AddressHash {
        AddressHash::new(b"a secret of tests")
    }

    /// The update of somebody on so many accounts, whom a campaign has mailed before.
    fn update_of(accounts: u32) -> Update {
        let named =
            NamedAccount { account_id: AccountId::new("A"), account_name: String::new(), contact_name: String::new() };
        let recipient = Recipient {
            recipient_id: RecipientId::from_random([7; 16]),
            division: DivisionId::new("D"),
            email: "a@example.com".to_owned(),
            status: PortalStatus::Pending,
            links: Links { account_count: accounts, accounts: vec![named], ..Links::default() },
            pending_since: Some(jiff::Timestamp::UNIX_EPOCH),
            reminders: 1,
            last_invited_at: Some(jiff::Timestamp::UNIX_EPOCH),
            expires_at: Some(jiff::Timestamp::UNIX_EPOCH),
            last_campaign_id: Some("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a ULID")),
            undeliverable: Some("bounced".to_owned()),
            cleared_bounce: None,
            set_back: None,
        };
        let stored = Box::new(StoredRecipient { recipient, version: 8 });
        let action = action("table", "events", &hash(), &Write::UpdateRecipient(stored, 7)).expect("it is complete");
        action.update.expect("it is an update")
    }

    #[test]
    fn an_import_touches_only_what_follows_from_links() {
        let update = update_of(1);
        let mut names: Vec<_> = update.expression_attribute_names.expect("there are names").into_values().collect();
        names.sort_unstable();
        let mut allowed = FROM_LINKS.to_vec();
        allowed.sort_unstable();
        assert_eq!(names, allowed);
        for invitation in
            ["digest", "pendingSince", "reminders", "lastInvitedAt", "expiresAt", "lastCampaignId", "undeliverable"]
        {
            assert!(!update.update_expression.contains(invitation), "{}", update.update_expression);
        }
    }

    #[test]
    fn an_update_needs_the_version_that_was_read_and_writes_the_next() {
        let update = update_of(1);
        assert_eq!(update.condition_expression.as_deref(), Some("#version = :expected"));
        let values = update.expression_attribute_values.expect("there are values");
        assert_eq!((&values[":expected"], &values[":version"]), (&n(7), &n(8)));
    }

    #[test]
    fn who_is_linked_to_nothing_is_in_the_index_by_themselves() {
        let linked = update_of(1).update_expression;
        assert!(linked.contains("#indexPartition = :indexPartition, #indexSort = :indexSort"), "{linked}");
        assert!(linked.ends_with("REMOVE #profilesOverflow"), "{linked}");
        let unlinked = update_of(0);
        let values = unlinked.expression_attribute_values.expect("there are values");
        assert!(values[":indexPartition"].as_s().is_ok_and(|partition| partition.ends_with("#unlinked")));
    }

    #[test]
    fn the_last_link_takes_every_password_along() {
        let unlinked = update_of(0);
        let expression = &unlinked.update_expression;
        assert!(expression.ends_with("REMOVE #profilesOverflow, #digest, #earlier"), "{expression}");
        let values = unlinked.expression_attribute_values.expect("there are values");
        assert_eq!(values[":expiresAt"], s("1970-01-01T00:00:00Z"), "what has expired expired when it did");
        let recipient = RecipientId::from_random([7; 16]);
        let tell = Write::Tell(recipient, DivisionId::new("D"), Linked::NoMore);
        let put = action("table", "events", &hash(), &tell).expect("it is complete").put.expect("it is a put");
        assert_eq!((put.table_name.as_str(), &put.item["happened"]), ("events", &s("unlinked")));
    }
}
