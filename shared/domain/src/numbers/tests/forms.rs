//! What is stored comes out as it went in, and bytes that are not as they were written are refused.

use proptest::prelude::*;

use super::model::{World, any_step};
use super::people::{any_account, any_filter, any_links, any_recipient, any_rules};
use crate::audience::AudienceRule;
use crate::numbers::{Base, Change, LargeSet, Log, Numbers, OwnerId, ProfileSet, Value};
use crate::selection::Rules;
use crate::standing::{Hour, Standing};
use crate::{AccountId, Filter};

fn flipped(bytes: &[u8], at: prop::sample::Index, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    bytes
}

proptest! {
    #[test]
    fn what_is_stored_comes_out_as_it_went_in_or_not_at_all(
        steps in prop::collection::vec(any_step(), 1..30),
        links in any_links(),
        recipient in any_recipient(),
        (contacts, services) in any_account(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let set = ProfileSet::reduced(&links);
        let large = LargeSet::of(&set);
        let bytes = large.to_bytes();
        prop_assert_eq!(LargeSet::from_bytes(&bytes), Ok(large));
        prop_assert!(LargeSet::from_bytes(&flipped(&bytes, at, bit)).is_err());
        let contacts = contacts.iter().map(|(profile, reach)| (profile, *reach));
        let account = Value::of_account(contacts, services).map(|(value, ..)| value);
        for value in Value::of_person(&set, Standing::of(&recipient)).into_iter().chain(account) {
            let bytes = value.to_bytes();
            prop_assert_eq!(Value::from_bytes(&bytes), Ok(value));
            prop_assert!(Value::from_bytes(&flipped(&bytes, at, bit)).is_err());
            prop_assert!(Value::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
        }
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.take(step));
        if !world.frames.is_empty() {
            let damaged = flipped(&world.frames, at, bit);
            let mut log = Log::default();
            prop_assert!(log.read(&damaged).is_err());
        }
        let numbers = Numbers::open(&world.base).expect("numbers");
        let encoded = numbers.encode(Hour::FIRST).expect("a base");
        let base = Base::read(&encoded.main).and_then(|base| base.with_pending(&encoded.pending)).expect("a base");
        let again = Numbers::open(&base).and_then(|numbers| numbers.encode(Hour::FIRST));
        prop_assert_eq!(again, Ok(encoded.clone()));
        prop_assert!(Base::read(&flipped(&encoded.main, at, bit)).is_err());
        prop_assert!(Base::read(&encoded.main[..at.index(encoded.main.len())]).is_err());
        prop_assert!(base.with_pending(&flipped(&encoded.pending, at, bit)).is_err());
    }

    #[test]
    fn changes_that_do_not_belong_to_a_base_are_refused(filter in any_filter(), rules in any_rules(), recipient in any_recipient()) {
        let set = ProfileSet::reduced(&[super::people::profile("X")]);
        let value = Value::of_person(&set, Standing::of(&recipient));
        let owner = OwnerId::of_account(&AccountId::new("A"));
        let read = |change: Change, profiles| {
            let mut log = Log::default();
            log.read(&Log::frame(&[change], profiles)).expect("a frame");
            log
        };
        let gone = read(Change { owner, from: value.clone(), to: None }, set.profiles());
        let undefined = read(Change { owner, from: None, to: value }, ProfileSet::default().profiles());
        for log in [gone, undefined] {
            prop_assert!(Base::empty().counts(&filter, rules, &log).is_err(), "{:?}", log);
            let mut numbers = Numbers::default();
            prop_assert!(numbers.apply(&log).and_then(|()| numbers.encode(Hour::FIRST)).is_err());
        }
    }
}

#[test]
fn limits_are_refused_where_the_pending_were_not_read_and_other_pending_are_too() {
    let encoded = Numbers::default().encode(Hour::new(1)).expect("a base");
    let other = Numbers::default().encode(Hour::new(2)).expect("a base");
    let base = || Base::read(&encoded.main).expect("a base");
    let filter = Filter::whole(super::people::division());
    let now = Hour::new(3).begin();
    let rule = AudienceRule { max_reminders: Some(1), ..AudienceRule::default() };
    let rules = Rules { audience: rule.at(now, &jiff::tz::TimeZone::UTC), ..Rules::of_new_campaign(now, false) };
    assert!(base().counts(&filter, rules, &Log::default()).is_err());
    assert!(
        base().with_pending(&encoded.pending).is_ok_and(|base| base.counts(&filter, rules, &Log::default()).is_ok())
    );
    assert!(base().with_pending(&other.pending).is_err());
    assert!(Numbers::open(&base()).is_err());
}
