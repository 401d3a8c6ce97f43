//! The import protocol: which items are written when accounts are posted or deleted, so that nothing is half-stored
//! (guarantee 12).
//!
//! **An account of usual size** is written in one transaction with everything that it links and unlinks. Several
//! accounts share a transaction, and a recipient that several of them link is written once (`batch.rs`). When a
//! recipient loses the last link, every mailed temporary password is deleted, so that a former customer can't accept
//! (guarantee 13).
//!
//! **An account too large for one transaction** is changed in steps. All its people become visible with one write of
//! the account's item, which puts the change *in force*:
//!
//! 1. *Announce.* The account's item gets a new version and lists every recipient that it links now or is to link.
//! 2. *Leave out.* The link of every recipient for whom it changes is taken out of the recipient's summary, which names
//!    the account as changing ([`crate::recipient::links::Changing`]). From then on, readers of such a recipient take
//!    the link from the account's item ([`InForce`]), which is still unchanged.
//! 3. *Put in force.* The account's item is written in its new form. A deleted account is no longer in force, and its
//!    item stays until no recipient names it.
//! 4. *Settle.* Link rows and summaries are updated, statuses move forward, and recipients stop naming the account.
//! 5. *End.* The account's item is marked as settled, or deleted.
//!
//! Steps 2 and 4 write some recipients per transaction, each on the condition that the account still has the version
//! that it was given last. A crash at any point leaves everybody exactly as the account's item says. The next post or
//! deletion of the account announces anew, so that no step of the first one can succeed any more, finds every recipient
//! that may name the account in its list, and continues. A change that was put in force is settled before the next one
//! begins. If no call comes, [`settle`] finishes the change.
//!
//! **Erased people stay erased.** A contact whose address was erased is planned without address and name. An address
//! gets a recipient only on the condition that it has not been erased meanwhile. [`forget`] removes an address from the
//! accounts that have it.
//!
//! **Everything is conditional** on the versions that were read. A link row changes only together with the version of
//! its recipient, and either with the version of its account or on the condition that the account has the announced
//! one. So if the versions are unchanged when a transaction is written, so is everything else that it was planned from.
//! Otherwise nothing is written, and the change is read and planned anew. Two concurrent imports of the same accounts
//! end as one.

mod batch;
mod in_force;
mod run;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::recipient::links::Relink;
use crate::{Account, AccountId, DivisionId, EmailAddress, PortalStatus, Recipient, RecipientId};

use batch::{Added, Batch};
pub use in_force::InForce;
pub use run::{Outcome, Report, Table, forget, run, settle};
pub use snapshot::Snapshot;

/// An account posted or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account_id: AccountId,
    /// Its new form; `None` if it is deleted.
    pub account: Option<Account>,
}

impl Change {
    /// Stores this account.
    pub fn put(account: Account) -> Self {
        Self { account_id: account.account_id.clone(), account: Some(account) }
    }

    /// Deletes the account.
    pub fn delete(account_id: AccountId) -> Self {
        Self { account_id, account: None }
    }

    /// The same change without address, name and status of erased contacts.
    fn without(&self, erased: &HashSet<Address>) -> Self {
        let account = self.account.clone().map(|account| {
            let division = account.division.clone();
            account.without(|email| erased.contains(&Address { division: division.clone(), email: email.clone() }))
        });
        Self { account_id: self.account_id.clone(), account }
    }

    /// The addresses that the account will link.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.account.iter().flat_map(|account| {
            let usable = account.contacts.iter().filter_map(|contact| contact.address.usable().cloned());
            usable.map(|email| Address { division: account.division.clone(), email })
        })
    }
}

/// The stage of a change of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The account is in force, and all links agree with it.
    #[default]
    Settled,
    /// It is in force, and about to be changed: the recipients that it lists may name it as changing. (An earlier
    /// release left such accounts with links that were changed already.)
    Changing,
    /// It has just come in force: the recipients that it lists may still name it as changing, and may not have their
    /// statuses from it yet.
    Settling,
    /// It is new or deleted, not in force, and not in the index. The recipients that it lists may name it as changing.
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
    /// Whether it is in force, and its links agree with it.
    pub phase: Phase,
}

impl StoredAccount {
    /// The account as seen by recipients that name it as changing; `None` if it is not in force.
    pub fn in_force(&self) -> Option<InForce> {
        (self.phase != Phase::Arriving).then(|| InForce::new(self))
    }
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

/// One action of a transaction. `expected` is the version that must still be stored; `None` means that the item must
/// not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes the account's item.
    PutAccount(Box<StoredAccount>, Option<u64>),
    /// Deletes the account's item.
    DeleteAccount(AccountId, u64),
    /// Writes nothing; the account must have this version.
    CheckAccount(AccountId, u64),
    /// Notes, for the sweep, that an account of these divisions is being changed in steps.
    NoteChange(AccountId, BTreeSet<DivisionId>),
    /// Forgets that note: the account is settled.
    ForgetChange(AccountId),
    /// Writes nothing; the address must not have been erased.
    CheckNotErased(Address),
    /// Gives an address that has none a recipient.
    PutAddress(Address, RecipientId),
    /// Deletes the address row of a recipient that is deleted in the same transaction.
    DeleteAddress(DivisionId, String),
    /// Writes a recipient that doesn't exist.
    PutRecipient(Box<StoredRecipient>),
    /// Writes status and links of a recipient, and no other attribute.
    UpdateRecipient(Box<StoredRecipient>, u64),
    /// Deletes a recipient that was created for an account that never came in force.
    DeleteRecipient(RecipientId, u64),
    /// Writes a link row; the recipient's version guards it.
    PutLink(RecipientId, Link),
    /// Deletes a link row; the recipient's version guards it.
    DeleteLink(RecipientId, AccountId),
    /// Tells the company's portal that an accepted recipient is linked again, or no longer linked to any account.
    Tell(RecipientId, DivisionId, Linked),
}

/// Whether an accepted recipient is linked to any account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// Linked again.
    Again,
    /// No longer linked.
    NoMore,
}

/// The stage of an account's change that a batch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Everything, with the account's own item.
    Whole,
    /// Changing links are left out of the summaries.
    LeaveOut,
    /// Links and statuses become what the account in force says.
    Settle,
}

/// The effect of one account's change on one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    recipient_id: RecipientId,
    /// The address, if the recipient must be created.
    new: Option<Address>,
    /// What changes in the recipient's summary.
    relink: Relink,
    /// Whether the recipient names the account as changing from now on.
    left_out: bool,
    /// The write of the link row, if that changes.
    row: Option<Write>,
    /// The furthest along of the contacts' statuses; `None` if there is none to take over.
    status: Option<PortalStatus>,
}
