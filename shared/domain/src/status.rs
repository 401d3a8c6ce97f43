//! Portal status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Portal status of a recipient, in the order in which it moves forward.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum PortalStatus {
    /// Never invited.
    NotSent,
    /// Invited, not yet accepted; stays so when the invitation expires.
    Pending,
    /// Has access to the portal; is never e-mailed.
    Accepted,
}

impl PortalStatus {
    /// The status after an import says `imported`: the furthest along wins, an import never moves it back.
    pub fn merged_with(self, imported: Self) -> Self {
        self.max(imported)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

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
        for &status in PortalStatus::VARIANTS {
            assert_eq!(<&str>::from(status).parse(), Ok(status));
        }
        assert!("Accepted".parse::<PortalStatus>().is_err());
    }
}
