//! The import protocol: which items are written when accounts are posted or deleted, so that nothing is half-stored.
//!
//! **An account of usual size** goes into one transaction with everything that it links and unlinks; several accounts share
//! a transaction, and a recipient whom several of them link is written once (`batch.rs`).
//! With the last link goes every temporary password that was mailed: who is no customer any more can't activate.
//!
//! **An account too large for one transaction** is changed in steps, and all its people become visible with the one write of its own
//! item that puts the change *in force*:
//!
//! 1. *Announce.* The account's item gets a new version and lists every recipient that it links now or is to link.
//! 2. *Leave out.* Everybody whose link changes has it taken out of their summary, and names the account as one that is being changed
//!    ([`crate::recipient::links::Changing`]). From then on, whoever reads such a recipient asks the account's item for the link
//!    ([`InForce`]), which is still what it was.
//! 3. *Put in force.* The account's item is written as it is to be. One that is deleted is no longer in force, and stays until nobody names it.
//! 4. *Settle.* Link rows and summaries are brought up to date, statuses move forward, and nobody names the account any more.
//! 5. *End.* The account's item says that it is settled, or is deleted.
//!
//! Steps 2 and 4 take some recipients per transaction, each on the condition that the account still has the version that it was given
//! last. Whatever ends early leaves everybody as the account's item says, in full. Whoever posts or deletes the account next announces
//! it anew, so that no step of the first one can succeed any more, finds everybody who may name it in its list, and goes on; a change that was
//! put in force is settled before the next one begins. Where nobody comes, [`settle`] does that.
//!
//! **Who was erased stays erased.** A contact whose address was erased is planned without address and name. An address gets a recipient only
//! on the condition that nobody with it was erased meanwhile. [`forget`] takes an address off the accounts that have it.
//!
//! **Everything is conditional** on the versions that were read. A link row changes only together with the version of its
//! recipient, and either with the version of its account or on the condition that the account has the announced one. So if
//! the versions still hold when a transaction is written, so does all else that it was planned from. When they don't, nothing
//! is written; then read and plan anew. Two imports of the same at the same time end as one.

mod batch;
mod in_force;
mod run;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::account::ContactAddress;
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

    /// The same change, without what is known of those whose addresses were erased.
    fn without(&self, erased: &HashSet<Address>) -> Self {
        let account = self.account.clone().map(|account| {
            let division = account.division.clone();
            account.without(|email| erased.contains(&Address { division: division.clone(), email: email.clone() }))
        });
        Self { account_id: self.account_id.clone(), account }
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
    /// The account is in force, and everybody's links are as it says.
    #[default]
    Settled,
    /// It is in force, and about to be changed: those whom it lists may name it as changing. (An earlier release left such accounts with
    /// links that were changed already.)
    Changing,
    /// It is in force since a moment ago: those whom it lists may still name it as changing, and have not got their statuses from it.
    Settling,
    /// It is not in force, and not in the index: it is new, or was deleted. Those whom it lists may name it as changing.
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
    /// What whoever names the account as changing is to see of it; `None` if it is not in force.
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
    /// Notes, for the sweep, that an account of these divisions is being changed in steps.
    NoteChange(AccountId, BTreeSet<DivisionId>),
    /// Forgets that note: the account is settled.
    ForgetChange(AccountId),
    /// Writes nothing; nobody with this address may have been erased.
    CheckNotErased(Address),
    /// Gives an address that has none a recipient.
    PutAddress(Address, RecipientId),
    /// Takes an address, of the division and normalised, from a recipient that is deleted in the same transaction.
    DeleteAddress(DivisionId, String),
    /// Writes a recipient that doesn't exist.
    PutRecipient(Box<StoredRecipient>),
    /// Writes status and links of a recipient, and touches nothing else of it.
    UpdateRecipient(Box<StoredRecipient>, u64),
    /// Deletes a recipient that an account was to link which never came in force.
    DeleteRecipient(RecipientId, u64),
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

/// What is done to the recipients of an account at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Everything, with the account's own item.
    Whole,
    /// Links that are to change are left out of the summaries.
    LeaveOut,
    /// Links and statuses become what the account in force says.
    Settle,
}

/// What one account's change means for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    recipient_id: RecipientId,
    /// The address, if the recipient is to be created for it.
    new: Option<Address>,
    /// What changes in the recipient's summary.
    relink: Relink,
    /// Whether the recipient names the account as changing from now on.
    left_out: bool,
    /// The write of the link row, if that changes.
    row: Option<Write>,
    /// The furthest along of the contacts' statuses; nothing where there is none to take over.
    status: Option<PortalStatus>,
}
