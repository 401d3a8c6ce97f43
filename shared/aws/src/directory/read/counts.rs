//! Load: the numbers of a selection, from the index.

use std::ops::ControlFlow;

use futures::future::try_join_all;
use futures::try_join;
use portal_domain::selection::{Counts, Rules, judge};
use portal_domain::{Filter, PortalStatus, Shard};
use strum::VariantArray;

use super::{AccountsInForce, DirectoryReader, Found};
use crate::directory::item::AccountRow;
use crate::directory::keys;
use crate::table::StoreError;

/// Recipients in one page of a query. They have about 500 bytes each, and DynamoDB ends a page at 1 MB in any case.
const PAGE: usize = 4_000;

impl DirectoryReader {
    /// The numbers of the selection now. Reads every index partition of the division, with all shards in parallel.
    pub async fn counts(&self, filter: &Filter, rules: Rules) -> Result<Counts, StoreError> {
        let in_force = &AccountsInForce::default();
        let shards = Shard::all().map(|shard| async move {
            let (mut counts, accounts) =
                try_join!(self.count_recipients(filter, rules, shard, in_force), self.count_accounts(filter, shard))?;
            counts.merge(&accounts);
            Ok::<_, StoreError>(counts)
        });
        let mut total = Counts::default();
        for counts in try_join_all(shards).await? {
            total.merge(&counts);
        }
        Ok(total)
    }

    async fn count_recipients(
        &self,
        filter: &Filter,
        rules: Rules,
        shard: Shard,
        in_force: &AccountsInForce,
    ) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut after = None;
        loop {
            let division = &filter.division;
            let page =
                self.query_shard_with(in_force, division, shard, true, PortalStatus::VARIANTS, after, PAGE).await?;
            for Found { recipient, .. } in &page.recipients {
                let selected = self.selected(recipient, filter).await?;
                counts.add_recipient(recipient, judge(recipient, selected, rules));
            }
            after = page.next;
            if after.is_none() {
                return Ok(counts);
            }
        }
    }

    async fn count_accounts(&self, filter: &Filter, shard: Shard) -> Result<Counts, StoreError> {
        let request = keys::accounts(&filter.division, shard, None);
        let mut counts = Counts::default();
        self.table
            .each_page("count accounts", request, |accounts: Vec<AccountRow>| {
                accounts.iter().for_each(|account| add_account(&mut counts, filter, account));
                ControlFlow::Continue(())
            })
            .await?;
        Ok(counts)
    }
}

/// Adds what an account contributes: its active services if the filter selects one of its reachable contacts, and its
/// selected unreachable contacts.
fn add_account(counts: &mut Counts, filter: &Filter, account: &AccountRow) {
    let mut matching = account.profiles.iter().filter(|counted| filter.matches(&counted.profile));
    if matching.any(|counted| counted.reachable > 0) {
        counts.active_services += account.active_services;
    }
    counts.unreachable += account.unreachable(filter);
}

#[cfg(test)]
mod tests {
    use portal_domain::DivisionId;
    use serde_json::json;

    use super::*;

    fn account(profiles: serde_json::Value) -> AccountRow {
        let row = json!({"accountId": "A", "activeServices": 3, "profiles": profiles});
        serde_json::from_value(row).expect("an account")
    }

    fn counted(filter: &Filter, account: &AccountRow) -> (u64, u64) {
        let mut counts = Counts::default();
        add_account(&mut counts, filter, account);
        (counts.active_services, counts.unreachable)
    }

    #[test]
    fn an_account_counts_its_services_once_and_each_unreachable_contact() {
        let all = Filter::whole(DivisionId::new("D"));
        let billing = Filter { billing_contacts_only: true, ..all.clone() };
        let mixed = account(json!([
            {"c": "HOME", "g": "", "s": "", "b": true, "r": 2, "u": 1},
            {"c": "HOME", "g": "", "s": "", "r": 1, "u": 4},
        ]));
        assert_eq!(counted(&all, &mixed), (3, 5));
        assert_eq!(counted(&billing, &mixed), (3, 1));
    }

    #[test]
    fn services_of_an_account_where_nobody_can_be_reached_do_not_count() {
        let all = Filter::whole(DivisionId::new("D"));
        assert_eq!(counted(&all, &account(json!([{"c": "", "g": "", "s": "", "u": 1}]))), (0, 1));
        assert_eq!(counted(&all, &account(json!([]))), (0, 0));
    }
}
