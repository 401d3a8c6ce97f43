//! The numbers of a division, kept so that Load costs what the customers differ in and not how many they are.
//!
//! Every recipient and every account has a [`Value`]: what any filter can see of it. A division's numbers are how many
//! have each value. They are stored as a [`Base`], which is everything up to some moment, and a [`Log`] of the
//! [`Change`]s since. Any filter's [`crate::selection::Counts`] follow from these two ([`Base::counts`]), exactly, at
//! any time from the base's horizon on. [`Numbers`] is the same opened up, to take changes in and to write the next
//! base.
//!
//! - A filter sees of a set of links the same as of those that no other of them [covers](profile::Profile::covers). Who
//!   differs in nothing else counts as one.
//! - Times are hours of UTC ([`crate::standing`]), so that time passes without a write.
//! - Changes name profiles and sets by hashes, so that whoever writes one needs to read nothing but the values before
//!   and after.
//! - All bytes have a version and a checksum. Other bytes are [`Damaged`], never other numbers.

mod base;
mod change;
mod codec;
mod large;
pub mod profile;
mod state;
mod value;

#[cfg(test)]
mod tests;

pub use base::{Base, Diversity, Encoded};
pub use change::{Change, Log};
pub use codec::Damaged;
pub use large::LargeSet;
pub use profile::{Profile, ProfileKey, ProfileSet};
pub use state::{Inconsistent, Numbers};
pub use value::{AccountNumbers, OwnerId, Person, SetName, Value};
