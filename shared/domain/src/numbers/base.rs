//! A division's numbers up to some moment, in as few bytes as are read at every Load.

mod bytes;
mod counts;

pub(super) use bytes::SetToWrite;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::profile::{Profile, ProfileKey};
use super::value::SetName;
use crate::standing::{Hour, Standing};

/// The bytes of a base, as [`super::Numbers::encode`] writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What every Load reads.
    pub main: Vec<u8>,
    /// What an audience with limits asks for as well: since when people are pending, and how often they were reminded.
    pub pending: Vec<u8>,
}

/// A division's numbers up to some moment, as they were written.
#[derive(Debug)]
pub struct Base {
    pub(super) horizon: Hour,
    /// By their places here sets name profiles.
    pub(super) profiles: Vec<Profile>,
    standings: Vec<Standing>,
    /// The profiles of all sets, one set behind the other.
    members: Vec<u32>,
    /// Standing and number of people of all sets, one set behind the other. Standings have no limits
    /// ([`Standing::without_limits`]).
    entries: Vec<(u32, u64)>,
    sets: Vec<Set>,
    /// Contacts without a usable address, by profile.
    pub(super) unreachable: Vec<(u32, u64)>,
    /// Of the pending: set, standing with limits, number of people. Nothing where it was not read.
    pending: Option<Vec<(u32, Standing, u64)>>,
    names: OnceLock<Names>,
    /// Of the main bytes: pending bytes of another base don't fit.
    checksum: [u8; 8],
}

/// Where a set's members and entries end, and the active services of its accounts.
#[derive(Clone, Copy, Debug)]
struct Set {
    members: u32,
    entries: u32,
    active_services: u64,
}

/// What changes name, by where it is in the base.
#[derive(Debug)]
pub(super) struct Names {
    pub profiles: HashMap<ProfileKey, u32>,
    pub large: HashMap<[u8; 16], u32>,
}

/// How much of what a base has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diversity {
    /// Distinct profiles.
    pub profiles: usize,
    /// Distinct sets of profiles.
    pub sets: usize,
    /// Distinct pairs of a set and a standing.
    pub entries: usize,
}

impl Base {
    /// Of nobody.
    pub fn empty() -> Self {
        Self {
            horizon: Hour::FIRST,
            profiles: Vec::new(),
            standings: Vec::new(),
            members: Vec::new(),
            entries: Vec::new(),
            sets: Vec::new(),
            unreachable: Vec::new(),
            pending: Some(Vec::new()),
            names: OnceLock::new(),
            checksum: [0; 8],
        }
    }

    /// From this hour on its numbers are right: hours before it are one.
    pub fn horizon(&self) -> Hour {
        self.horizon
    }

    /// How much of what it has.
    pub fn diversity(&self) -> Diversity {
        Diversity { profiles: self.profiles.len(), sets: self.sets.len(), entries: self.entries.len() }
    }

    /// The profiles of each set, by their places, with the people and the services that it has.
    pub(super) fn sets(&self) -> impl Iterator<Item = (&[u32], &[(u32, u64)], u64)> {
        let mut from = (0, 0);
        self.sets.iter().map(move |set| {
            let to = (set.members as usize, set.entries as usize);
            let (members, entries) = (&self.members[from.0..to.0], &self.entries[from.1..to.1]);
            from = to;
            (members, entries, set.active_services)
        })
    }

    pub(super) fn standing(&self, place: u32) -> Standing {
        self.standings[place as usize]
    }

    pub(super) fn pending(&self) -> Option<&[(u32, Standing, u64)]> {
        self.pending.as_deref()
    }

    pub(super) fn members_of(&self, set: u32) -> &[u32] {
        let set = set as usize;
        let from = set.checked_sub(1).map_or(0, |before| self.sets[before].members as usize);
        &self.members[from..self.sets[set].members as usize]
    }

    /// The name of a set with these members.
    pub(super) fn name(&self, members: &[u32], keys: &[ProfileKey]) -> SetName {
        let mut keys: Vec<_> = members.iter().map(|place| keys[*place as usize]).collect();
        keys.sort_unstable();
        SetName::of_keys(keys)
    }

    /// The keys of all profiles, in their places.
    pub(super) fn keys(&self) -> Vec<ProfileKey> {
        self.profiles.iter().map(Profile::key).collect()
    }

    /// Found out when it is asked for first: a Load without changes needs none.
    pub(super) fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let keys = self.keys();
            let large = (0_u32..).zip(self.sets()).filter_map(|(set, (members, ..))| match self.name(members, &keys) {
                SetName::Large(hash) => Some((hash, set)),
                SetName::Keys(_) => None,
            });
            let large = large.collect();
            Names { profiles: keys.into_iter().zip(0..).collect(), large }
        })
    }

    /// Those of these large sets that it doesn't have: their definitions have to be read.
    pub fn unknown_large_sets<'n>(
        &self,
        names: impl IntoIterator<Item = &'n [u8; 16]>,
    ) -> impl Iterator<Item = &'n [u8; 16]> {
        names.into_iter().filter(|name| !self.names().large.contains_key(*name))
    }
}
