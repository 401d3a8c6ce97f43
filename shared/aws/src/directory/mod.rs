//! The table Directory: divisions, accounts, recipients and what links them.

pub mod account_item;
pub mod erased;
pub mod heartbeat;
pub mod item;
pub mod keys;
pub mod read;
pub mod templates;
pub mod write;
