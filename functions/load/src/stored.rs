//! `GET /v1/divisions`, `/v1/divisions/{division}` and `/v1/accounts/{accountId}`: what is stored, in the shape in which
//! it was posted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use portal_domain::account::{Contact, ContactAddress, Site, parse};
use portal_domain::email::Unusable;
use portal_domain::input::id_fault;
use portal_domain::{Account, AccountId, Division, DivisionId, PortalStatus};
use portal_http::cursor::Page;
use portal_http::query::NoQuery;
use portal_http::{Caller, ETag, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Load;

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Account")]
pub(crate) struct AccountView {
    account_id: AccountId,
    name: String,
    division: DivisionId,
    account_class: String,
    bill_group: String,
    account_source: String,
    automatic_payment: bool,
    /// A decimal.
    balance_due: String,
    sites: Vec<Site>,
    contacts: Vec<ContactView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Contact")]
struct ContactView {
    contact_id: String,
    name: String,
    /// Normalised; null if it is not usable.
    email: Option<String>,
    /// Why the address is not usable.
    unreachable: Option<Unusable>,
    billing: bool,
    site_id: Option<String>,
    portal: PortalStatus,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            account_id: account.account_id,
            name: account.name,
            division: account.division,
            account_class: account.account_class,
            bill_group: account.bill_group,
            account_source: account.account_source,
            automatic_payment: account.automatic_payment,
            balance_due: account.balance_due.to_string(),
            sites: account.sites,
            contacts: account.contacts.into_iter().map(ContactView::from).collect(),
        }
    }
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        let (email, unreachable) = match contact.address {
            ContactAddress::Usable(email) => (Some(email.into()), None),
            ContactAddress::Unusable(why) => (None, Some(why)),
        };
        let Contact { contact_id, name, billing, site_id, portal, .. } = contact;
        Self { contact_id, name, email, unreachable, billing, site_id, portal }
    }
}

/// All of them that the caller may see, by id.
pub(crate) async fn divisions(
    State(load): State<Arc<Load>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Page<Division>, Problem> {
    let permitted = caller.divisions();
    let mut divisions = load.directory.divisions().await?;
    divisions.retain(|division| permitted.includes(&division.division));
    Page::new(divisions, &(), None::<&()>)
}

pub(crate) async fn division(
    State(load): State<Arc<Load>>,
    caller: Caller,
    Path(id): Path<DivisionId>,
    _: NoQuery,
) -> Result<(ETag, Json<Division>), Problem> {
    let unknown = || Problem::not_found("There is no such division.");
    if !caller.may(&id) || id_fault(id.as_str()).is_some() {
        return Err(unknown());
    }
    let division = load.directory.division(&id).await?.ok_or_else(unknown)?;
    Ok((ETag::of_content(&division).map_err(Problem::internal)?, Json(division)))
}

/// An account of another division is not found (guarantee 9).
pub(crate) async fn account(
    State(load): State<Arc<Load>>,
    caller: Caller,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<AccountView>, Problem> {
    let unknown = || Problem::not_found("There is no such account.");
    let id = parse::account_id(&id).ok().filter(|cleaned| cleaned.as_str() == id).ok_or_else(unknown)?;
    let account = load.directory.accounts(&[id]).await?.pop();
    let account = account.filter(|account| caller.may(&account.division)).ok_or_else(unknown)?;
    Ok(Json(account.into()))
}
