//! Reading the table Directory.

mod accounts;
mod active;
mod addresses;
mod changing;
mod counts;
mod of_person;
mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use portal_domain::link::Link;
use portal_domain::recipient::Selected;
use portal_domain::text::clean;
use portal_domain::{Division, DivisionId, Filter, Recipient, RecipientId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use accounts::AccountPage;
pub use active::{ActiveAccount, ActiveAccounts};
pub use changing::AccountsInForce;
pub use shard::{Found, Page};

use super::item::{RecipientItem, WITHOUT_PASSWORDS};
use super::keys;
use crate::dynamo::{Item, StoreError, aliases, batch_get_only, key, projection, s};

/// Reads divisions, recipients and their links.
#[derive(Clone, Debug)]
pub struct DirectoryReader {
    client: Client,
    table: String,
}

/// What a filter may be set to in a division: the values that occur, sorted, by field such as `accountClass`.
pub type FilterOptions = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
struct SortKey {
    sk: String,
}

/// The link rows of a recipient, in order of account.
pub(super) fn links_query(client: &Client, table: &str, recipient: RecipientId) -> QueryFluentBuilder {
    client
        .query()
        .table_name(table)
        .projection_expression(projection(WITHOUT_PASSWORDS))
        .set_expression_attribute_names(aliases(WITHOUT_PASSWORDS))
        .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
        .expression_attribute_values(":partition", s(keys::recipient_pk(recipient)))
        .expression_attribute_values(":prefix", s(keys::LINK_PREFIX))
        .consistent_read(true)
}

impl DirectoryReader {
    /// A reader of this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// A division.
    pub async fn division(&self, division: &DivisionId) -> Result<Option<Division>, StoreError> {
        let what = "read a division";
        let key = key(keys::DIVISIONS, division.as_str());
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = request.send().await.map_err(|error| StoreError::of(what, error))?;
        Ok(answer.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// All divisions, in the order of their ids.
    pub async fn divisions(&self) -> Result<Vec<Division>, StoreError> {
        let request = self.partition(keys::DIVISIONS).consistent_read(true);
        self.query_all("list divisions", request).await
    }

    /// What the filter fields of a division may be set to.
    pub async fn filter_options(&self, division: &DivisionId) -> Result<FilterOptions, StoreError> {
        let request = self.partition(keys::options_pk(division)).projection_expression(keys::SK);
        let rows: Vec<SortKey> = self.query_all("list filter options", request).await?;
        let mut options = FilterOptions::new();
        for row in rows {
            if let Some((field, value)) = row.sk.split_once('#') {
                // An earlier release stored values as they came.
                options.entry(field.to_owned()).or_default().insert(clean(value).text.into_owned());
            }
        }
        Ok(options)
    }

    /// The items of these recipients, read consistently, in no particular order; who doesn't exist is absent. Status and links are as
    /// everybody is to see them, also where an account is being changed; writers still have the version to check. Passwords are not read.
    pub async fn recipients(&self, ids: &[RecipientId]) -> Result<Vec<RecipientItem>, StoreError> {
        self.read_recipients(ids, WITHOUT_PASSWORDS).await
    }

    /// The same of one recipient, with the digests of the temporary passwords that were mailed to them.
    pub async fn recipient_with_passwords(&self, id: RecipientId) -> Result<Option<RecipientItem>, StoreError> {
        Ok(self.read_recipients(&[id], &[]).await?.pop())
    }

    async fn read_recipients(&self, ids: &[RecipientId], only: &[&str]) -> Result<Vec<RecipientItem>, StoreError> {
        // DynamoDB refuses a batch that names an item twice.
        let distinct: BTreeSet<RecipientId> = ids.iter().copied().collect();
        let keys = distinct.into_iter().map(|id| (self.table.clone(), key(keys::recipient_pk(id), keys::RECIPIENT)));
        let items = Box::pin(batch_get_only(&self.client, keys.collect(), only)).await?;
        let items: Result<_, StoreError> =
            items.into_iter().map(|(_, item)| Ok(serde_dynamo::from_item(item)?)).collect();
        self.show_items(items?).await
    }

    /// Whether `filter` selects `recipient`. Only one with too many kinds of links to carry them has them read.
    pub async fn selected(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        match recipient.selected_by(filter) {
            Selected::Yes => Ok(true),
            Selected::No => Ok(false),
            Selected::AskLinks => self.any_link_matches(recipient, filter).await,
        }
    }

    async fn any_link_matches(&self, recipient: &Recipient, filter: &Filter) -> Result<bool, StoreError> {
        let changing = &recipient.links.changing.accounts;
        let mut found = self.changing_links(&[recipient]).await?.values().flatten().any(|link| link.matches(filter));
        if found {
            return Ok(true);
        }
        self.each_page("read links", self.links(recipient.recipient_id), |links: Vec<Link>| {
            found = links.iter().any(|link| !changing.contains(&link.account_id) && link.matches(filter));
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        Ok(found)
    }

    fn links(&self, recipient: RecipientId) -> QueryFluentBuilder {
        links_query(&self.client, &self.table, recipient)
    }

    fn partition(&self, partition: impl Into<String>) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table);
        query.key_condition_expression("pk = :partition").expression_attribute_values(":partition", s(partition))
    }

    /// Every item that a query finds.
    async fn query_all<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: QueryFluentBuilder,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each_page(what, request, |page| {
            found.extend(page);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    /// Hands what a query finds to `visit`, page by page, until there is no more or `visit` has seen enough.
    async fn each_page<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: QueryFluentBuilder,
        mut visit: impl FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut from: Option<Item> = None;
        loop {
            let page = request.clone().set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| StoreError::of(what, error))?;
            let items = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            from = page.last_evaluated_key;
            if visit(items).is_break() || from.is_none() {
                return Ok(());
            }
        }
    }
}
