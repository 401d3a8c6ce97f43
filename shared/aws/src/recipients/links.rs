//! The writes of imports: everything on a recipient that follows from its links.

use portal_domain::RecipientId;
use portal_domain::import::StoredRecipient;

use super::Recipients;
use crate::clock;
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::table::condition::is;
use crate::table::{Action, Update};

/// The attributes of a recipient that follow from its links. While it has links, an import writes no other, so that
/// invitation and digest stay those of the newest e-mail.
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

impl Recipients {
    /// Puts a new recipient.
    pub(crate) fn put_new(&self, stored: &StoredRecipient) -> Action {
        let item = RecipientItem::new(&stored.recipient, stored.version);
        self.table.put_new(keys::recipient(item.recipient_id), &item)
    }

    /// Writes what follows from the links of a recipient whose version was `expected` when it was read.
    pub(crate) fn relink(&self, stored: &StoredRecipient, expected: u64) -> Update {
        let recipient = &stored.recipient;
        let item = RecipientItem::new(recipient, stored.version);
        let mut update = self.table.update(keys::recipient(recipient.recipient_id)).set_as_on(&item, &FROM_LINKS);
        let links = &recipient.links;
        if links.account_count == 0 && links.changing.accounts.is_empty() {
            // Mailed passwords are no longer valid, and an open invitation has expired.
            update = update.remove("digest").remove("earlier");
            if let Some(expires_at) = recipient.expires_at {
                update = update.set("expiresAt", expires_at.min(clock::now()));
            }
        }
        update.when(is("version", expected))
    }

    /// Deletes a recipient whose version was this when it was read.
    pub(crate) fn delete(&self, recipient: RecipientId, version: u64) -> Action {
        self.table.delete(keys::recipient(recipient)).when(is("version", version))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::types::Update;
    use portal_domain::recipient::{Links, NamedAccount};
    use portal_domain::{AccountId, DivisionId, PortalStatus, Recipient};

    use super::*;
    use crate::scripted::Scripted;
    use crate::table::{Table, n, s};

    /// The update of a recipient on this many accounts, whom a campaign has mailed before.
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
        let stored = StoredRecipient { recipient, version: 8 };
        let (context, _) = Scripted::answering([]);
        let update = Recipients::new(Table::new(Client::new(&context.config), "t")).relink(&stored, 7);
        Action::from(update).into_part().expect("it is complete").update.expect("it is an update")
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
        assert_eq!(update.condition_expression.as_deref(), Some("#version = :version2"));
        let values = update.expression_attribute_values.expect("there are values");
        assert_eq!((&values[":version2"], &values[":version"]), (&n(7), &n(8)));
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
    }
}
