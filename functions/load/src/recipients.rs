//! `GET /v1/recipients`: the recipients behind a count, or found by a search.

mod named;
mod page;
pub(crate) mod row;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use portal_domain::audit::Deed;
use portal_domain::input::Fields;
use portal_domain::selection::Exclusion;
use portal_domain::{AccountId, EmailAddress, Filter, PortalStatus, Search};
use portal_http::cursor::{Page, cursor_at};
use portal_http::words::Clock;
use portal_http::{Caller, Problem, Query};
use serde::Serialize;
use serde_json::json;

use crate::Load;
use crate::page::Paging;
use page::{Position, fill};
use strum::VariantArray;

/// The query of a list: the selection, and what narrows it. A cursor is valid for exactly this query.
#[derive(Clone, Debug, Serialize)]
struct Wanted {
    filter: Filter,
    status: Option<PortalStatus>,
    search: Option<Search>,
    /// Only recipients whom this account links.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    /// Only the recipient with this address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<EmailAddress>,
    /// Only recipients excluded for this reason.
    excluded: Option<Exclusion>,
    /// Only recipients with a selected link to an account with active services.
    on_active_services: bool,
    /// Recipients linked to an account, or those no longer linked to any.
    linked: bool,
}

impl Wanted {
    fn read(fields: &mut Fields<'_>) -> Self {
        let wanted = Self {
            filter: Filter::read(fields),
            status: fields.optional_choice("status", "accepted, pending, notSent", |name| name.parse().ok()),
            search: read_search(fields),
            account_id: fields.optional_id("accountId").map(AccountId::new),
            email: fields.optional_address("email"),
            excluded: fields.optional_choice("excluded", "recentlyInvited, undeliverable", |name| name.parse().ok()),
            on_active_services: fields.optional_bool("onActiveServices"),
            linked: fields.optional_choice("linked", "true, false", |text| text.parse().ok()).unwrap_or(true),
        };
        if !wanted.linked && wanted.asks_for_a_link() {
            fields.fault(
                "linked",
                "of those who are linked to no account only division, status, search and email can be asked",
            );
        }
        wanted
    }

    /// Whether the query can only match recipients who are linked to an account.
    fn asks_for_a_link(&self) -> bool {
        let everybody = Filter::whole(self.filter.division.clone());
        let narrowed = self.account_id.is_some() || self.excluded.is_some() || self.on_active_services;
        self.filter != everybody || narrowed
    }

    /// All of the selection, narrowed by nothing but the filter.
    #[cfg(test)]
    fn all(filter: Filter) -> Self {
        let (status, search, account_id, email, excluded) = (None, None, None, None, None);
        Self { filter, status, search, account_id, email, excluded, on_active_services: false, linked: true }
    }

    /// The condition that one link has to meet. For the list on active services it is the filter with active services
    /// required.
    fn condition(&self) -> Filter {
        let filter = self.filter.clone();
        if self.on_active_services { filter.on_active_services() } else { filter }
    }

    /// The statuses to read. Recipients who accepted have no reason of [`Exclusion`].
    fn statuses(&self) -> Vec<PortalStatus> {
        match (self.status, self.excluded) {
            (Some(status), _) => vec![status],
            (None, Some(_)) => vec![PortalStatus::NotSent, PortalStatus::Pending],
            (None, None) => PortalStatus::VARIANTS.to_vec(),
        }
    }
}

fn read_search(fields: &mut Fields<'_>) -> Option<Search> {
    let text = fields.optional_text("search", Search::MOST_CHARS)?;
    let search = Search::new(&text);
    if search.is_none() {
        fields.fault("search", format!("must have at least {} characters", Search::FEWEST_CHARS));
    }
    search
}

pub(crate) async fn list(
    State(load): State<Arc<Load>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (wanted, paging) = Query::of(&uri).read(|fields| (Wanted::read(fields), Paging::read(fields, &headers)))?;
    let list = ("recipients", &wanted);
    let names = wanted.account_id.is_some() || wanted.email.is_some();
    let (in_index, by_key) = if names { (None, paging.from(&list)?) } else { (paging.from(&list)?, None) };
    let division = load.division(&caller, &wanted.filter.division).await?;

    let rules = crate::rules(false);
    let (rows, next) = if names {
        let (rows, next) = load.named(&wanted, rules, by_key, paging.bounds).await?;
        (rows, cursor_at(&list, next.as_ref())?)
    } else {
        let from = in_index.unwrap_or(Position::START);
        let (rows, next) = fill(&load.directory, &wanted, rules, from, paging.bounds).await?;
        (rows, cursor_at(&list, next.as_ref())?)
    };
    if paging.is_export() {
        // The search text may be a name, so neither it nor the address is recorded.
        let Wanted { filter, status, account_id, excluded, on_active_services, linked, .. } = &wanted;
        let asked = json!({"filter": filter, "status": status, "excluded": excluded, "onActiveServices": on_active_services,
            "linked": linked, "search": wanted.search.is_some(), "accountId": account_id, "email": wanted.email.is_some()});
        load.exported(&caller, Deed::RecipientsExported, (filter, asked), rows.len()).await?;
    }
    let on_active_services = wanted.on_active_services;
    let sheet = if paging.words {
        row::sheet_in_words(on_active_services, Clock::new(&division.time_zone, division.zone()))
    } else {
        row::sheet(on_active_services)
    };
    paging.answer(Page { items: rows, next_cursor: next }, &uri, sheet)
}

#[cfg(test)]
mod tests {
    use portal_http::cursor;

    use super::*;

    fn read(query: &str) -> Result<Wanted, Vec<String>> {
        let uri: Uri = format!("/v1/recipients?division=D&{query}").parse().expect("a URI");
        let read = Query::of(&uri).read(Wanted::read);
        read.map_err(|problem| problem.errors().iter().map(|fault| fault.field.clone()).collect())
    }

    #[test]
    fn what_narrows_a_list_is_read_with_all_its_faults() {
        let wanted = read("status=pending&search=%20Zo%C3%AB%20&excluded=undeliverable&onActiveServices=true");
        let wanted = wanted.expect("nothing is wrong");
        assert_eq!(wanted.search, Search::new("zoë"));
        assert_eq!((wanted.status, wanted.excluded), (Some(PortalStatus::Pending), Some(Exclusion::Undeliverable)));
        assert!(wanted.on_active_services && wanted.condition().with_active_services);
        let faults = read(&format!("search=x&excluded=accepted&onActiveServices=1&search2={}", "y".repeat(101)));
        assert_eq!(faults.expect_err("four faults"), ["search", "excluded", "onActiveServices", "search2"]);
        assert_eq!(read(&format!("search={}", "y".repeat(101))).expect_err("too long"), ["search"]);
    }

    #[test]
    fn a_cursor_belongs_to_everything_that_narrows_a_list() {
        let lists =
            ["", "status=pending", "search=zo", "search=zoe", "excluded=undeliverable", "onActiveServices=true"];
        let wanted: Vec<Wanted> = lists.iter().map(|query| read(query).expect("nothing is wrong")).collect();
        for (one, made_for) in wanted.iter().enumerate() {
            let cursor = cursor::encode(&("recipients", made_for), &Position::START).expect("serialises");
            for (other, asked) in wanted.iter().enumerate() {
                let decoded: Result<Position, _> = cursor::decode(&("recipients", asked), &cursor);
                assert_eq!(decoded.is_ok(), one == other, "{} {}", lists[one], lists[other]);
            }
        }
    }
}
