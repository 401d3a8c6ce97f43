//! The only writer of recipients ([`RecipientItem`]) and of the passwords that they chose.
//!
//! Every function gives an action, on the condition of what was read, for the transaction of whoever decides: a
//! delivery, an acceptance, a report of SES, an operator, an import. Every write that may change what others decide by
//! brings a new version.

mod accept;
mod invite;
mod links;
mod mail;
mod withdraw;

use portal_domain::{PortalStatus, RecipientId};

pub(crate) use self::invite::Invitation;
pub use self::invite::{Occasion, Prior, Undo};
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::table::condition::is;
use crate::table::{Condition, Table, Update};

/// The recipients in the table Directory.
#[derive(Clone, Debug)]
pub(crate) struct Recipients {
    table: Table,
}

impl Recipients {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// A change of a recipient that brings the next version; on the condition `as_read`, which its maker states.
    fn next_version(&self, recipient: &RecipientItem) -> Update {
        self.table.update(keys::recipient(recipient.recipient_id)).set("version", recipient.version + 1)
    }
}

/// The recipient is as they were read.
fn as_read(recipient: &RecipientItem) -> Condition {
    is("version", recipient.version)
}

/// A change to this status, by which the index sorts.
fn with_status(update: Update, id: RecipientId, status: PortalStatus) -> Update {
    update.set("status", status).set("indexSort", keys::recipient_sort(status, id))
}
