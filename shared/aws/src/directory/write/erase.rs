//! Erases a person: keeps a hash of their address, takes them off every account, and then deletes their own items.
//!
//! Each step is a transaction on the condition of what was read. After a crash the next caller continues from what is
//! there.

use jiff::Timestamp;
use portal_domain::import::{self, Address, Outcome};
use portal_domain::{AccountId, DivisionId, EmailAddress, RecipientId};
use serde::{Deserialize, Serialize};

use super::table::Importing;
use super::{DirectoryReader, DirectoryStore};
use crate::directory::erased::{AddressHash, ErasedItem};
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::outbox::event::{Event, Happened};
use crate::table::condition::{exists, is, lacks};
use crate::table::{Batch, StoreError, attributes_of};

/// The record of an erasure, which does not tell who the person was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Whose.
    pub recipient_id: RecipientId,
    /// Their division.
    pub division: DivisionId,
    /// When it began.
    pub begun_at: Timestamp,
    /// When all was erased; `None` as long as it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How many accounts they were on when it began.
    pub accounts: u32,
    /// Number of ledger rows made anonymous.
    #[serde(default)]
    pub ledger_rows: u64,
    /// Number of deleted entries of their audit trail.
    #[serde(default)]
    pub trail_entries: u64,
    /// The hash of their address.
    pub(crate) address_hash: String,
}

/// The note that an erasure is not finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasingNote {
    /// Who is erased.
    pub recipient_id: RecipientId,
    /// When that began.
    pub since: Timestamp,
}

/// The result of readmitting an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readmitted {
    /// An import may bring the address again.
    Done,
    /// Nobody with this address was erased.
    WasNotErased,
    /// The erasure is not over yet. Nothing is changed.
    UnderWay,
}

impl DirectoryStore {
    pub(super) async fn address_hash(&self) -> Result<&AddressHash, StoreError> {
        self.erased.get(&self.table).await
    }

    /// The erasure of a recipient, if there was one, read consistently.
    pub async fn erasure(&self, recipient: RecipientId) -> Result<Option<Erasure>, StoreError> {
        // It lies in the recipient's partition, where roles may read only named attributes.
        let batch = Batch::new("read an erasure").only(attributes_of::<Erasure>());
        Ok(self.table.get_each_of(batch, [keys::erasure(recipient)]).await?.pop())
    }

    /// Begins to erase a recipient that is unchanged since it was read. From now on no import links the address, no
    /// campaign mails it, and no password opens anything. `None`, and nothing is written, if the recipient has changed
    /// or is being erased already.
    pub async fn begin_erasure(
        &self,
        recipient: &RecipientItem,
        now: Timestamp,
    ) -> Result<Option<Erasure>, StoreError> {
        let id = recipient.recipient_id;
        let address_hash = self.address_hash().await?.of(&address_of(recipient)?);
        let erasure = Erasure {
            recipient_id: id,
            division: recipient.division.clone(),
            begun_at: now,
            finished_at: None,
            accounts: recipient.account_count,
            ledger_rows: 0,
            trail_entries: 0,
            address_hash,
        };
        let marked = ErasedItem { since: now, erasing: Some(id) };
        let mut tx = self.table.tx("begin to erase a recipient");
        tx.add(self.table.put_new(keys::erasure(id), &erasure));
        tx.add(self.table.put(keys::erased(&erasure.address_hash), &marked));
        tx.add(self.table.put(keys::erasing(id), &ErasingNote { recipient_id: id, since: now }));
        tx.add(self.recipients.lock_out(recipient));
        tx.extend(self.recipients.delete_credential(id));
        Ok(tx.write().await?.is_done().then_some(erasure))
    }

    /// Removes address and name from these accounts. Starts no transaction after `until`.
    pub async fn forget_on(
        &self,
        recipient: &RecipientItem,
        accounts: &[AccountId],
        until: Option<Timestamp>,
    ) -> Result<Outcome, StoreError> {
        import::forget(&Importing { store: self, until }, &address_of(recipient)?, accounts).await
    }

    /// Deletes a recipient that is unlinked and unchanged since it was read, with its address row, and keeps an event
    /// for the company's portal. `false`, and nothing is written, if the recipient has changed.
    pub async fn remove(&self, recipient: &RecipientItem, now: Timestamp) -> Result<bool, StoreError> {
        let id = recipient.recipient_id;
        let mut tx = self.table.tx("delete a recipient");
        tx.add(self.recipients.delete(id, recipient.version));
        tx.add(self.table.delete(keys::address(&recipient.division, &recipient.email)));
        tx.add(self.outbox.add_event(&Event::new(Happened::Erased, id, &recipient.division, now)));
        Ok(tx.write().await?.is_done())
    }

    /// Notes that all is erased. From now on the address may be readmitted ([`DirectoryStore::readmit`]).
    pub async fn finish_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let kept = self.table.put(keys::erasure(erasure.recipient_id), erasure);
        let marked = self.table.update(keys::erased(&erasure.address_hash)).remove("erasing");
        let mut tx = self.table.tx("finish an erasure");
        tx.add(kept.when(exists().and(lacks("finishedAt"))));
        tx.add(marked.when(is("erasing", erasure.recipient_id)));
        // Refused only if another call was faster.
        tx.write().await?;
        Ok(())
    }

    /// The erasures that are not finished.
    pub async fn erasing(&self) -> Result<Vec<ErasingNote>, StoreError> {
        DirectoryReader::of(self.table.clone()).erasing().await
    }

    /// Deletes the note on an erasure: nothing is left to be done.
    pub async fn end_erasure(&self, recipient: RecipientId) -> Result<(), StoreError> {
        self.table.run("end an erasure", self.table.delete(keys::erasing(recipient))).await?;
        Ok(())
    }

    /// Lets imports bring an address again.
    pub async fn readmit(&self, address: &Address) -> Result<Readmitted, StoreError> {
        let hash = self.address_hash().await?.of(address);
        let mut tx = self.table.tx("take an erasure back");
        tx.add(self.table.delete(keys::erased(&hash)).when(exists().and(lacks("erasing"))));
        if tx.write().await?.is_done() {
            return Ok(Readmitted::Done);
        }
        let left = self.table.get_each("read an address", [keys::erased(&hash)]).await?;
        Ok(if left.is_empty() { Readmitted::WasNotErased } else { Readmitted::UnderWay })
    }
}

fn address_of(recipient: &RecipientItem) -> Result<Address, StoreError> {
    let email = EmailAddress::normalise(&recipient.email).map_err(|_| StoreError::NoAddress)?;
    Ok(Address { division: recipient.division.clone(), email })
}
