//! `GET /v1/unreachable`: the contacts of a selection who have no usable address, each on each account once.

mod page;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use portal_domain::account::Contact;
use portal_domain::audit::Deed;
use portal_domain::email::Unusable;
use portal_domain::{Account, AccountId, Filter};
use portal_http::cursor::Page;
use portal_http::{Caller, Problem, Query, words};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::Load;
use crate::page::{Cells, Paging, Sheet};
use page::{Position, fill};

/// A contact without a usable address.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UnreachableContact")]
pub(crate) struct Row {
    account_id: AccountId,
    account_name: String,
    contact_id: String,
    name: String,
    /// Always null: an unusable address is not stored.
    email: Option<String>,
    /// What was wrong with it.
    reason: Unusable,
    /// The site that the contact belongs to; null for one of the whole account.
    site_id: Option<String>,
}

impl Row {
    fn new(account: &Account, contact: &Contact, reason: Unusable) -> Self {
        Self {
            account_id: account.account_id.clone(),
            account_name: account.name.clone(),
            contact_id: contact.contact_id.clone(),
            name: contact.name.clone(),
            email: None,
            reason,
            site_id: contact.site_id.clone(),
        }
    }

    fn cells_in_words(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            json!(self.reason).as_str().map(words::reason).unwrap_or_default().to_owned(),
            self.account_id.to_string(),
            self.account_name.clone(),
            self.site_id.clone().unwrap_or_else(|| "Account level".to_owned()),
            self.contact_id.clone(),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.account_id.to_string(),
            self.account_name.clone(),
            self.contact_id.clone(),
            self.name.clone(),
            self.site_id.clone().unwrap_or_default(),
            self.reason.to_string(),
        ]
    }
}

pub(crate) async fn list(
    State(load): State<Arc<Load>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (filter, paging) = Query::of(&uri).read(|fields| (Filter::read(fields), Paging::read(fields, &headers)))?;
    let list = ("unreachable", &filter);
    let from = paging.from(&list)?.unwrap_or(Position::START);
    load.division(&caller, &filter.division).await?;

    let (rows, next) = fill(&load.directory, &filter, from, paging.bounds).await?;
    if paging.is_export() {
        let asked = json!({"filter": filter});
        load.exported(&caller, Deed::UnreachableExported, (&filter, asked), rows.len()).await?;
    }
    paging.answer(Page::new(rows, &list, next.as_ref())?, &uri, sheet(paging.words))
}

/// The list as CSV, for programs or for people.
fn sheet(words: bool) -> Sheet<Row> {
    let (columns, cells): (_, Cells<Row>) = if words {
        (["Name", "Why", "Account", "Account name", "Site", "Contact"], Box::new(Row::cells_in_words))
    } else {
        (["accountId", "accountName", "contactId", "name", "siteId", "reason"], Box::new(Row::cells))
    };
    Sheet { name: "unreachable.csv", columns: columns.map(str::to_owned).to_vec(), cells }
}
