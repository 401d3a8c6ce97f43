//! Lists as callers read them: page by page, to the end.

use axum::http::StatusCode;
use portal_aws::directory::keys;
use portal_aws::table::{key, s};
use serde_json::Value;

use crate::World;
use crate::cloud::DIRECTORY;
use crate::http::Call;

impl World {
    /// What a `GET` of this path and query answers; it must succeed.
    pub async fn get_json(&self, path: &str) -> Value {
        let answer = self.call(Call::new("GET", path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    /// All items of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get_json(&next).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["nextCursor"].as_str() {
                Some(cursor) => next = format!("{path}&cursor={cursor}"),
                None => return items,
            }
        }
    }

    /// How many rows a list has as CSV; every page must begin with this header.
    pub async fn csv_rows(&self, path: &str, header: &str) -> usize {
        let (resource, _) = path.split_once('?').unwrap();
        let mut next = path.to_owned();
        let mut rows = 0;
        loop {
            let answer = self.call(Call::new("GET", &next).header("Accept", "text/csv")).await;
            let first = answer.text.lines().next().and_then(|line| line.strip_prefix('\u{feff}'));
            assert_eq!(first, Some(header), "{path}");
            rows += answer.text.lines().count() - 1;
            let Some(link) = answer.headers.get("link") else { return rows };
            let query = link.to_str().unwrap().strip_prefix("<?").unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            next = format!("{resource}?{query}");
        }
    }

    /// Sets an attribute of a recipient in `NORTH`, as a part of the system will that the test does without.
    pub async fn set(&self, email: &str, attribute: &str, value: &str) {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        self.dynamo
            .update_item()
            .table_name(DIRECTORY)
            .set_key(Some(key(keys::recipient_pk(id), keys::RECIPIENT)))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", s(value))
            .send()
            .await
            .unwrap();
    }

    /// Records that mail to this address bounced.
    pub async fn bounce(&self, email: &str) {
        self.set(email, "undeliverable", "bounced").await;
    }

    /// Records that this address was mailed a moment ago.
    pub async fn invited_now(&self, email: &str) {
        self.set(email, "lastInvitedAt", &portal_aws::clock::now().to_string()).await;
    }
}
