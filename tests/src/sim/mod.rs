//! The whole system on one seed: all functions in one process and one thread, against AWS in memory, with time,
//! randomness and every fault drawn from the seed. A seed that fails fails again, with the same events.

pub mod acts;
pub mod checks;
pub mod instance;
mod loads;
pub mod log;
pub mod network;
pub mod plan;
pub mod report;
pub mod run;
pub mod secrets;
pub mod sources;
pub mod stream;
pub mod system;
pub mod town;

pub use run::{Outcome, run};
