//! What the tests share.
//!
//! [`World`] is a system of its own: AWS in memory ([`cloud`]) and the functions' own code, all in the test's process,
//! so that a test decides what happens when. [`sim`] lets such a system run on by itself, with everything that can go
//! wrong. [`Stack`] is the system as it is deployed in a local cloud, which `make up` and `make test` start.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

pub mod activation;
pub mod clock;
pub mod cloud;
pub mod contract;
pub mod http;
pub mod line;
pub mod lists;
pub mod numbers;
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
