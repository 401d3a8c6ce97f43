//! What the HTTP functions share: permissions, reading of requests, writing of answers and problems.
//!
//! A function lists its routes ([`Routes`]), and hands their router to [`server::run`].

pub mod auth;
pub mod body;
pub mod csv;
pub mod cursor;
pub mod etag;
#[cfg(test)]
mod filter;
mod gateway;
pub mod idempotency;
mod machine;
pub mod problem;
pub mod query;
pub mod record;
pub mod routes;
pub mod server;
pub mod stage;
pub mod words;

pub use auth::Caller;
pub use etag::{ETag, IfMatch};
pub use portal_domain::permission::Permission;
pub use problem::Problem;
pub use query::Query;
pub use routes::{Operation, Routes};
pub use server::{router, run};
