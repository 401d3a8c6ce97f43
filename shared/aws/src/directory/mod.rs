//! The table Directory: divisions, accounts, recipients and what links them.

pub mod item;
pub mod keys;
pub mod read;
