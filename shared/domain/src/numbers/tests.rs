mod forms;
mod model;
mod people;

use proptest::prelude::*;

use super::*;
use crate::standing::{Hour, Standing};
use crate::{Filter, LinkProfile};
use people::{any_filter, any_links, any_profile, any_recipient};

/// Every filter that differs from `filter` in its flags and its site source.
fn narrowed(filter: &Filter) -> impl Iterator<Item = Filter> {
    (0..16_u8).flat_map(move |flags| {
        [None, Some("A"), Some("B"), Some("Z")].map(|source| Filter {
            site_source: source.map(str::to_owned),
            with_active_services: flags & 1 != 0,
            with_balance_due: flags & 2 != 0,
            billing_contacts_only: flags & 4 != 0,
            without_automatic_payment: flags & 8 != 0,
            ..filter.clone()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A condition of a filter that isn't monotone in what `covers` compares breaks this.
    #[test]
    fn no_filter_sees_of_links_what_others_cover(links in any_links(), filter in any_filter()) {
        let set = ProfileSet::reduced(&links);
        for filter in narrowed(&filter) {
            let of_all = links.iter().any(|link| filter.matches(link));
            let of_reduced = set.profiles().values().any(|profile| filter.matches(profile.as_link()));
            prop_assert_eq!(of_all, of_reduced, "{:?}", filter);
        }
    }

    #[test]
    fn a_profile_covers_another_only_if_all_its_filters_select_it(
        profile in any_profile(),
        less in any::<[bool; 5]>(),
        filter in any_filter(),
    ) {
        let covered = LinkProfile {
            site_sources: profile.site_sources.iter().skip(usize::from(less[0])).cloned().collect(),
            active_services: profile.active_services && less[1],
            balance_due: profile.balance_due && less[2],
            billing_contact: profile.billing_contact && less[3],
            automatic_payment: profile.automatic_payment || less[4],
            ..profile.clone()
        };
        prop_assert!(Profile::from(&profile).covers(&Profile::from(&covered)));
        for filter in narrowed(&filter) {
            prop_assert!(!filter.matches(&covered) || filter.matches(&profile), "{:?}", filter);
        }
    }

    #[test]
    fn profiles_that_no_filter_tells_apart_are_one(profile in any_profile()) {
        let typed = LinkProfile {
            account_class: format!(" {}\u{200b}", profile.account_class),
            site_sources: profile.site_sources.iter().map(|source| format!("{source}\t")).collect(),
            ..profile.clone()
        };
        prop_assert_eq!(Profile::from(&typed), Profile::from(&profile));
        prop_assert_eq!(Profile::from(&typed).key(), Profile::from(&profile).key());
    }

    #[test]
    fn a_later_horizon_sees_the_same_through_an_earlier_one(
        recipient in any_recipient(),
        hours in [0_u32..100, 0_u32..100],
    ) {
        let [one, other] = hours.map(|hours| people::EARLIEST.plus(hours));
        let standing = Standing::of(&recipient);
        let (earlier, later) = (one.min(other), one.max(other));
        let seen = standing.seen_from(later);
        prop_assert_eq!(standing.seen_from(earlier).seen_from(later), seen);
        for hours in 0..60 {
            let now = later.plus(hours).begin();
            prop_assert_eq!(seen.is_recent_at(now), standing.is_recent_at(now));
            prop_assert_eq!(seen.has_expired_at(now), standing.has_expired_at(now));
        }
    }
}

#[test]
fn a_link_is_needed_only_for_what_no_other_link_shows() {
    let profile = |sources: &[&str], services, payment| LinkProfile {
        site_sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        active_services: services,
        automatic_payment: payment,
        ..people::profile("HOME")
    };
    let whole = profile(&["A", "B"], true, false);
    let covered = [profile(&["A"], true, false), profile(&[], false, true), profile(&["A", "B"], true, true)];
    let needed = [profile(&["C"], false, true), people::profile("SHOP")];
    let links: Vec<_> = covered.iter().chain([&whole]).chain(&needed).collect();
    let expected: Vec<_> = [&whole].into_iter().chain(&needed).collect();
    assert_eq!(ProfileSet::reduced(links), ProfileSet::reduced(expected.iter().copied()));
    assert_eq!(ProfileSet::reduced(expected).profiles().len(), 3);
}

#[test]
fn the_horizon_never_goes_back() {
    let later = Numbers::default().encode(Hour::new(20)).expect("numbers");
    let base = Base::read(&later.main).and_then(|base| base.with_pending(&later.pending)).expect("a base");
    let earlier = Numbers::open(&base).and_then(|numbers| numbers.encode(Hour::new(10))).expect("numbers");
    assert_eq!(Base::read(&earlier.main).expect("a base").horizon(), Hour::new(20));
}
