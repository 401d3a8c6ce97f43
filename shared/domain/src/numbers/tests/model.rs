//! Random changes, taken in by folds at random moments, against counting everybody anew.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::people::{self, any_account, any_filter, any_links, any_recipient, any_rules};
use crate::account::Reach;
use crate::numbers::{Base, Change, LargeSet, Log, Numbers, OwnerId, Profile, ProfileKey, ProfileSet, SetName, Value};
use crate::selection::{Counts, Rules, judge};
use crate::standing::{Hour, Standing};
use crate::{AccountId, Filter, LinkProfile, Recipient, RecipientId};

/// What one owner has.
#[derive(Clone, Debug)]
pub enum Owned {
    Person(Vec<LinkProfile>, Box<Recipient>),
    Account(Vec<(LinkProfile, Reach)>, u64),
}

#[derive(Clone, Debug)]
pub enum Step {
    /// An owner, of few, has this from now on.
    Set(u8, Owned),
    /// Somebody, if there is anybody, gets another standing.
    Moves(u8, Box<Recipient>),
    /// Nothing of an owner is in any selection any more.
    Unset(u8),
    /// A base of everything so far, for times from this many hours on.
    Fold(u32),
}

pub fn any_step() -> impl Strategy<Value = Step> {
    let owned = prop_oneof![
        3 => (any_links(), any_recipient()).prop_map(|(links, recipient)| Owned::Person(links, Box::new(recipient))),
        1 => any_account().prop_map(|(contacts, services)| Owned::Account(contacts, services)),
    ];
    prop_oneof![
        6 => (0..12_u8, owned).prop_map(|(owner, owned)| Step::Set(owner, owned)),
        4 => (0..12_u8, any_recipient()).prop_map(|(owner, recipient)| Step::Moves(owner, Box::new(recipient))),
        1 => (0..12_u8).prop_map(Step::Unset),
        1 => (0..90_u32).prop_map(Step::Fold),
    ]
}

/// What is stored, and what it must come to.
pub struct World {
    owned: BTreeMap<u8, Owned>,
    /// What was logged of each owner last.
    believed: BTreeMap<u8, Value>,
    pub base: Base,
    /// The frames since the base.
    pub frames: Vec<u8>,
    large: BTreeMap<[u8; 16], LargeSet>,
}

impl World {
    pub fn new() -> Self {
        let (owned, believed) = (BTreeMap::new(), BTreeMap::new());
        Self { owned, believed, base: Base::empty(), frames: Vec::new(), large: BTreeMap::new() }
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Set(owner, owned) => self.set(owner, Some(owned)),
            Step::Unset(owner) => self.set(owner, None),
            Step::Moves(owner, recipient) => {
                if let Some(Owned::Person(links, _)) = self.owned.get(&owner) {
                    self.set(owner, Some(Owned::Person(links.clone(), recipient)));
                }
            }
            Step::Fold(hours) => self.fold(people::EARLIEST.plus(hours)),
        }
    }

    fn set(&mut self, owner: u8, owned: Option<Owned>) {
        let mut profiles: BTreeMap<ProfileKey, Profile> = BTreeMap::new();
        let mut id = OwnerId::of_recipient(RecipientId::from_random([owner; 16]));
        let (value, set) = match &owned {
            None => (None, ProfileSet::default()),
            Some(Owned::Person(links, recipient)) => {
                let set = ProfileSet::reduced(links);
                (Value::of_person(&set, Standing::of(recipient)), set)
            }
            Some(Owned::Account(contacts, services)) => {
                id = OwnerId::of_account(&AccountId::new(owner.to_string()));
                let contacts = contacts.iter().map(|(profile, reach)| (profile, *reach));
                match Value::of_account(contacts, *services) {
                    None => (None, ProfileSet::default()),
                    Some((value, set, all)) => {
                        profiles.extend(all);
                        (Some(value), set)
                    }
                }
            }
        };
        profiles.extend(set.profiles().iter().map(|(key, profile)| (*key, profile.clone())));
        if let SetName::Large(hash) = SetName::of(&set) {
            self.large.insert(hash, LargeSet::of(&set));
        }
        let change = Change { owner: id, from: self.believed.remove(&owner), to: value.clone() };
        self.frames.extend(Log::frame(&[change], &profiles));
        self.believed.extend(value.map(|value| (owner, value)));
        self.owned.remove(&owner);
        self.owned.extend(owned.map(|owned| (owner, owned)));
    }

    pub fn log(&self) -> Log {
        let mut log = Log::default();
        log.read(&self.frames).expect("frames");
        let named = log.large_sets();
        for name in self.base.unknown_large_sets(&named) {
            log.define(self.large[name].clone());
        }
        log
    }

    fn fold(&mut self, now: Hour) {
        let mut numbers = Numbers::open(&self.base).expect("numbers");
        numbers.apply(&self.log()).expect("changes of these numbers");
        let bytes = numbers.encode(now).expect("a base");
        self.base = Base::read(&bytes.main).expect("main").with_pending(&bytes.pending).expect("pending");
        self.frames.clear();
    }

    /// The counts of everybody, one by one.
    fn recounted(&self, filter: &Filter, rules: Rules) -> Counts {
        let rules = Rules { now: rules.now.max(self.base.horizon().begin()), ..rules };
        let mut counts = Counts::default();
        for owned in self.owned.values() {
            match owned {
                Owned::Person(links, recipient) => {
                    let selected = links.iter().any(|link| filter.matches(link));
                    counts.add_recipient(recipient, judge(recipient, selected, rules));
                }
                Owned::Account(contacts, services) => {
                    let selected = || contacts.iter().filter(|(profile, _)| filter.matches(profile));
                    if selected().any(|(_, reach)| reach.reachable > 0) {
                        counts.active_services += services;
                    }
                    counts.unreachable += selected().map(|(_, reach)| u64::from(reach.unreachable)).sum::<u64>();
                }
            }
        }
        counts
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn counts_are_those_of_everybody_after_each_change_and_each_fold(
        steps in prop::collection::vec(any_step(), 1..40),
        filters in prop::collection::vec((any_filter(), any_rules()), 4..5),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            for (filter, rules) in &filters {
                let counts = world.base.counts(filter, *rules, &world.log());
                prop_assert_eq!(counts, Ok(world.recounted(filter, *rules)), "{:?} {:?}", filter, rules);
            }
        }
    }

    #[test]
    fn it_makes_no_difference_where_the_log_is_folded(
        steps in prop::collection::vec(any_step(), 1..40),
        at in any::<prop::sample::Index>(),
    ) {
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Fold(_))).collect();
        prop_assume!(!steps.is_empty());
        let at = at.index(steps.len());
        let (mut once, mut twice) = (World::new(), World::new());
        for (place, step) in steps.into_iter().enumerate() {
            if place == at {
                twice.fold(people::EARLIEST);
            }
            once.take(step.clone());
            twice.take(step);
        }
        for world in [&mut once, &mut twice] {
            world.fold(people::EARLIEST.plus(50));
        }
        let encoded = |world: &World| Numbers::open(&world.base).and_then(|numbers| numbers.encode(Hour::FIRST));
        prop_assert_eq!(encoded(&once), encoded(&twice));
    }
}
