//! The import protocol: which items are written when accounts are posted or deleted, so that nothing is half-stored.
//!
//! **An account of usual size** goes into one transaction with everything that it links and unlinks; several accounts share
//! a transaction, and a recipient whom several of them link is written once (`batch.rs`).
//! With the last link goes every temporary password that was mailed: who is no customer any more can't activate.
//!
//! **An account too large for one transaction** is changed in steps. First it is *announced*: its item gets a new version
//! and lists every recipient that it links now or is to link. Then its links are changed, some per transaction, each on the
//! condition that the account still has the announced version. Last, the account's own item is written (or deleted) on the
//! same condition. If this ends early, the account stays announced; whoever posts or deletes it next announces it anew, and
//! from the list finds all links that the first one may have made. No step of the first one can then succeed any more.
//!
//! **Everything is conditional** on the versions that were read. A link row changes only together with the version of its
//! recipient, and either with the version of its account or on the condition that the account has the announced one. So if
//! the versions still hold when a transaction is written, so does all else that it was planned from. When they don't, nothing
//! is written; then read and plan anew. Two imports of the same at the same time end as one.

mod batch;
mod run;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::account::ContactAddress;
use crate::link::Link;
use crate::{Account, AccountId, DivisionId, EmailAddress, PortalStatus, Recipient, RecipientId};

use batch::{Added, Batch};
pub use run::{Outcome, Report, Table, run};
pub use snapshot::Snapshot;

/// An account posted or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account_id: AccountId,
    /// What it is to be; `None` when it is deleted.
    pub account: Option<Account>,
}

impl Change {
    /// The account is to be this.
    pub fn put(account: Account) -> Self {
        Self { account_id: account.account_id.clone(), account: Some(account) }
    }

    /// The account is to be gone.
    pub fn delete(account_id: AccountId) -> Self {
        Self { account_id, account: None }
    }

    /// The addresses that the account is to link.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.account.iter().flat_map(|account| {
            let usable = account.contacts.iter().filter_map(|contact| match &contact.address {
                ContactAddress::Usable(email) => Some(email.clone()),
                ContactAddress::Unusable(_) => None,
            });
            usable.map(|email| Address { division: account.division.clone(), email })
        })
    }
}

/// How far a change of an account has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The account is what was posted last, and so are its links.
    #[default]
    Settled,
    /// Announced: the account is still what it was before, its links may be anything between.
    Changing,
    /// Announced, and it has never been settled; it is not in the index yet.
    Arriving,
}

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// What was posted.
    pub account: Account,
    /// Goes up by one with every write.
    pub version: u64,
    /// Every recipient that may have a link to the account.
    pub recipients: BTreeSet<RecipientId>,
    /// Whether account and links agree.
    pub phase: Phase,
}

/// A recipient as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecipient {
    /// The recipient.
    pub recipient: Recipient,
    /// Goes up by one with every write.
    pub version: u64,
}

/// One address in one division.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The division.
    pub division: DivisionId,
    /// The address.
    pub email: EmailAddress,
}

/// One action of a transaction. Where it says `expected`, that version must still be stored; `None` means that there is no
/// such item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes the account's item.
    PutAccount(Box<StoredAccount>, Option<u64>),
    /// Deletes the account's item.
    DeleteAccount(AccountId, u64),
    /// Writes nothing; the account must have this version.
    CheckAccount(AccountId, u64),
    /// Gives an address that has none a recipient.
    PutAddress(Address, RecipientId),
    /// Writes a recipient that doesn't exist.
    PutRecipient(Box<StoredRecipient>),
    /// Writes status and links of a recipient, and touches nothing else of it.
    UpdateRecipient(Box<StoredRecipient>, u64),
    /// Writes a link row; the recipient's version guards it.
    PutLink(RecipientId, Link),
    /// Deletes a link row; the recipient's version guards it.
    DeleteLink(RecipientId, AccountId),
    /// Tells the company's portal of somebody who has accepted that they are linked to something again, or to nothing any more.
    Tell(RecipientId, DivisionId, Linked),
}

/// Whether somebody who has accepted is linked to any account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// To one again.
    Again,
    /// To none any more.
    NoMore,
}

/// What one account's change means for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    recipient_id: RecipientId,
    /// The address, if the recipient is to be created for it.
    new: Option<Address>,
    before: Option<Link>,
    after: Option<Link>,
    /// The furthest along of the contacts' statuses; of someone who is unlinked, none.
    status: Option<PortalStatus>,
}
