//! Portal status.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Portal status of a recipient, in the order in which it moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PortalStatus {
    /// Never invited.
    NotSent,
    /// Invited, not yet accepted; stays so when the invitation expires.
    Pending,
    /// Has access to the portal; is never e-mailed.
    Accepted,
}

impl PortalStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::NotSent, Self::Pending, Self::Accepted];

    /// The name used in the API, in the tables and in the import format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "notSent",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
        }
    }

    /// The status with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The status after an import says `imported`: the furthest along wins, an import never moves it back.
    pub fn merged_with(self, imported: Self) -> Self {
        self.max(imported)
    }
}

impl fmt::Display for PortalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::PortalStatus::{self, *};

    #[test]
    fn an_import_moves_a_status_only_forward() {
        let table = [
            (NotSent, NotSent, NotSent),
            (NotSent, Pending, Pending),
            (NotSent, Accepted, Accepted),
            (Pending, NotSent, Pending),
            (Pending, Pending, Pending),
            (Pending, Accepted, Accepted),
            (Accepted, NotSent, Accepted),
            (Accepted, Pending, Accepted),
            (Accepted, Accepted, Accepted),
        ];
        for (current, imported, expected) in table {
            assert_eq!(current.merged_with(imported), expected, "{current} + {imported}");
        }
    }

    #[test]
    fn every_name_parses_back_and_no_other_does() {
        for status in PortalStatus::ALL {
            assert_eq!(PortalStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(PortalStatus::parse("Accepted"), None);
    }
}
