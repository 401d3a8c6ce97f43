//! The writes of the import protocol as actions of a transaction.

use portal_domain::import::{Linked, Write};

use super::DirectoryStore;
use crate::clock;
use crate::directory::account_item::{AccountItem, ChangingItem};
use crate::directory::erased::AddressHash;
use crate::directory::item::AddressItem;
use crate::directory::keys;
use crate::outbox::event::{Event, Happened};
use crate::table::Action;
use crate::table::condition::{absent, is};

/// The action that makes one write.
pub(super) fn action(store: &DirectoryStore, hash: &AddressHash, write: &Write) -> Action {
    let own = &store.table;
    match write {
        Write::PutAccount(stored, expected) => {
            let account = own.put(keys::account(&stored.account.account_id), &AccountItem::from((**stored).clone()));
            account.when(expected.map_or_else(absent, |version| is("version", version)))
        }
        Write::DeleteAccount(account, expected) => own.delete(keys::account(account)).when(is("version", expected)),
        Write::CheckAccount(account, version) => own.check(keys::account(account), is("version", version)),
        Write::NoteChange(account, divisions) => {
            let note = ChangingItem { account_id: account.clone(), divisions: divisions.clone(), since: clock::now() };
            own.put(keys::changing(account), &note)
        }
        Write::ForgetChange(account) => own.delete(keys::changing(account)),
        Write::CheckNotErased(address) => own.check(keys::erased(&hash.of(address)), absent()),
        Write::PutAddress(address, recipient_id) => {
            let row = AddressItem { recipient_id: *recipient_id };
            own.put_new(keys::address(&address.division, address.email.as_str()), &row)
        }
        Write::DeleteAddress(division, email) => own.delete(keys::address(division, email)),
        Write::PutRecipient(stored) => store.recipients.put_new(stored),
        Write::UpdateRecipient(stored, expected) => store.recipients.relink(stored, *expected).into(),
        Write::DeleteRecipient(recipient, version) => store.recipients.delete(*recipient, *version),
        Write::PutLink(recipient, link) => own.put(keys::link(*recipient, &link.account_id), link),
        Write::DeleteLink(recipient, account) => own.delete(keys::link(*recipient, account)),
        Write::Tell(recipient, division, linked) => {
            let happened = match linked {
                Linked::Again => Happened::Linked,
                Linked::NoMore => Happened::Unlinked,
            };
            store.outbox.add_event(&Event::new(happened, *recipient, division, clock::now()))
        }
    }
}

#[cfg(test)]
mod tests {
    use portal_domain::{DivisionId, RecipientId};

    use super::*;
    use crate::scripted::Scripted;
    use crate::table::s;

    #[test]
    fn who_has_lost_the_last_link_is_told_of_in_the_table_of_events() {
        let (context, _) = Scripted::answering([]);
        let store = DirectoryStore::new(&context).expect("nothing is missing");
        let hash = AddressHash::new(b"a secret of tests");
        let recipient = RecipientId::from_random([7; 16]);
        let tell = Write::Tell(recipient, DivisionId::new("D"), Linked::NoMore);
        let put = action(&store, &hash, &tell).into_part().expect("it is complete").put.expect("it is a put");
        assert_eq!((put.table_name.as_str(), &put.item["happened"]), ("Campaigns", &s("unlinked")));
    }
}
