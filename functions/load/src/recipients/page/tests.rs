use std::collections::BTreeMap;
use std::time::Duration;

use portal_domain::recipient::{Links, NamedAccount};
use portal_domain::{AccountId, DivisionId, LinkProfile, RecipientId};
use proptest::prelude::*;

use super::*;

/// The index in memory: sort keys of each shard, in order.
struct Index(BTreeMap<(u8, String), Recipient>);

impl Shards for Index {
    async fn query(
        &self,
        _: &Filter,
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
        Ok(Page { recipients: page.into_iter().map(|(_, recipient)| recipient.clone()).collect(), next })
    }

    async fn selected(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        Ok(recipient.selected_by(filter) == portal_domain::recipient::Selected::Yes)
    }
}

fn index(people: &[(u8, bool)]) -> Index {
    let recipients = people.iter().enumerate().map(|(number, (status, billing))| {
        let mut bytes = [0; 16];
        bytes[0] = number as u8;
        let profile = LinkProfile {
            account_class: "HOME".to_owned(),
            bill_group: String::new(),
            account_source: String::new(),
            site_sources: Default::default(),
            active_services: false,
            balance_due: false,
            automatic_payment: false,
            billing_contact: *billing,
        };
        let account = NamedAccount {
            account_id: AccountId::new("A-1"),
            account_name: String::new(),
            contact_name: "Zoë \"Z\"".to_owned(),
        };
        let recipient = Recipient {
            recipient_id: RecipientId::from_random(bytes),
            division: DivisionId::new("D"),
            email: serde_json::from_value("ann@example.com".into()).expect("an address is a string"),
            status: PortalStatus::ALL[usize::from(*status)],
            links: Links { profiles: Some([(profile, 1)].into()), account_count: 1, accounts: vec![account] },
            last_invited_at: None,
            expires_at: None,
            last_campaign_id: None,
            undeliverable: None,
        };
        let sort = recipient_sort(recipient.status, recipient.recipient_id);
        ((u8::from(recipient.recipient_id.shard()), sort), recipient)
    });
    Index(recipients.collect())
}

fn bounds(rows: usize) -> Bounds {
    Bounds { rows, bytes: usize::MAX, until: Instant::now() + Duration::from_secs(60) }
}

/// Follows a list to its end; answers the ids of all its pages.
async fn whole(index: &Index, filter: &Filter, status: Option<PortalStatus>, bounds: Bounds) -> Vec<Vec<RecipientId>> {
    let mut pages = Vec::new();
    let mut from = Some(Position::START);
    while let Some(position) = from {
        let (rows, next) = fill(index, filter, status, position, bounds).await.expect("memory does not fail");
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
    fn every_selected_recipient_is_listed_once_whatever_the_size_of_a_page(
        people in prop::collection::vec((0_u8..3, any::<bool>()), 0..60),
        rows in 1_usize..20,
        billing: bool,
        status in prop::option::of(0_usize..3),
    ) {
        let index = index(&people);
        let filter = Filter { billing_contacts_only: billing, ..Filter::whole(DivisionId::new("D")) };
        let status = status.map(|status| PortalStatus::ALL[status]);
        let pages = block_on(whole(&index, &filter, status, bounds(rows)));
        let last = pages.len() - 1;
        prop_assert!(pages[..last].iter().all(|page| page.len() == rows), "only the last page may be short");
        let mut listed: Vec<RecipientId> = pages.into_iter().flatten().collect();
        listed.sort();
        let wanted = |recipient: &&Recipient| {
            status.is_none_or(|status| status == recipient.status)
                && (!billing || recipient.selected_by(&filter) == portal_domain::recipient::Selected::Yes)
        };
        let mut expected: Vec<_> = index.0.values().filter(wanted).map(|recipient| recipient.recipient_id).collect();
        expected.sort();
        prop_assert_eq!(listed, expected);
    }
}

#[tokio::test]
async fn a_page_ends_when_its_bytes_or_its_time_are_used_up_and_the_next_goes_on() {
    let index = index(&[(0, true); 12]);
    let filter = Filter::whole(DivisionId::new("D"));
    for tight in [Bounds { bytes: 1, ..bounds(100) }, Bounds { until: Instant::now(), ..bounds(100) }] {
        let pages = whole(&index, &filter, None, tight).await;
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 12);
        assert!(pages.iter().all(|page| page.len() <= 1));
    }
}

#[tokio::test]
async fn a_page_out_of_time_may_be_empty_and_still_lead_on() {
    let index = index(&[(0, false), (0, false)]);
    let filter = Filter { billing_contacts_only: true, ..Filter::whole(DivisionId::new("D")) };
    let late = Bounds { until: Instant::now(), ..bounds(100) };
    let (rows, next) = fill(&index, &filter, None, Position::START, late).await.expect("memory does not fail");
    assert!(rows.is_empty() && next.is_some());
}
