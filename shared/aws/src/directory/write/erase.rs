//! Erasing a person: their address is remembered as a hash, taken off every account, and then their own items go.
//!
//! Each step is a transaction of its own on the condition of what was read. Whoever comes after a crash goes on from what is there.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use portal_domain::import::{self, Address, Outcome};
use portal_domain::recipient::ERASED;
use portal_domain::{AccountId, DivisionId, EmailAddress, RecipientId};
use serde::{Deserialize, Serialize};

use super::table::Importing;
use super::{DirectoryReader, DirectoryStore};
use crate::campaigns::accept::credential_key;
use crate::campaigns::outbox::{Event, Happened};
use crate::directory::erased::AddressHash;
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::dynamo::{Item, StoreError, Transacted, batch_get, batch_get_only, key, n, put, s, transact, update};

/// What is kept of an erasure: nothing that tells who it was.
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
    /// On how many accounts they were when it began.
    pub accounts: u32,
    /// Rows of ledgers that were made anonymous.
    #[serde(default)]
    pub ledger_rows: u64,
    /// Entries of their audit trail that were deleted.
    #[serde(default)]
    pub trail_entries: u64,
    /// The hash of their address.
    pub(crate) address_hash: String,
}

/// The attributes of [`Erasure`]. It lies in the recipient's partition, of which roles read named attributes only.
const ERASURE_ATTRIBUTES: &[&str] =
    &["recipientId", "division", "begunAt", "finishedAt", "accounts", "ledgerRows", "trailEntries", "addressHash"];

/// The note on an erasure that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasingNote {
    /// Who is erased.
    pub recipient_id: RecipientId,
    /// When that began.
    pub since: Timestamp,
}

