//! Accounts that are being changed in steps ([`portal_domain::import`]), and recipients as they are in force meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;

use futures::lock::Mutex;
use portal_domain::import::{InForce, StoredAccount};
use portal_domain::link::Link;
use portal_domain::{AccountId, DivisionId, Recipient, RecipientId};

use super::DirectoryReader;
use crate::directory::account_item::ChangingItem;
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::directory::write::erase::ErasingNote;
use crate::table::StoreError;

/// Accounts that are being changed, as they are in force. Each is read once, consistently, so that decisions on the
/// same of these treat all people of an account alike.
#[derive(Debug, Default)]
pub struct AccountsInForce(Mutex<HashMap<AccountId, Option<InForce>>>);

impl AccountsInForce {
    /// The recipients as they are in force. This costs nothing if none of them names an account that is being changed.
    async fn show(&self, reader: &DirectoryReader, recipients: Vec<Recipient>) -> Result<Vec<Recipient>, StoreError> {
        let named = changing(&recipients);
        if named.is_empty() {
            return Ok(recipients);
        }
        let known = self.read(reader, named).await?;
        let show = |recipient: Recipient| match recipient.links.changing.accounts.is_empty() {
            true => recipient,
            false => recipient.as_in_force(|account| known.get(account)?.as_ref()),
        };
        Ok(recipients.into_iter().map(show).collect())
    }

    async fn read(
        &self,
        reader: &DirectoryReader,
        accounts: BTreeSet<AccountId>,
    ) -> Result<impl Deref<Target = HashMap<AccountId, Option<InForce>>>, StoreError> {
        let mut known = self.0.lock().await;
        let unknown: Vec<_> = accounts.into_iter().filter(|account| !known.contains_key(account)).collect();
        let found = reader.table.get_each("read accounts", unknown.iter().map(keys::account)).await?;
        known.extend(unknown.into_iter().map(|account| (account, None)));
        for item in found {
            let account: StoredAccount = item.into();
            known.insert(account.account.account_id.clone(), account.in_force());
        }
        Ok(known)
    }
}

impl DirectoryReader {
    /// These items as they are in force.
    pub(crate) async fn show_items(&self, items: Vec<RecipientItem>) -> Result<Vec<RecipientItem>, StoreError> {
        let recipients: Vec<_> = items.iter().cloned().map(Recipient::from).collect();
        let named = changing(&recipients);
        if named.is_empty() {
            return Ok(items);
        }
        let accounts = AccountsInForce::default();
        let known = accounts.read(self, named).await?;
        let show = |(item, recipient): (RecipientItem, Recipient)| {
            let seen = recipient.as_in_force(|account| known.get(account)?.as_ref());
            let by = |account: &AccountId| {
                let account = known.get(account)?.as_ref()?;
                account.link_of(&recipient).map(|_| account.version)
            };
            let changing = recipient.links.changing.accounts.iter();
            let by = changing.filter(|_| recipient.links.account_count == 0).find_map(|id| Some((id.clone(), by(id)?)));
            RecipientItem { linked_by: by, ..item.seen_as(&seen) }
        };
        Ok(items.into_iter().zip(recipients).map(show).collect())
    }

    /// Recipients as they are in force. Each of the same `accounts` is read once.
    pub(super) async fn show(
        &self,
        recipients: Vec<Recipient>,
        accounts: &AccountsInForce,
    ) -> Result<Vec<Recipient>, StoreError> {
        accounts.show(self, recipients).await
    }

    /// The links of accounts that are being changed, by recipient: their link rows are not valid yet. Recipients that
    /// name no such account are absent.
    pub(super) async fn changing_links(
        &self,
        recipients: &[&Recipient],
    ) -> Result<HashMap<RecipientId, Vec<Link>>, StoreError> {
        let accounts = AccountsInForce::default();
        let named = recipients.iter().flat_map(|recipient| recipient.links.changing.accounts.iter().cloned()).collect();
        let known = accounts.read(self, named).await?;
        let links = |recipient: &&Recipient| {
            let named = recipient.links.changing.accounts.iter();
            let links =
                named.filter_map(|account| Some(known.get(account)?.as_ref()?.link_of(recipient)?.link.clone()));
            (recipient.recipient_id, links.collect())
        };
        let naming = recipients.iter().filter(|recipient| !recipient.links.changing.accounts.is_empty());
        Ok(naming.map(links).collect())
    }

    /// Whether an account is being changed whose recipients are in this division.
    pub async fn is_changing(&self, division: &DivisionId) -> Result<bool, StoreError> {
        Ok(self.changing_accounts().await?.iter().any(|note| note.divisions.contains(division)))
    }

    /// The notes on all erasures that are not over.
    pub(in crate::directory) async fn erasing(&self) -> Result<Vec<ErasingNote>, StoreError> {
        self.table.all("list erasures", keys::all_erasing()).await
    }

    /// The notes on all accounts that are being changed.
    pub(in crate::directory) async fn changing_accounts(&self) -> Result<Vec<ChangingItem>, StoreError> {
        self.table.all("list accounts that are being changed", keys::all_changing()).await
    }
}

fn changing(recipients: &[Recipient]) -> BTreeSet<AccountId> {
    recipients.iter().flat_map(|recipient| recipient.links.changing.accounts.iter().cloned()).collect()
}
