//! Names that are stored, and that another version may have written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the names of `T`, or a name that only another version knows. Such a name is kept and shown as it is, so that
/// the item with it can be read and written (guarantee 17). It is for names that tell why or what: nothing may be
/// decided by an unknown one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, description = "A name. Other versions have others.")]
pub enum ByName<T> {
    /// A name of this version.
    Known(T),
    /// A name of another version.
    Unknown(String),
}

impl<T: Copy> ByName<T> {
    /// The value, if this version knows the name.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: Copy + Into<&'static str>> ByName<T> {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(value) => (*value).into(),
            Self::Unknown(name) => name,
        }
    }
}

impl<T> From<T> for ByName<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: PartialEq> PartialEq<T> for ByName<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(value) if value == other)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::campaign::StateReason;

    #[test]
    fn a_name_of_another_version_is_kept_as_it_is() {
        for (name, known) in [("dailyQuota", Some(StateReason::DailyQuota)), ("addedLater", None)] {
            let read: ByName<StateReason> = serde_json::from_value(json!(name)).expect("a name");
            assert_eq!((read.known(), read.name(), json!(read)), (known, name, json!(name)));
            assert_eq!(read == StateReason::DailyQuota, known.is_some());
        }
        assert!(serde_json::from_value::<ByName<StateReason>>(json!(7)).is_err(), "no name");
    }
}
