//! Operators' permissions and their divisions, as groups of the user pool (guarantee 9).
//!
//! The group with a permission's name is for every division; `<permission>:<division>` is for one. In that name, every
//! byte of the division's id but letters, digits, `-`, `.`, `_` and `~` is percent-encoded (RFC 3986, 2.1 and 2.3),
//! because a function gets its caller's groups as one text, separated by commas or spaces. Cognito's limit for a name
//! is 128 characters; a division with a longer name can only be reached through the group for every division.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::DivisionId;

/// Characters to percent-encode in the name of a group: all but the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Load, send, and see the results.
    SendInvitations,
    /// Store divisions and accounts.
    Directory,
    /// Read who did what.
    Audit,
}

impl Permission {
    /// The group for every division.
    pub fn group(self) -> &'static str {
        match self {
            Self::SendInvitations => "390",
            Self::Directory => "directory",
            Self::Audit => "audit",
        }
    }

    /// The group for one division.
    pub fn group_of(self, division: &DivisionId) -> String {
        format!("{}:{}", self.group(), utf8_percent_encode(division.as_str(), ENCODED))
    }

    /// The permission's name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::SendInvitations => "390, Send Account Portal Invitations",
            Self::Directory => "directory, Keep Divisions and Accounts",
            Self::Audit => "audit, See Who Did What",
        }
    }

    /// The divisions for which a member of these groups has the permission; `None` if for none. A group that is not
    /// spelled exactly as [`Self::group`] or [`Self::group_of`] spells it grants nothing.
    pub fn divisions<'a>(self, groups: impl IntoIterator<Item = &'a str>) -> Option<Divisions> {
        let mut divisions = BTreeSet::new();
        for group in groups {
            if group == self.group() {
                return Some(Divisions::Every);
            }
            divisions.extend(self.division_of(group));
        }
        (!divisions.is_empty()).then_some(Divisions::Only(divisions))
    }

    fn division_of(self, group: &str) -> Option<DivisionId> {
        let encoded = group.strip_prefix(self.group())?.strip_prefix(':').filter(|encoded| !encoded.is_empty())?;
        let division = DivisionId::new(percent_decode_str(encoded).decode_utf8().ok()?);
        (self.group_of(&division) == group).then_some(division)
    }
}

/// The divisions for which somebody has a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Divisions {
    /// All divisions, also future ones.
    Every,
    /// These.
    Only(BTreeSet<DivisionId>),
}

impl Divisions {
    /// These and the others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        match (self, others) {
            (Self::Only(mut divisions), Self::Only(others)) => {
                divisions.extend(others);
                Self::Only(divisions)
            }
            _ => Self::Every,
        }
    }

    /// Whether this division is among them.
    pub fn includes(&self, division: &DivisionId) -> bool {
        match self {
            Self::Every => true,
            Self::Only(divisions) => divisions.contains(division),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn divisions(groups: &[&str]) -> Option<Divisions> {
        Permission::SendInvitations.divisions(groups.iter().copied())
    }

    fn only(divisions: &[&str]) -> Option<Divisions> {
        Some(Divisions::Only(divisions.iter().map(|id| DivisionId::new(*id)).collect()))
    }

    #[test]
    fn a_group_is_for_every_division_or_for_the_one_that_it_names() {
        assert_eq!(divisions(&["directory", "390"]), Some(Divisions::Every));
        assert_eq!(divisions(&["390:NORTH", "390"]), Some(Divisions::Every));
        assert_eq!(divisions(&["390:NORTH", "390:S%C3%B8r%20%26%20%C3%98st"]), only(&["NORTH", "Sør & Øst"]));
        assert_eq!(Permission::Directory.divisions(["390", "directory:A"]), only(&["A"]));
        let odd = [
            "390:",
            "390:%",
            "390:%4E",
            "390:S%c3%b8r",
            "390:%FF",
            "390:a b",
            "390:a,b",
            "390:Sør",
            "3900:A",
            "x390:A",
            "390;A",
            " 390",
            "directory:A",
            "",
        ];
        for group in odd {
            assert_eq!(divisions(&[group]), None, "{group}");
        }
    }

    proptest! {
        #[test]
        fn a_group_opens_its_division_and_no_other(id in "\\PC{1,12}", other in "\\PC{1,12}") {
            let (division, other) = (DivisionId::new(id), DivisionId::new(other));
            let group = Permission::Directory.group_of(&division);
            prop_assert!(group.bytes().all(|byte| byte.is_ascii_graphic() && !b", []".contains(&byte)), "{group}");
            let reach = Permission::Directory.divisions([group.as_str()]).expect("one division");
            prop_assert!(reach.includes(&division));
            prop_assert_eq!(reach.includes(&other), division == other);
        }
    }
}
