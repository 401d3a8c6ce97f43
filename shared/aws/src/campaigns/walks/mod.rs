//! The fan-out of shards: it walks through the index to write the ledger, and through the ledger to queue, retry or
//! skip its rows, a page at a time.

mod bound;
pub mod cursor;
mod page;
mod walk;

pub use self::page::{PAGE_ROWS, PageWrite};
pub use self::walk::WalkPage;
use super::ledger::Ledger;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::Table;
use cursor::Cursors;

/// Reads and writes the pages of walks.
#[derive(Clone, Debug)]
pub struct Walks {
    table: Table,
    cursors: Cursors,
    ledger: Ledger,
}

impl Walks {
    /// Walks in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            cursors: Cursors::new(context)?,
            ledger: Ledger::new(context)?,
        })
    }
}
