//! What a function reads from its environment.

use std::env;

/// A variable that the template should have set is missing or empty.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingSetting(&'static str);

/// The value of a variable that must be there.
pub fn required(name: &'static str) -> Result<String, MissingSetting> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(MissingSetting(name))
}