/// What became of taking an erasure back.
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
        self.erased.get(&self.client, &self.table).await
    }

    /// The erasure of a recipient, if there was one, read consistently.
    pub async fn erasure(&self, recipient: RecipientId) -> Result<Option<Erasure>, StoreError> {
        let wanted = vec![(self.table.clone(), erasure_key(recipient))];
        let found = batch_get_only(&self.client, wanted, ERASURE_ATTRIBUTES).await?.pop();
        found.map(|(_, item)| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Begins to erase a recipient who is as they were read. From now on no import links the address, nobody mails them, and no password that they had
    /// opens anything. `None`, and nothing is written, if they have changed or are being erased already.
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
        let mut marked = key(keys::erased_pk(&erasure.address_hash), keys::ERASED);
        marked.insert("since".to_owned(), s(now.to_string()));
        marked.insert("erasing".to_owned(), s(id.to_string()));
        let mut note: Item = serde_dynamo::to_item(ErasingNote { recipient_id: id, since: now })?;
        note.extend(note_key(id));
        let mut kept: Item = serde_dynamo::to_item(&erasure)?;
        kept.extend(erasure_key(id));
        let new = || Put::builder().table_name(&self.table);
        let actions = vec![
            put(new().set_item(Some(kept)).condition_expression("attribute_not_exists(pk)"))?,
            put(new().set_item(Some(marked)))?,
            put(new().set_item(Some(note)))?,
            self.lock_out(recipient)?,
            self.delete(credential_key(recipient))?,
            // Earlier releases kept it in the recipient's own partition.
            self.delete(key(keys::recipient_pk(id), keys::CREDENTIAL))?,
        ];
        let written = transact(&self.client, "begin to erase a recipient", actions).await?;
        Ok(matches!(written, Transacted::Done).then_some(erasure))
    }

    /// Takes the address off these accounts, and the name with it. Starts no transaction after `until`.
    pub async fn forget_on(
        &self,
        recipient: &RecipientItem,
        accounts: &[AccountId],
        until: Option<Timestamp>,
    ) -> Result<Outcome, StoreError> {
        import::forget(&Importing { store: self, until }, &address_of(recipient)?, accounts).await
    }

    /// Deletes a recipient who is as they were read, linked to nothing, with the address row; the company's portal is told. `false`, and
    /// nothing is written, if they have changed.
    pub async fn remove(&self, recipient: &RecipientItem, now: Timestamp) -> Result<bool, StoreError> {
        let id = recipient.recipient_id;
        let own = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(keys::recipient_pk(id), keys::RECIPIENT)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", n(recipient.version));
        let actions = vec![
            delete(own)?,
            self.delete(key(keys::address_pk(&recipient.division, &recipient.email), keys::ADDRESS))?,
            Event::new(Happened::Erased, id, &recipient.division, now).put(&self.events)?,
        ];
        Ok(matches!(transact(&self.client, "delete a recipient", actions).await?, Transacted::Done))
    }

    /// Notes that all is erased. From now on the erasure may be taken back ([`DirectoryStore::readmit`]).
    pub async fn finish_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let mut kept: Item = serde_dynamo::to_item(erasure)?;
        kept.extend(erasure_key(erasure.recipient_id));
        let marked = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(keys::erased_pk(&erasure.address_hash), keys::ERASED)))
            .update_expression("REMOVE erasing")
            .condition_expression("erasing = :recipient")
            .expression_attribute_values(":recipient", s(erasure.recipient_id.to_string()));
        let kept = Put::builder()
            .table_name(&self.table)
            .set_item(Some(kept))
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(finishedAt)");
        // Refused only where another call was faster.
        transact(&self.client, "finish an erasure", vec![put(kept)?, update(marked)?]).await?;
        Ok(())
    }

    /// The erasures that are not over.
    pub async fn erasing(&self) -> Result<Vec<ErasingNote>, StoreError> {
        DirectoryReader::new(self.client.clone(), &self.table).erasing().await
    }

    /// Forgets the note on an erasure: nothing of it is left to be done.
    pub async fn end_erasure(&self, recipient: RecipientId) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(note_key(recipient)));
        request.send().await.map_err(|error| StoreError::of("end an erasure", error))?;
        Ok(())
    }

    /// Lets imports bring an address again.
    pub async fn readmit(&self, address: &Address) -> Result<Readmitted, StoreError> {
        let pk = keys::erased_pk(&self.address_hash().await?.of(address));
        let marked = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(&pk, keys::ERASED)))
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(erasing)");
        let written = transact(&self.client, "take an erasure back", vec![delete(marked)?]).await?;
        if matches!(written, Transacted::Done) {
            return Ok(Readmitted::Done);
        }
        let left = batch_get(&self.client, vec![(self.table.clone(), key(pk, keys::ERASED))]).await?;
        Ok(if left.is_empty() { Readmitted::WasNotErased } else { Readmitted::UnderWay })
    }

    /// The action after which nobody mails a recipient, and no password that was mailed opens anything.
    fn lock_out(&self, recipient: &RecipientItem) -> Result<TransactWriteItem, StoreError> {
        update(
            Update::builder()
                .table_name(&self.table)
                .set_key(Some(key(keys::recipient_pk(recipient.recipient_id), keys::RECIPIENT)))
                .update_expression("SET undeliverable = :erased, version = :next REMOVE digest, earlier, resends")
                .condition_expression("version = :version")
                .expression_attribute_values(":erased", s(ERASED))
                .expression_attribute_values(":version", n(recipient.version))
                .expression_attribute_values(":next", n(recipient.version + 1)),
        )
    }

    fn delete(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        delete(Delete::builder().table_name(&self.table).set_key(Some(key)))
    }
}

fn delete(builder: aws_sdk_dynamodb::types::builders::DeleteBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().delete(builder.build().map_err(StoreError::request)?).build())
}

fn address_of(recipient: &RecipientItem) -> Result<Address, StoreError> {
    let email = EmailAddress::normalise(&recipient.email).map_err(|_| StoreError::NoAddress)?;
    Ok(Address { division: recipient.division.clone(), email })
}

fn erasure_key(recipient: RecipientId) -> Item {
    key(keys::recipient_pk(recipient), keys::ERASURE)
}

fn note_key(recipient: RecipientId) -> Item {
    key(keys::ERASING, recipient.to_string())
}
