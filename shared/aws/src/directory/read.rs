//! Reading the table Directory.

mod accounts;
mod active;
mod addresses;
mod changing;
mod counts;
mod of_person;
mod shard;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use portal_domain::input::FieldError;
use portal_domain::link::Link;
use portal_domain::recipient::Selected;
use portal_domain::text::clean;
use portal_domain::{Division, DivisionId, Filter, Recipient, RecipientId};

pub use accounts::AccountPage;
pub use active::{ActiveAccount, ActiveAccounts};
pub use changing::AccountsInForce;
pub use shard::{Found, Page};
pub use values::{Owner, Valued, Values};

use super::item::RecipientItem;
use super::keys;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{Batch, StoreError, Table};

/// Reads divisions, recipients and their links.
#[derive(Clone, Debug)]
pub struct DirectoryReader {
    table: Table,
}

/// The values of a division's filter fields, sorted, by field such as `accountClass`.
pub type FilterOptions = BTreeMap<String, BTreeSet<String>>;

impl DirectoryReader {
    /// A reader of this table.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self::of(context.table("DIRECTORY_TABLE")?))
    }

    pub(crate) fn of(table: Table) -> Self {
        Self { table }
    }

    /// A division.
    pub async fn division(&self, division: &DivisionId) -> Result<Option<Division>, StoreError> {
        self.table.get("read a division", &keys::division(division)).await
    }

    /// The division that a field of a request names; the fault of the field if there is none.
    pub async fn known_division(
        &self,
        division: &DivisionId,
        field: &str,
    ) -> Result<Result<Division, FieldError>, StoreError> {
        Ok(self.division(division).await?.ok_or_else(|| Division::unknown(field)))
    }

    /// All divisions, in the order of their ids.
    pub async fn divisions(&self) -> Result<Vec<Division>, StoreError> {
        self.table.all("list divisions", keys::divisions()).await
    }

    /// The values of a division's filter fields.
    pub async fn filter_options(&self, division: &DivisionId) -> Result<FilterOptions, StoreError> {
        let mut options = FilterOptions::new();
        for row in self.table.all("list filter options", keys::options(division)).await? {
            if let Some((field, value)) = row.sk.split_once('#') {
                // An earlier release stored values without cleaning them.
                options.entry(field.to_owned()).or_default().insert(clean(value).text.into_owned());
            }
        }
        Ok(options)
    }

    /// The item of a recipient, as [`DirectoryReader::recipients`] reads it.
    pub async fn recipient(&self, id: RecipientId) -> Result<Option<RecipientItem>, StoreError> {
        Ok(self.recipients(&[id]).await?.pop())
    }

    /// The items of these recipients that exist, read consistently, in no particular order and without passwords.
    /// Status and links are those that are in force, even if an account is being changed; writers still have to check
    /// the version.
    pub async fn recipients(&self, ids: &[RecipientId]) -> Result<Vec<RecipientItem>, StoreError> {
        let batch = Batch::new("read recipients").only(RecipientItem::without_passwords());
        self.read_recipients(batch, ids).await
    }

    /// The item of one recipient, with the digests of its temporary passwords.
    pub async fn recipient_with_passwords(&self, id: RecipientId) -> Result<Option<RecipientItem>, StoreError> {
        Ok(self.read_recipients(Batch::new("read a recipient"), &[id]).await?.pop())
    }

    async fn read_recipients(&self, batch: Batch, ids: &[RecipientId]) -> Result<Vec<RecipientItem>, StoreError> {
        let distinct: BTreeSet<RecipientId> = ids.iter().copied().collect();
        let items = self.table.get_each_of(batch, distinct.into_iter().map(keys::recipient)).await?;
        self.show_items(items).await
    }

    /// Whether `filter` selects `recipient`. Links are read only for a recipient with too many kinds of links to carry
    /// them.
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
        let links = keys::links(recipient.recipient_id);
        self.table
            .each_page("read links", links, |links: Vec<Link>| {
                found = links.iter().any(|link| !changing.contains(&link.account_id) && link.matches(filter));
                if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await?;
        Ok(found)
    }
}
