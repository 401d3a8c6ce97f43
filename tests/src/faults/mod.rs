//! Campaigns under faults: the functions run behind a proxy that injects AWS's own errors, are killed at every step and are handed
//! their messages twice, while people accept and ask for new e-mails, accounts come and go, an operator pauses, resumes and cancels, and SES
//! reports. Afterwards the [`invariants`] must hold.
//!
//! All chances are drawn from a seed ([`plan`]). Which call meets which fault is up to the proxy and to the order in which the
//! machine runs things: a seed makes a failure likely to come again, not certain.

pub mod acts;
pub mod invariants;
pub mod lambda;
pub mod mail;
pub mod plan;
pub mod proxy;
pub mod report;
pub mod scene;

pub use plan::{Fault, Kind, Round, Service};
pub use proxy::FaultProxy;
pub use report::Report;
pub use scene::Scene;
