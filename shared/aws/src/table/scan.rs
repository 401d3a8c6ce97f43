//! Scans: the names of all items of a table.

use serde::{Deserialize, Serialize};

use super::expression::{self, Aliases};
use super::key::{PK, SK, key};
use super::{StoreError, Table, boxed};

/// The name of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ItemName {
    pub pk: String,
    pub sk: String,
}

/// A page of names.
#[derive(Debug)]
pub struct NamePage {
    /// In the order of the scan, which is none that can be known.
    pub names: Vec<ItemName>,
    /// The last item examined, if there may be more.
    pub last: Option<ItemName>,
}

impl Table {
    /// The names of up to `limit` items after this one, which need not exist any more, read consistently. Going on from
    /// page to page finds every item that is there from the first page to the last.
    pub async fn names_after(
        &self,
        what: &'static str,
        after: Option<&ItemName>,
        limit: usize,
    ) -> Result<NamePage, StoreError> {
        let mut aliases = Aliases::default();
        let request = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_projection_expression(expression::projection(&mut aliases, &[PK, SK]))
            .set_expression_attribute_names(aliases.names())
            .set_exclusive_start_key(after.map(|name| key(&name.pk, &name.sk)));
        let answer = boxed(request.send()).await.map_err(|error| StoreError::of(what, error))?;
        Ok(NamePage {
            names: serde_dynamo::from_items(answer.items.unwrap_or_default())?,
            last: answer.last_evaluated_key.map(serde_dynamo::from_item).transpose()?,
        })
    }
}
