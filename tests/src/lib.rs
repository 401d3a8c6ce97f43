//! What the tests against the local cloud share.
//!
//! [`Stack`] is the deployed system, as `make up` and `make test` start it. [`World`] is a system of its own: tables and queues that
//! no other test sees, with the functions' own code run in the test's process, so that a test decides what happens when.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

pub mod activation;
pub mod cloud;
pub mod http;
pub mod line;
pub mod lists;
pub mod mailbox;
pub mod notices;
pub mod people;
pub mod scheduling;
pub mod ses;
pub mod sim;
pub mod stack;
mod trouble;
pub mod world;

pub use people::{Account, Contact};
pub use stack::Stack;
pub use world::World;
