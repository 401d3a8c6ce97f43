//! Keys of the table Derived. `E` is an epoch: everything can be derived again under another one. Access patterns:
//!
//! | What | How |
//! | --- | --- |
//! | what was counted of a recipient or an account | get `B#E#<kind><id>` |
//! | the head of a division's numbers | get `HEAD#E#<division>` |
//! | changes of a division since its base | batch-get `LOG#E#<division>`, one item for each number |
//! | a division's base | batch-get `BASE#<generation>#<part><number>` |
//! | the definition of a large set | query `SET#E#<hash>` |
//! | the epoch | get `CONTROL` |
//! | how far everything that is stored is counted | get `BUILD#E` |
//! | owners that can't be counted | query `ASIDE#E` |
//! | the newest heartbeats | get `SEEN` |

use portal_domain::DivisionId;

use super::build::Build;
use super::control::{Aside, Control, Seen};
use super::item::{BelievedItem, Chunk, Head, LogItem};
use crate::directory::read::Owner;
use crate::table::{Key, Query};

/// Sort key in a partition of one item.
const ONLY: &str = "-";

/// What was counted of an owner.
pub fn believed(epoch: &str, owner: &Owner) -> Key<BelievedItem> {
    Key::new(format!("B#{epoch}#{}", name(owner)), ONLY)
}

fn name(owner: &Owner) -> String {
    match owner {
        Owner::Recipient(id) => format!("R{id}"),
        Owner::Account(id) => format!("A{id}"),
    }
}

/// The head of a division's numbers.
pub fn head(epoch: &str, division: &DivisionId) -> Key<Head> {
    Key::new(format!("HEAD#{epoch}#{division}"), ONLY)
}

/// A log of a division.
pub fn log(epoch: &str, division: &DivisionId, number: u64) -> Key<LogItem> {
    Key::new(format!("LOG#{epoch}#{division}"), sort(number))
}

/// A chunk of the main bytes of a base.
pub fn main_chunk(generation: &str, chunk: usize) -> Key<Chunk> {
    Key::new(format!("BASE#{generation}#M{chunk}"), ONLY)
}

/// A chunk of what a base has of pending recipients.
pub fn pending_chunk(generation: &str, chunk: usize) -> Key<Chunk> {
    Key::new(format!("BASE#{generation}#P{chunk}"), ONLY)
}

/// A chunk of the definition of a large set.
pub fn set_chunk(epoch: &str, name: &[u8; 16], chunk: u64) -> Key<Chunk> {
    Key::new(set_pk(epoch, name), sort(chunk))
}

/// The definition of a large set.
pub fn set(epoch: &str, name: &[u8; 16]) -> Query<Chunk> {
    Query::partition(set_pk(epoch, name))
}

fn set_pk(epoch: &str, name: &[u8; 16]) -> String {
    format!("SET#{epoch}#{:032x}", u128::from_be_bytes(*name))
}

/// The epoch.
pub fn control() -> Key<Control> {
    Key::new("CONTROL", ONLY)
}

/// How far everything that is stored is counted.
pub fn build(epoch: &str) -> Key<Build> {
    Key::new(format!("BUILD#{epoch}"), ONLY)
}

/// An owner that can't be counted.
pub fn aside(epoch: &str, owner: &Owner) -> Key<Aside> {
    Key::new(aside_pk(epoch), name(owner))
}

/// All owners that can't be counted.
pub fn all_aside(epoch: &str) -> Query<Aside> {
    Query::partition(aside_pk(epoch))
}

fn aside_pk(epoch: &str) -> String {
    format!("ASIDE#{epoch}")
}

/// The newest heartbeats.
pub fn seen() -> Key<Seen> {
    Key::new("SEEN", ONLY)
}

/// Numbers with the same count of digits sort by number.
fn sort(number: u64) -> String {
    format!("{number:016}")
}
