//! The only writer of recipients ([`RecipientItem`]) and of the passwords that they chose.
//!
//! Every function returns an action, on the condition of what was read, for the caller's transaction: a delivery, an
//! acceptance, a report of SES, an operator, an import. Every write that may change others' decisions changes the
//! version.

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

    /// A change of a recipient to its next version, on the condition `as_read`, which the caller adds.
    fn next_version(&self, recipient: &RecipientItem) -> Update {
        self.table.update(keys::recipient(recipient.recipient_id)).set("version", recipient.version + 1)
    }
}

/// The recipient is unchanged since it was read.
fn as_read(recipient: &RecipientItem) -> Condition {
    is("version", recipient.version)
}

/// Sets this status, and the index key that contains it.
fn with_status(update: Update, id: RecipientId, status: PortalStatus) -> Update {
    update.set("status", status).set("indexSort", keys::recipient_sort(status, id))
}
