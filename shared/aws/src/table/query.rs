//! Queries: the items in a partition of a table or of an index.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;

use super::expression::{self, Aliases};
use super::key::{PK, SK};
use super::{Condition, Item, Key, StoreError, Table, boxed, condition, s};

/// A query, with the type of its items.
pub struct Query<T> {
    index: Option<&'static str>,
    consistent: bool,
    backwards: bool,
    keys: Condition,
    filter: Option<Condition>,
    only: Vec<&'static str>,
    limit: Option<usize>,
    after: Option<Item>,
    of: PhantomData<fn() -> T>,
}

/// A page of the items that a query finds.
#[derive(Debug)]
pub struct Page<T> {
    /// In the query's order.
    pub items: Vec<T>,
    /// The key of the last item examined, if there are more; see [`Query::go_on`].
    pub last: Option<Item>,
}

impl<T> Query<T> {
    /// All items in a partition, read consistently.
    pub fn partition(pk: impl Into<String>) -> Self {
        Self::new(condition::is(PK, pk.into()), None)
    }

    /// The items in a partition of an index, possibly as they were a moment ago.
    pub fn index(index: &'static str, attribute: &'static str, partition: impl Into<String>) -> Self {
        Self::new(condition::is(attribute, partition.into()), Some(index))
    }

    fn new(keys: Condition, index: Option<&'static str>) -> Self {
        Self {
            index,
            consistent: index.is_none(),
            backwards: false,
            keys,
            filter: None,
            only: Vec::new(),
            limit: None,
            after: None,
            of: PhantomData,
        }
    }

    /// Only items whose sort key meets this condition.
    #[must_use]
    pub fn whose(self, sort: Condition) -> Self {
        Self { keys: self.keys.and(sort), ..self }
    }

    /// Reads items possibly as they were a moment ago, for half the price.
    #[must_use]
    pub fn stale(self) -> Self {
        Self { consistent: false, ..self }
    }

    /// In descending order of the sort key.
    #[must_use]
    pub fn backwards(self) -> Self {
        Self { backwards: true, ..self }
    }

    /// Reads only these attributes and the key of each item; see [`super::Batch::only`].
    #[must_use]
    pub fn only(self, attributes: impl IntoIterator<Item = &'static str>) -> Self {
        Self { only: attributes.into_iter().collect(), ..self }
    }

    /// Only items that meet this condition. Other items read on the way cost the same.
    #[must_use]
    pub fn filter(self, filter: Condition) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// Examines at most this many items for a page, and at least one.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Starts after this item, which need not exist.
    #[must_use]
    pub fn after<K>(self, key: Option<Key<K>>) -> Self {
        Self { after: key.map(|key| key.item()), ..self }
    }

    /// Gives the index keys of the item to start after.
    #[must_use]
    pub fn and_index_key(self, name: &str, text: impl Into<String>) -> Self {
        let after = self.after.map(|mut after| {
            after.insert(name.to_owned(), s(text));
            after
        });
        Self { after, ..self }
    }

    /// Starts after the last item of a page.
    #[must_use]
    pub fn go_on(self, last: Option<Item>) -> Self {
        Self { after: last, ..self }
    }

    /// The same items, read as `U`.
    #[must_use]
    pub fn seen_as<U>(self) -> Query<U> {
        let Self { index, consistent, backwards, keys, filter, only, limit, after, .. } = self;
        Query { index, consistent, backwards, keys, filter, only, limit, after, of: PhantomData }
    }

    fn request(self, table: &Table) -> Result<QueryFluentBuilder, StoreError> {
        let mut aliases = Aliases::default();
        let keys = self.keys.write(&mut aliases)?;
        let filter = self.filter.map(|filter| filter.write(&mut aliases)).transpose()?;
        let projection = expression::projection(&mut aliases, &self.only);
        let limit = self.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX).max(1));
        Ok(table
            .client
            .query()
            .table_name(&table.name)
            .set_index_name(self.index.map(str::to_owned))
            .consistent_read(self.consistent)
            .scan_index_forward(!self.backwards)
            .key_condition_expression(keys)
            .set_filter_expression(filter)
            .set_projection_expression(projection)
            .set_expression_attribute_names(aliases.names())
            .set_expression_attribute_values(aliases.values())
            .set_limit(limit)
            .set_exclusive_start_key(self.after))
    }
}

impl<T> Page<T> {
    /// Whether there are more.
    pub fn has_more(&self) -> bool {
        self.last.is_some()
    }

