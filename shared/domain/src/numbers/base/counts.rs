//! Any filter's counts, from a base and the changes since.

use std::collections::{BTreeMap, HashMap};

use super::super::change::Log;
use super::super::profile::ProfileKey;
use super::super::state::Inconsistent;
use super::super::value::{SetName, Value};
use super::Base;
use crate::selection::{Counts, Rules, judge_standing};
use crate::standing::Standing;
use crate::{Filter, PortalStatus};

/// Sums while changes are added and taken away in any order.
#[derive(Default)]
struct Sums {
    people: BTreeMap<Standing, i64>,
    active_services: i64,
    unreachable: i64,
}

impl Base {
    /// What counting every recipient and every account would come to, after the changes of `log`. A time before the
    /// horizon is taken for the horizon: the clocks of functions differ a little.
    ///
    /// Fails where base and changes do not belong together, where a large set was not defined ([`Log::define`]), and
    /// for an audience with limits where the pending were not read ([`Base::with_pending`]).
    pub fn counts(&self, filter: &Filter, rules: Rules, log: &Log) -> Result<Counts, Inconsistent> {
        let rules = Rules { now: rules.now.max(self.horizon.begin()), ..rules };
        let with_limits = rules.audience.has_limits();
        let selected: Vec<bool> = self.profiles.iter().map(|profile| filter.matches(profile.as_link())).collect();
        let mut sums = self.sums(&selected, with_limits)?;
        let mut seen = Seen { base: self, log, filter, selected: &selected, new: HashMap::new() };
        for change in log.changes() {
            for (value, sign) in change.from.iter().map(|from| (from, -1)).chain(change.to.iter().map(|to| (to, 1))) {
                seen.add(value, sign, with_limits, &mut sums)?;
            }
        }
        sums.counts(rules)
    }

    fn sums(&self, selected: &[bool], with_limits: bool) -> Result<Sums, Inconsistent> {
        let mut people = vec![0_u64; self.standings.len()];
        let mut services = 0;
        let is_selected = |members: &[u32]| members.iter().any(|place| selected[*place as usize]);
        let mut sets = Vec::with_capacity(if with_limits { self.sets.len() } else { 0 });
        for (members, entries, active_services) in self.sets() {
            let is_selected = is_selected(members);
            if is_selected {
                entries.iter().for_each(|(standing, count)| people[*standing as usize] += count);
                services += active_services;
            }
            if with_limits {
                sets.push(is_selected);
            }
        }
        let mut sums = Sums { active_services: signed(services)?, ..Sums::default() };
        let detailed = |standing: &Standing| with_limits && standing.status == PortalStatus::Pending;
        for (standing, people) in self.standings.iter().zip(people).filter(|(standing, _)| !detailed(standing)) {
            *sums.people.entry(*standing).or_default() += signed(people)?;
        }
        if with_limits {
            let pending = self.pending().ok_or(Inconsistent("the pending were not read"))?;
            for (_, standing, people) in pending.iter().filter(|(set, ..)| sets[*set as usize]) {
                *sums.people.entry(*standing).or_default() += signed(*people)?;
            }
        }
        for (_, contacts) in self.unreachable.iter().filter(|(profile, _)| selected[*profile as usize]) {
            sums.unreachable += signed(*contacts)?;
        }
        Ok(sums)
    }
}

/// What a filter selects of what changes name.
struct Seen<'a> {
    base: &'a Base,
    log: &'a Log,
    filter: &'a Filter,
    /// The base's profiles.
    selected: &'a [bool],
    /// Profiles that only the log has.
    new: HashMap<ProfileKey, bool>,
}

impl Seen<'_> {
    fn add(&mut self, value: &Value, sign: i64, with_limits: bool, sums: &mut Sums) -> Result<(), Inconsistent> {
        let is_selected = self.selects(value.set())?;
        match value {
            Value::Person(person) if is_selected => {
                let standing = person.standing.seen_from(self.base.horizon);
                let standing = if with_limits { standing } else { standing.without_limits() };
                *sums.people.entry(standing).or_default() += sign;
            }
            Value::Person(_) => {}
            Value::Account(account) => {
                if is_selected {
                    sums.active_services += sign * signed(account.active_services)?;
                }
                for (key, contacts) in &account.unreachable {
                    if self.selects_profile(*key)? {
                        sums.unreachable += sign * i64::from(*contacts);
                    }
                }
            }
        }
        Ok(())
    }

    fn selects(&mut self, set: &SetName) -> Result<bool, Inconsistent> {
        let keys = match set {
            SetName::Keys(keys) => keys,
            SetName::Large(hash) => match self.log.large.get(hash) {
                Some(keys) => keys,
                None => {
                    let set = self.base.names().large.get(hash).ok_or(Inconsistent("a set is not defined"))?;
                    return Ok(self.base.members_of(*set).iter().any(|place| self.selected[*place as usize]));
                }
            },
        };
        for key in keys {
            if self.selects_profile(*key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn selects_profile(&mut self, key: ProfileKey) -> Result<bool, Inconsistent> {
        if let Some(place) = self.base.names().profiles.get(&key) {
            return Ok(self.selected[*place as usize]);
        }
        if let Some(is_selected) = self.new.get(&key) {
            return Ok(*is_selected);
        }
        let profile = self.log.profiles.get(&key).ok_or(Inconsistent("a profile is not defined"))?;
        let is_selected = self.filter.matches(profile.as_link());
        self.new.insert(key, is_selected);
        Ok(is_selected)
    }
}

impl Sums {
    fn counts(self, rules: Rules) -> Result<Counts, Inconsistent> {
        let mut counts = Counts {
            active_services: unsigned(self.active_services)?,
            unreachable: unsigned(self.unreachable)?,
            ..Counts::default()
        };
        for (standing, people) in self.people {
            counts.add_people(standing.status, judge_standing(&standing, rules), unsigned(people)?);
        }
        Ok(counts)
    }
}

fn signed(number: u64) -> Result<i64, Inconsistent> {
    i64::try_from(number).map_err(|_| Inconsistent("more than can be counted"))
}

fn unsigned(number: i64) -> Result<u64, Inconsistent> {
    u64::try_from(number).map_err(|_| Inconsistent("fewer than none"))
}
