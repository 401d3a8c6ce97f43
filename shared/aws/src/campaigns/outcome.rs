//! What is written with the outcome of a ledger row, whoever writes it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;
use portal_domain::{CampaignId, Outcome};

use super::item::LedgerItem;
use super::{CampaignStore, keys};
use crate::dynamo::{StoreError, key, n, s, set_or_remove, update};

/// Attributes of an item, each with its value or to be removed; see [`crate::dynamo::set_or_remove`].
pub(super) type Attributes = Vec<(&'static str, Option<AttributeValue>)>;

impl CampaignStore {
    /// The attributes of a row of `campaign` that follow from its outcome. A row expires `LEDGER_RETENTION_DAYS` after it got its end
    /// outcome, and one without an end outcome never does.
    pub(super) fn with_outcome(&self, campaign: CampaignId, outcome: Outcome, now: Timestamp) -> Attributes {
        vec![
            ("outcome", Some(s(outcome.as_str()))),
            ("attention", outcome.needs_attention().then(|| s(keys::attention_pk(campaign, outcome)))),
            ("ttl", outcome.is_end().then(|| n(self.expiry(now)))),
            ("updatedAt", Some(s(now.to_string()))),
        ]
    }

    /// Seconds since 1970 after which DynamoDB deletes what is kept from `now` on for `LEDGER_RETENTION_DAYS`.
    pub(super) fn expiry(&self, now: Timestamp) -> i64 {
        (now + self.retention).as_second()
    }

    /// The action that writes these attributes of a row, on the condition that outcome and attempt are as they were read. The attempt
    /// too: a retry makes a row `queued` again, and its next e-mail must have a number of its own.
    pub(super) fn write_row(
        &self,
        shard_pk: &str,
        row: &LedgerItem,
        attributes: Attributes,
    ) -> Result<TransactWriteItem, StoreError> {
        let (builder, expression) = set_or_remove(attributes);
        update(
            builder
                .table_name(&self.table)
                .set_key(Some(key(shard_pk, keys::ledger_sk(row.recipient_id))))
                .update_expression(expression)
                .condition_expression("outcome = :before AND attempt = :read")
                .expression_attribute_values(":before", s(row.outcome.as_str()))
                .expression_attribute_values(":read", n(row.attempt)),
        )
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;

    use super::*;

    #[test]
    fn a_row_expires_after_its_end_and_never_before() {
        let settings =
            [("CAMPAIGNS_TABLE", "Campaigns"), ("DIRECTORY_TABLE", "Directory"), ("LEDGER_RETENTION_DAYS", "100")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        let (config, _) = crate::scripted::Scripted::answering([]);
        let client = Client::new(&config);
        let store = CampaignStore::new(client, &settings).expect("nothing is missing");
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().expect("a time");
        let last: Timestamp = "2027-03-07T12:00:00Z".parse().expect("a time");
        for outcome in Outcome::ALL {
            let attributes = store.with_outcome(CampaignId::from_parts(1, 1), outcome, now);
            let ttl = attributes.into_iter().find(|(name, _)| *name == "ttl").and_then(|(_, value)| value);
            let expected = (!matches!(outcome, Outcome::Queued | Outcome::Claimed)).then(|| n(last.as_second()));
            assert_eq!(ttl, expected, "{outcome:?}");
        }
    }
}