    /// The sort key, in the table, of the last item examined, if there are more.
    pub fn last_sort_key(&self) -> Option<&str> {
        self.last.as_ref()?.get(SK)?.as_s().ok().map(String::as_str)
    }
}

impl Table {
    /// The items that one request finds: it ends at the limit, or at 1 MB. A page may be short or empty without being
    /// the last.
    pub async fn page<T: DeserializeOwned>(&self, what: &'static str, query: Query<T>) -> Result<Page<T>, StoreError> {
        page(what, query.request(self)?).await
    }

    /// All items that a query finds.
    pub async fn all<T: DeserializeOwned>(&self, what: &'static str, query: Query<T>) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each_page(what, query, |page| {
            found.extend(page);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    /// The first `limit` items that a query finds.
    pub async fn first<T: DeserializeOwned>(
        &self,
        what: &'static str,
        query: Query<T>,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each_page(what, query.limit(limit), |page| {
            found.extend(page);
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .await?;
        found.truncate(limit);
        Ok(found)
    }

    /// Passes the items that a query finds to `visit`, page by page, until there are no more or `visit` has seen
    /// enough.
    pub async fn each_page<T: DeserializeOwned>(
        &self,
        what: &'static str,
        query: Query<T>,
        mut visit: impl FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut request = query.request(self)?;
        loop {
            let Page { items, last } = page(what, request.clone()).await?;
            if visit(items).is_break() || last.is_none() {
                return Ok(());
            }
            request = request.set_exclusive_start_key(last);
        }
    }
}

async fn page<T: DeserializeOwned>(what: &'static str, request: QueryFluentBuilder) -> Result<Page<T>, StoreError> {
    let answer = boxed(request.send()).await.map_err(|error| StoreError::of(what, error))?;
    Ok(Page { items: serde_dynamo::from_items(answer.items.unwrap_or_default())?, last: answer.last_evaluated_key })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;

    fn found(ids: &[&str], more: bool) -> (u16, Value) {
        let items: Vec<_> = ids.iter().map(|id| json!({"id": {"S": id}})).collect();
        let last = json!({"pk": {"S": "p"}, "sk": {"S": ids.last().unwrap_or(&"b")}});
        (200, if more { json!({"Items": items, "LastEvaluatedKey": last}) } else { json!({"Items": items}) })
    }

    fn table(answers: impl IntoIterator<Item = (u16, Value)>) -> (Table, std::sync::Arc<Scripted>) {
        let (context, asked) = Scripted::answering(answers);
        (Table::new(Client::new(&context.config), "t"), asked)
    }

    #[tokio::test]
    async fn a_query_asks_for_what_it_was_built_of() {
        let (table, asked) = table([found(&["a"], true)]);
        let query =
            Query::<Value>::partition("p").whose(condition::begins_with(SK, "LEDGER#")).backwards().only(["id"]);
        let query = query.filter(condition::is("outcome", "sent")).limit(0).after(Some(Key::<()>::new("p", "b")));
        let page = table.page("test", query).await.expect("an answer");
        assert_eq!((page.has_more(), page.last_sort_key(), page.items.len()), (true, Some("a"), 1));
        let expected = json!({
            "TableName": "t", "ConsistentRead": true, "ScanIndexForward": false, "Limit": 1,
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :sk)", "FilterExpression": "#outcome = :outcome",
            "ProjectionExpression": "#pk, #sk, #id", "ExclusiveStartKey": {"pk": {"S": "p"}, "sk": {"S": "b"}},
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk", "#id": "id", "#outcome": "outcome"},
            "ExpressionAttributeValues": {":pk": {"S": "p"}, ":sk": {"S": "LEDGER#"}, ":outcome": {"S": "sent"}},
        });
        assert_eq!(asked.requests()[0].body, expected);
    }

    #[tokio::test]
    async fn all_pages_are_read_until_there_is_no_more_or_enough_was_seen() {
        let answers = || [found(&["a", "b"], true), found(&[], true), found(&["c"], false)];
        let (all, asked) = table(answers());
        assert_eq!(all.all("test", Query::<Value>::partition("p")).await.expect("answers").len(), 3);
        assert_eq!(asked.requests()[1].body["ExclusiveStartKey"]["sk"]["S"], "b");
        let (some, asked) = table(answers());
        let visit = |_| ControlFlow::Break(());
        some.each_page("test", Query::<Value>::partition("p"), visit).await.expect("an answer");
        assert_eq!(asked.requests().len(), 1);
    }
}
