//! The table Derived: the numbers of divisions ([`portal_domain::numbers`]), updated as recipients and accounts change.
//!
//! **Exactness.** [`Derived::apply`] reads what was counted of an owner, *then* the owner itself, and writes the new
//! value and the change in one transaction, on the condition that nobody has counted the owner since. It writes also if
//! nothing changed: that write refuses an invocation that read an older state and was held up. So the last one to count
//! an owner has read everything that was counted before, whatever is repeated, split, held up or run in parallel.
//!
//! **Reading.** Base and logs up to the head are a prefix of one order of all transactions: everybody counts once. A
//! fold overwrites nothing, and what it replaces is kept for days, so a reader that still uses it finds it.
//!
//! **Completeness.** An epoch begins without a number. Whoever counts a batch of the stream reads the epoch when the
//! batch is there already, so everything that is written after the epoch began is counted in it. Everything that was
//! written before is found by going through the table Directory after the epoch began, with consistent reads
//! ([`Derived::part`]). Then the epoch is live.

mod apply;
mod build;
pub(crate) mod control;
pub mod counting;
mod fold;
mod item;
mod keys;
mod read;

use crate::context::Context;
use crate::directory::read::DirectoryReader;
use crate::settings::InvalidSetting;
use crate::table::Table;

pub use build::{Build, Part};
pub use control::{Aside, Control};
pub use fold::Folded;
pub use read::DivisionNumbers;

/// Updates and reads derived numbers.
#[derive(Clone, Debug)]
pub struct Derived {
    table: Table,
    directory: DirectoryReader,
}

impl Derived {
    /// The numbers of a function's settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("DERIVED_TABLE")?, directory: DirectoryReader::new(context)? })
    }
}
