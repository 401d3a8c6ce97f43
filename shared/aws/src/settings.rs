//! What a function is told by its environment.

use std::collections::HashMap;
use std::env;

/// A variable that the template should have set is missing or empty.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingSetting(&'static str);

/// Names of tables, addresses of queues and the like, by the names of the environment variables that hold them.
#[derive(Clone, Debug)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    /// The settings of this process.
    pub fn from_env() -> Self {
        env::vars().collect()
    }

    /// The value of a setting that must be there.
    pub fn required(&self, name: &'static str) -> Result<String, MissingSetting> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned().ok_or(MissingSetting(name))
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(settings: T) -> Self {
        Self(settings.into_iter().collect())
    }
}
