//! Guarantee 10: no e-mail names a server that its division does not list.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use portal_domain::{Division, DivisionId};

use super::super::town::LINKED;

/// How long a function may still use a division that it has read: an invocation of `deliver` takes at most a minute.
const INVOCATION: SignedDuration = SignedDuration::from_secs(65);

/// Divisions that listed the server, and when they took it off their list, if they have.
#[derive(Debug, Default)]
pub(super) struct Servers(BTreeMap<DivisionId, Option<Timestamp>>);

impl Servers {
    /// A division as it was written.
    pub fn stored(&mut self, division: Division, now: Timestamp) {
        if division.link_hosts.iter().any(|host| host == LINKED) {
            self.0.insert(division.division, None);
        } else if let Some(listed @ None) = self.0.get_mut(&division.division) {
            *listed = Some(now);
        }
    }

    /// Whether an e-mail of this division may leave now.
    pub fn allow(&self, division: &DivisionId, text: &str, now: Timestamp) -> bool {
        let is_listed = match self.0.get(division) {
            None => false,
            Some(None) => true,
            Some(Some(until)) => now.duration_since(*until) < INVOCATION,
        };
        is_listed || !text.contains(LINKED)
    }
}
