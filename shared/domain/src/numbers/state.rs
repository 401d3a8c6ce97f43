//! A division's numbers opened up: changes are taken in, and the next base is written.

use std::collections::{BTreeMap, HashMap};

use super::base::{Base, Encoded, SetToWrite};
use super::change::{Change, Log};
use super::profile::{Profile, ProfileKey};
use super::value::{SetName, Value};
use crate::PortalStatus;
use crate::standing::{Hour, Standing};

/// Numbers and changes that do not belong together, or lack what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("derived numbers and changes don't fit together: {0}")]
pub struct Inconsistent(pub(super) &'static str);

/// How many have each value.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    profiles: HashMap<ProfileKey, Profile>,
    large: HashMap<[u8; 16], Vec<ProfileKey>>,
    sets: HashMap<SetName, OfSet>,
    unreachable: HashMap<ProfileKey, u64>,
    horizon: Hour,
}

/// What those have in common who have one set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfSet {
    /// In no order; few.
    people: Vec<(Standing, u64)>,
    active_services: u64,
}

impl Numbers {
    /// Those of a base, of which the pending were read.
    pub fn open(base: &Base) -> Result<Self, Inconsistent> {
        let pending = base.pending().ok_or(Inconsistent("the pending were not read"))?;
        let keys = base.keys();
        let mut numbers = Self { horizon: base.horizon, ..Self::default() };
        numbers.profiles = keys.iter().copied().zip(base.profiles.iter().cloned()).collect();
        let mut pending = pending.iter().peekable();
        for (place, (members, entries, active_services)) in (0_u32..).zip(base.sets()) {
            let name = base.name(members, &keys);
            if let SetName::Large(hash) = &name {
                let mut members: Vec<_> = members.iter().map(|place| keys[*place as usize]).collect();
                members.sort_unstable();
                numbers.large.insert(*hash, members);
            }
            let others = entries.iter().map(|(standing, people)| (base.standing(*standing), *people));
            let others = others.filter(|(standing, _)| standing.status != PortalStatus::Pending);
            let mut people: Vec<_> = others.collect();
            while let Some((_, standing, count)) = pending.next_if(|(set, ..)| *set == place) {
                people.push((*standing, *count));
            }
            numbers.sets.insert(name, OfSet { people, active_services });
        }
        numbers.unreachable = base.unreachable.iter().map(|(place, n)| (keys[*place as usize], *n)).collect();
        Ok(numbers)
    }

    /// Takes in the changes of a log, in which all large sets that were not known before are defined.
    pub fn apply(&mut self, log: &Log) -> Result<(), Inconsistent> {
        for (key, profile) in &log.profiles {
            self.profiles.entry(*key).or_insert_with(|| profile.clone());
        }
        for (name, keys) in &log.large {
            self.large.entry(*name).or_insert_with(|| keys.clone());
        }
        log.changes().iter().try_for_each(|change| self.change(change))
    }

    fn change(&mut self, change: &Change) -> Result<(), Inconsistent> {
        if let Some(from) = &change.from {
            self.add(from, |number, n| number.checked_sub(n).ok_or(Inconsistent("fewer than none")))?;
        }
        if let Some(to) = &change.to {
            self.add(to, |number, n| number.checked_add(n).ok_or(Inconsistent("more than can be counted")))?;
        }
        Ok(())
    }

    fn add(&mut self, value: &Value, sum: impl Fn(u64, u64) -> Result<u64, Inconsistent>) -> Result<(), Inconsistent> {
        let set = match self.sets.get_mut(value.set()) {
            Some(set) => set,
            None => self.sets.entry(value.set().clone()).or_default(),
        };
        match value {
            Value::Person(person) => {
                let standing = person.standing.seen_from(self.horizon);
                let place = set.people.iter().position(|(known, _)| *known == standing);
                let place = place.unwrap_or_else(|| {
                    set.people.push((standing, 0));
                    set.people.len() - 1
                });
                let people = &mut set.people[place].1;
                *people = sum(*people, 1)?;
                if *people == 0 {
                    set.people.swap_remove(place);
                }
            }
            Value::Account(account) => {
                set.active_services = sum(set.active_services, account.active_services)?;
                for (key, contacts) in &account.unreachable {
                    let sum = sum(self.unreachable.get(key).copied().unwrap_or(0), u64::from(*contacts))?;
                    self.unreachable.insert(*key, sum);
                }
            }
        }
        Ok(())
    }

    /// The base of these numbers, for all times from `now` on; never an earlier horizon than before.
    pub fn encode(&self, now: Hour) -> Result<Encoded, Inconsistent> {
        let horizon = self.horizon.max(now);
        let sets = self.sets.iter().filter(|(_, set)| !set.people.is_empty() || set.active_services > 0);
        let sets: Vec<_> = sets.map(|(name, set)| Ok((self.keys(name)?, set))).collect::<Result<_, Inconsistent>>()?;
        let unreachable: Vec<_> = self.unreachable.iter().filter(|(_, contacts)| **contacts > 0).collect();
        let mut uses: HashMap<ProfileKey, u64> = unreachable.iter().map(|(key, _)| (**key, 1)).collect();
        sets.iter().flat_map(|(keys, _)| *keys).for_each(|key| *uses.entry(*key).or_default() += 1);
        let mut by_use: Vec<_> = uses.into_iter().collect();
        by_use.sort_unstable_by_key(|(key, uses)| (std::cmp::Reverse(*uses), *key));
        let profile =
            |(key, _): &(ProfileKey, u64)| self.profiles.get(key).ok_or(Inconsistent("a profile is not defined"));
        let profiles: Vec<&Profile> = by_use.iter().map(profile).collect::<Result<_, _>>()?;
        let places: HashMap<ProfileKey, u32> = by_use.iter().map(|(key, _)| *key).zip(0..).collect();
        let sets = sets.into_iter().map(|(keys, set)| {
            let mut members: Vec<u32> = keys.iter().map(|key| places[key]).collect();
            members.sort_unstable();
            SetToWrite { members, people: set.seen_from(horizon), active_services: set.active_services }
        });
        let mut unreachable: Vec<_> = unreachable.into_iter().map(|(key, contacts)| (places[key], *contacts)).collect();
        unreachable.sort_unstable();
        Ok(Base::write(horizon, &profiles, sets.collect(), &unreachable))
    }

    fn keys<'a>(&'a self, name: &'a SetName) -> Result<&'a [ProfileKey], Inconsistent> {
        match name {
            SetName::Keys(keys) => Ok(keys),
            SetName::Large(hash) => self.large.get(hash).map(Vec::as_slice).ok_or(Inconsistent("a set is not defined")),
        }
    }
}

impl OfSet {
    fn seen_from(&self, horizon: Hour) -> Vec<(Standing, u64)> {
        let mut people: BTreeMap<Standing, u64> = BTreeMap::new();
        for (standing, n) in &self.people {
            *people.entry(standing.seen_from(horizon)).or_default() += n;
        }
        people.into_iter().collect()
    }
}
