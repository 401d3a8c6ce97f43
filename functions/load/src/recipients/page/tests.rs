use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use portal_aws::directory::keys::recipient_sort;
use portal_domain::recipient::{Links, NamedAccount, Selected};
use portal_domain::selection::{Counts, Exclusion};
use portal_domain::{AccountId, DivisionId, LinkProfile, Search};
use proptest::prelude::*;
use strum::VariantArray;

use super::*;

/// The index in memory: sort keys of each shard, in order.
struct Index(BTreeMap<(u8, String), Recipient>);

impl Shards for Index {
    async fn query(
        &self,
        _: &Wanted,
        statuses: &[PortalStatus],
        from: Position,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let shard = u8::from(from.shard);
        let after = from.after.unwrap_or_default();
        let in_shard = self.0.iter().filter(|((number, sort), _)| *number == shard && *sort > after);
        let mut found = in_shard.filter(|(_, recipient)| statuses.contains(&recipient.status));
        let page: Vec<_> = found.by_ref().take(limit.min(3)).collect();
        let next = page.last().filter(|_| found.next().is_some()).map(|((_, sort), _)| sort.clone());
        let found = |((_, sort), recipient): (&(u8, String), &Recipient)| Found {
            recipient: recipient.clone(),
            sort: sort.clone(),
        };
        Ok(Page { recipients: page.into_iter().map(found).collect(), next })
    }

    async fn is_changing(&self, _: &DivisionId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn selected(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        Ok(recipient.selected_by(filter) == Selected::Yes)
    }

    async fn active_accounts(
        &self,
        recipients: &[Recipient],
        filter: &Filter,
    ) -> Result<HashMap<RecipientId, ActiveAccounts>, StoreError> {
        assert!(filter.with_active_services, "only accounts with active services count");
        let accounts = ActiveAccounts { first: Vec::new(), count: 1 };
        Ok(recipients.iter().map(|recipient| (recipient.recipient_id, accounts.clone())).collect())
    }
}

/// A person, with what a list may be narrowed by.
#[derive(Clone, Copy, Debug, Default)]
struct Person {
    status: usize,
    billing: bool,
    active: bool,
    bounced: bool,
    recent: bool,
    zoe: bool,
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    let person = (0_usize..3, any::<[bool; 5]>()).prop_map(|(status, [billing, active, bounced, recent, zoe])| {
        Person { status, billing, active, bounced, recent, zoe }
    });
    prop::collection::vec(person, 0..60)
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000)
}

fn rules() -> Rules {
    Rules::of_new_campaign(now(), false)
}

fn recipient(number: usize, person: &Person) -> Recipient {
    let mut bytes = [0; 16];
    bytes[0] = number as u8;
    let profile = LinkProfile {
        account_class: "HOME".to_owned(),
        bill_group: String::new(),
        account_source: String::new(),
        site_sources: Default::default(),
        active_services: person.active,
        balance_due: false,
        automatic_payment: false,
        billing_contact: person.billing,
    };
    let account = NamedAccount {
        account_id: AccountId::new("A-1"),
        account_name: String::new(),
        contact_name: if person.zoe { "Zoë \"Z\"" } else { "Ann" }.to_owned(),
    };
    Recipient {
        recipient_id: RecipientId::from_random(bytes),
        division: DivisionId::new("D"),
        email: "ann@example.com".to_owned(),
        status: PortalStatus::VARIANTS[person.status],
        links: Links {
            profiles: Some([(profile, 1)].into()),
            account_count: 1,
            accounts: vec![account],
            ..Links::default()
        },
        pending_since: None,
        reminders: 0,
        last_invited_at: person.recent.then(|| now() - SignedDuration::from_hours(23)),
        expires_at: None,
        last_campaign_id: None,
        undeliverable: person.bounced.then(|| "bounced".to_owned()),
        cleared_bounce: None,
        set_back: None,
    }
}

fn index(people: &[Person]) -> Index {
    let recipients = people.iter().enumerate().map(|(number, person)| recipient(number, person));
    let key = |one: &Recipient| (u8::from(one.recipient_id.shard()), recipient_sort(one.status, one.recipient_id));
    Index(recipients.map(|recipient| (key(&recipient), recipient)).collect())
}

