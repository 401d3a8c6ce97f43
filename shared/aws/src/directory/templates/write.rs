//! Saves, activates and deactivates templates.

use jiff::Timestamp;
use portal_domain::TemplateId;
use portal_domain::mail::template::{Head, Version};

use super::TemplateStore;
use crate::directory::keys;
use crate::table::condition::is;
use crate::table::{Action, StoreError, Transacted, Updated};

/// How saving a version ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is the newest version now.
    Done(Head),
    /// Another version was saved meanwhile, or the edited one never was the newest. Nothing is written.
    Changed(Head),
    /// There is no such template. Nothing is written.
    Missing,
}

impl TemplateStore {
    /// Stores a new template with its first version. Its id must be new.
    pub async fn create(&self, version: &Version) -> Result<Head, StoreError> {
        let head = Head::of(version);
        let mut tx = self.table.tx("store a template");
        tx.add(self.table.put_new(keys::template(&head.template_id), &head));
        tx.add(self.put_version(version));
        match tx.write().await? {
            Transacted::Done => Ok(head),
            Transacted::Refused(_) => Err(StoreError::Call {
                what: "store a template",
                cause: "its random id is taken".into(),
                passing: false,
            }),
        }
    }

    /// Stores the version after the one that was edited, if that is still the newest.
    pub async fn save(&self, version: &Version) -> Result<Saved, StoreError> {
        let edited = version.version.saturating_sub(1);
        let Some(current) = self.head(&version.template_id).await? else { return Ok(Saved::Missing) };
        if current.version != edited {
            return Ok(Saved::Changed(current));
        }
        // Whether it is active may change between read and write, so this leaves that attribute alone.
        let head = self.table.update(keys::template(&version.template_id));
        let head = head.set("version", version.version).set("name", &version.name);
        let head = head.set("updatedAt", version.updated_at).set("updatedBy", &version.updated_by);
        let mut tx = self.table.tx("store a version of a template");
        tx.add(head.when(is("version", edited)));
        tx.add(self.put_version(version));
        if let Transacted::Refused(_) = tx.write().await? {
            return Ok(self.head(&version.template_id).await?.map_or(Saved::Missing, Saved::Changed));
        }
        let Version { version, name, updated_at, updated_by, .. } = version.clone();
        Ok(Saved::Done(Head { version, name, updated_at, updated_by, ..current }))
    }

    /// Activates or deactivates a template for new campaigns, and answers it; `None` if there is no such template.
    /// Keeps who changed that and when. If it was so already, the first such change is kept.
    pub async fn set_active(
        &self,
        template: &TemplateId,
        active: bool,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Head>, StoreError> {
        let switch = self.table.update(keys::template(template)).set("active", active);
        let switch = switch.set("activeChangedAt", at).set("activeChangedBy", by).when(is("active", !active));
        match self.table.run_and_get("switch a template", switch).await? {
            Updated::Done(head) => Ok(Some(head)),
            Updated::Refused::<Head>(_) => self.head(template).await,
        }
    }

    fn put_version(&self, version: &Version) -> Action {
        self.table.put_new(keys::version(&version.template_id, version.version), version)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portal_domain::mail::Sources;
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;

    /// A store with a script of DynamoDB's answers, and what DynamoDB was asked.
    fn store(answers: impl IntoIterator<Item = (u16, Value)>) -> (TemplateStore, Arc<Scripted>) {
        let (context, asked) = Scripted::answering(answers);
        (TemplateStore::new(&context).expect("nothing is missing"), asked)
    }

    /// The answer to a question for this item, all of whose attributes are strings or numbers.
    fn found(item: impl serde::Serialize) -> (u16, Value) {
        let item: serde_dynamo::Item = serde_dynamo::to_item(item).expect("it is an item");
        (200, json!({"Item": item}))
    }

    fn version(number: u32) -> Version {
        let text = || "x".to_owned();
        Version {
            template_id: TemplateId::from_parts(1, 2),
            version: number,
            name: text(),
            sources: Sources {
                subject: text(),
                html: "{{temporaryPassword}} <a href='{{activationLink}}'>Activate</a>".to_owned(),
                text: "{{temporaryPassword}} {{activationLink}}".to_owned(),
                language: None,
            },
            updated_at: Some(Timestamp::UNIX_EPOCH),
            updated_by: Some(text()),
        }
    }

    fn head(number: u32) -> (u16, Value) {
        found(Head::of(&version(number)))
    }

    #[tokio::test]
    async fn a_version_is_put_beside_its_head_and_never_over_another() {
        let (store, asked) = store([head(2), (200, json!({}))]);
        let saved = store.save(&version(3)).await.expect("saved");
        assert_eq!(saved, Saved::Done(Head::of(&version(3))));
        let actions = &asked.requests()[1].body["TransactItems"];
        assert_eq!(actions.as_array().map(Vec::len), Some(2));
        assert_eq!(actions[0]["Update"]["ConditionExpression"], "#version = :version2");
        let put = &actions[1]["Put"];
        assert_eq!(put["ConditionExpression"], "attribute_not_exists(#pk)");
        assert_eq!(put["Item"]["sk"]["S"], "VERSION#0000000003");
    }

    #[tokio::test]
    async fn of_two_who_edited_the_same_version_the_second_is_told_of_the_first() {
        let cancelled = json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": [{"Code": "ConditionalCheckFailed"}]});
        let (raced, _) = store([head(2), (400, cancelled), head(3)]);
        let saved = raced.save(&version(3)).await.expect("an answer");
        assert_eq!(saved, Saved::Changed(Head::of(&version(3))));
        let (late, _) = store([head(4)]);
        let saved = late.save(&version(3)).await.expect("an answer");
        assert_eq!(saved, Saved::Changed(Head::of(&version(4))));
    }

    #[tokio::test]
    async fn the_built_in_template_needs_no_table_and_a_version_is_made_ready_once() {
        let (store, asked) = store([found(version(1))]);
        assert!(store.compiled(&TemplateId::built_in(), 1).await.expect("code").is_ok());
        assert!(store.compiled(&TemplateId::built_in(), 9).await.expect("code").is_err());
        for _ in 0..3 {
            assert!(store.compiled(&version(1).template_id, 1).await.expect("read").is_ok());
        }
        assert_eq!(asked.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_version_that_an_earlier_release_saved_is_checked_again() {
        let mut saved = version(1);
        saved.sources.text = "https://evil.example/?p={{temporaryPassword}} {{activationLink}}".to_owned();
        let (store, asked) = store([found(saved)]);
        for _ in 0..2 {
            let refused = store.compiled(&version(1).template_id, 1).await.expect("read").expect_err("refused");
            assert!(refused.to_string().contains("(text 1:25 would become part of the address"), "{refused}");
        }
        assert_eq!(asked.requests().len(), 1);
    }
}
