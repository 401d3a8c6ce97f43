//! The services in memory and the emulator, called by the same scenarios through the real SDK: both must give the same
//! answers.
//!
//! Only behaviour is tested here in which the emulator agrees with AWS. It does not enforce SES's rate and quota, nor
//! check configuration sets and tags. It takes schedules with bad expressions, bad time zones and past start dates, and
//! forgets the tokens of calls. It takes messages with any delay, notices with any subject and events with any detail.
//! Unit tests of the services in memory cover that behaviour.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

mod emulator;
mod mails;
mod memory;
mod others;
mod queues;
mod schedules;

/// A name that nobody else uses.
fn name() -> String {
    format!("cloud-{}", uuid::Uuid::new_v4().simple())
}