fn all() -> Wanted {
    Wanted::all(Filter::whole(DivisionId::new("D")))
}

fn bounds(rows: usize) -> Bounds {
    Bounds { rows, bytes: usize::MAX, until: clock::now() + Duration::from_secs(60) }
}

/// Follows a list to its end; returns the ids of all its pages.
async fn whole(index: &Index, wanted: &Wanted, bounds: Bounds) -> Vec<Vec<RecipientId>> {
    let mut pages = Vec::new();
    let mut from = Some(Position::START);
    while let Some(position) = from {
        let (rows, next) = fill(index, wanted, rules(), position, bounds).await.expect("memory does not fail");
        pages.push(rows.into_iter().map(|row| row.recipient_id).collect());
        from = next;
    }
    pages
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

proptest! {
    #[test]
    fn everybody_wanted_is_listed_once_whatever_the_size_of_a_page(
        people in people(),
        rows in 1_usize..20,
        billing: bool,
        status in prop::option::of(0_usize..3),
        excluded in prop::option::of(prop::sample::select(Exclusion::VARIANTS)),
        on_active_services: bool,
        zoe: bool,
    ) {
        let index = index(&people);
        let wanted = Wanted {
            filter: Filter { billing_contacts_only: billing, ..Filter::whole(DivisionId::new("D")) },
            status: status.map(|status| PortalStatus::VARIANTS[status]),
            search: if zoe { Search::new("ZOË") } else { None },
            excluded,
            on_active_services,
            ..Wanted::all(Filter::whole(DivisionId::new("D")))
        };
        let pages = block_on(whole(&index, &wanted, bounds(rows)));
        let last = pages.len() - 1;
        prop_assert!(pages[..last].iter().all(|page| page.len() == rows), "only the last page may be short");
        let mut listed: Vec<RecipientId> = pages.into_iter().flatten().collect();
        listed.sort();
        let left_out = |person: &Person| match excluded {
            None => true,
            Some(_) if person.status == 2 => false,
            Some(Exclusion::Undeliverable) => person.bounced,
            Some(Exclusion::RecentlyInvited) => person.recent && !person.bounced,
        };
        let expected = people.iter().enumerate().filter(|(_, person)| {
            status.is_none_or(|status| status == person.status)
                && (!billing || person.billing)
                && (!on_active_services || person.active)
                && (!zoe || person.zoe)
                && left_out(person)
        });
        let mut expected: Vec<_> = expected.map(|(number, person)| recipient(number, person).recipient_id).collect();
        expected.sort();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn the_lists_of_who_is_left_out_are_as_long_as_their_counts(people in people()) {
        let index = index(&people);
        let mut counts = Counts::default();
        for person in index.0.values() {
            counts.add_recipient(person, judge(person, true, rules()));
        }
        let length = |reason| {
            let wanted = Wanted { excluded: Some(reason), ..all() };
            block_on(whole(&index, &wanted, bounds(7))).into_iter().flatten().count() as u64
        };
        prop_assert_eq!(length(Exclusion::Undeliverable), counts.excluded.undeliverable);
        prop_assert_eq!(length(Exclusion::RecentlyInvited), counts.excluded.recently_invited);
    }
}

#[tokio::test]
async fn a_page_ends_when_its_bytes_or_its_time_are_used_up_and_the_next_goes_on() {
    let index = index(&[Person { active: true, ..Person::default() }; 12]);
    for wanted in [all(), Wanted { on_active_services: true, ..all() }] {
        for tight in [Bounds { bytes: 1, ..bounds(100) }, Bounds { until: clock::now(), ..bounds(100) }] {
            let pages = whole(&index, &wanted, tight).await;
            assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 12);
            assert!(pages.iter().all(|page| page.len() <= 1));
        }
    }
}

#[tokio::test]
async fn a_page_out_of_time_may_be_empty_and_still_lead_on() {
    let index = index(&[Person::default(); 2]);
    let wanted = Wanted { search: Search::new("nobody"), ..all() };
    let late = Bounds { until: clock::now(), ..bounds(100) };
    let (rows, next) = fill(&index, &wanted, rules(), Position::START, late).await.expect("memory does not fail");
    assert!(rows.is_empty() && next.is_some());
}
