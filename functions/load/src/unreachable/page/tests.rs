use std::collections::BTreeMap;
use std::time::Duration;

use portal_aws::directory::account_item::AccountItem;
use portal_aws::directory::item::AccountRow;
use portal_domain::PortalStatus;
use portal_domain::account::{Contact, ContactAddress, Site};
use portal_domain::email::{EmailAddress, Unusable};
use portal_domain::import::{Phase, StoredAccount};
use proptest::prelude::*;

use super::*;

/// The accounts in memory.
struct Table(BTreeMap<AccountId, Account>);

impl Accounts for Table {
    async fn query(
        &self,
        division: &DivisionId,
        shard: Shard,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<AccountPage, StoreError> {
        let in_shard = self.0.values().filter(|account| {
            account.division == *division && account.account_id.shard() == shard && Some(&account.account_id) > after
        });
        let mut in_shard = in_shard.map(row);
        let accounts: Vec<_> = in_shard.by_ref().take(limit.min(3)).collect();
        Ok(AccountPage { accounts, more: in_shard.next().is_some() })
    }

    async fn get(&self, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.0.get(id)).cloned().collect())
    }
}

/// An account as the index shows it.
fn row(account: &Account) -> AccountRow {
    let stored =
        StoredAccount { account: account.clone(), version: 1, recipients: Default::default(), phase: Phase::Settled };
    let AccountItem { account_id, active_services, profiles, .. } = stored.into();
    AccountRow { account_id, active_services, profiles }
}

/// A contact: whether it is reachable, whether it is a billing contact, and which of two sites it belongs to, if any.
type Person = (bool, bool, Option<bool>);

fn contact(number: usize, (reachable, billing, site): Person) -> Contact {
    let usable = || EmailAddress::normalise("ann@example.com").map(ContactAddress::Usable);
    let address = if reachable { usable() } else { Ok(ContactAddress::Unusable(Unusable::Malformed)) };
    Contact {
        contact_id: format!("{number:02}"),
        name: format!("Contact \"{number}\""),
        address: address.expect("it is an address"),
        billing,
        site_id: site.map(|site| if site { "S1" } else { "S2" }.to_owned()),
        portal: PortalStatus::NotSent,
    }
}

fn table(accounts: &[Vec<Person>]) -> Table {
    let site = |(id, source): (&str, &str)| Site {
        site_id: id.to_owned(),
        site_source: source.to_owned(),
        active_services: 0,
    };
    let account = |(number, people): (usize, &Vec<Person>)| Account {
        account_id: AccountId::new(format!("A{number}")),
        name: String::new(),
        division: DivisionId::new("D"),
        account_class: String::new(),
        bill_group: String::new(),
        account_source: String::new(),
        automatic_payment: false,
        balance_due: Default::default(),
        sites: [("S1", "CITY"), ("S2", "LAND")].map(site).to_vec(),
        contacts: people.iter().enumerate().map(|(number, person)| contact(number, *person)).collect(),
    };
    let accounts = accounts.iter().enumerate().map(account);
    Table(accounts.map(|account| (account.account_id.clone(), account)).collect())
}

fn bounds(rows: usize) -> Bounds {
    Bounds { rows, bytes: usize::MAX, until: clock::now() + Duration::from_secs(60) }
}

/// Follows the list to its end; returns account and contact of every row.
async fn whole(table: &Table, filter: &Filter, bounds: Bounds) -> Vec<Vec<(AccountId, String)>> {
    let mut pages = Vec::new();
    let mut from = Some(Position::START);
    while let Some(position) = from {
        let (rows, next) = fill(table, filter, position, bounds).await.expect("memory does not fail");
        pages.push(rows.into_iter().map(|row| (row.account_id, row.contact_id)).collect());
        from = next;
    }
    pages
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

proptest! {
    #[test]
    fn the_list_has_whom_load_counts_each_once_whatever_the_size_of_a_page(
        accounts in prop::collection::vec(prop::collection::vec(any::<Person>(), 0..5), 0..40),
        rows in 1_usize..9,
        billing: bool,
        source in prop::option::of(prop::sample::select(vec!["CITY", "LAND"])),
    ) {
        let table = table(&accounts);
        let filter = Filter {
            billing_contacts_only: billing,
            site_source: source.map(str::to_owned),
            ..Filter::whole(DivisionId::new("D"))
        };
        let counted: u64 = table.0.values().map(|account| row(account).unreachable(&filter)).sum();
        let pages = block_on(whole(&table, &filter, bounds(rows)));
        prop_assert!(pages[..pages.len() - 1].iter().all(|page| page.len() == rows), "only the last may be short");
        let mut listed: Vec<_> = pages.into_iter().flatten().collect();
        prop_assert_eq!(listed.len() as u64, counted);
        listed.sort();
        listed.dedup();
        let selected = |(reachable, of_billing, site): &Person| {
            let on_source = source.is_none_or(|source| site.is_none_or(|site| site == (source == "CITY")));
            !reachable && (*of_billing || !billing) && on_source
        };
        let expected = accounts.iter().flatten().filter(|person| selected(person)).count();
        prop_assert_eq!(listed.len(), expected, "a contact on a site has that site's source, others have all");
    }
}

#[tokio::test]
async fn a_page_ends_when_its_bytes_or_its_time_are_used_up_and_the_next_goes_on() {
    let table = table(&vec![vec![(false, true, None); 2]; 12]);
    let filter = Filter::whole(DivisionId::new("D"));
    let by_bytes = whole(&table, &filter, Bounds { bytes: 1, ..bounds(100) }).await;
    assert!(by_bytes.iter().all(|page| page.len() <= 1), "also within an account");
    let by_time = whole(&table, &filter, Bounds { until: clock::now(), ..bounds(100) }).await;
    assert!(by_time.len() >= 8, "each query may be the last");
    for pages in [by_bytes, by_time] {
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 24);
    }
}

#[tokio::test]
async fn a_list_goes_on_where_its_account_has_changed_or_moved_away() {
    let mut table = table(&vec![vec![(false, true, None); 4]; 12]);
    let filter = Filter::whole(DivisionId::new("D"));
    let (rows, next) = fill(&table, &filter, Position::START, bounds(2)).await.expect("memory does not fail");
    let next = next.expect("there are more");
    let account = table.0.get_mut(&rows[0].account_id).expect("it was listed");
    account.contacts.remove(1);
    let (rest, _) = fill(&table, &filter, next.clone(), bounds(100)).await.expect("memory does not fail");
    assert_eq!(rest.len(), 46, "the contact that was listed last is gone, and those behind it are there");
    table.0.get_mut(&rows[0].account_id).expect("it was listed").division = DivisionId::new("E");
    let (rest, _) = fill(&table, &filter, next, bounds(100)).await.expect("memory does not fail");
    assert_eq!(rest.len(), 44);
}
