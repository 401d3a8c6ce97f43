//! The AWS side of Portal Invites: tables, queues and mail.

pub mod audit;
pub mod campaigns;
pub mod clock;
pub mod config;
pub mod context;
pub mod derived;
pub mod directory;
#[cfg(test)]
mod formats;
pub mod idempotency;
pub mod launch;
pub mod limiter;
pub mod mail;
pub mod named;
pub mod operators;
pub mod outbox;
pub mod people;
pub mod queue;
pub mod recipients;
pub mod refusals;
pub mod schedules;
#[cfg(test)]
mod scripted;
pub mod sender;
pub mod settings;
pub mod table;
