//! Cognito: the operators of one user pool.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, Reply};

/// Most groups of one answer.
const PAGE: usize = 60;

#[derive(Debug)]
struct User {
    enabled: bool,
    groups: Vec<String>,
}

/// The users of one pool.
#[derive(Debug)]
pub struct Users {
    pool: String,
    users: BTreeMap<String, User>,
}

impl Users {
    /// The pool with this id, without users.
    pub fn new(pool: &str) -> Self {
        Self { pool: pool.to_owned(), users: BTreeMap::new() }
    }

    /// Adds a user, or changes one.
    pub fn put(&mut self, name: &str, enabled: bool, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.users.insert(name.to_owned(), User { enabled, groups });
    }

    /// Deletes a user.
    pub fn remove(&mut self, name: &str) {
        self.users.remove(name);
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call, _now: Timestamp) -> Reply {
        let body = call.json();
        if body["UserPoolId"] != self.pool.as_str() {
            return Reply::error(400, "ResourceNotFoundException", "User pool does not exist.");
        }
        let name = body["Username"].as_str().unwrap_or_default();
        let Some(user) = self.users.get(name) else {
            return Reply::error(400, "UserNotFoundException", "User does not exist.");
        };
        match call.operation.as_str() {
            "AdminGetUser" => {
                Reply::json(&json!({"Username": name, "Enabled": user.enabled, "UserStatus": "CONFIRMED"}))
            }
            "AdminListGroupsForUser" => self.groups(user, &body),
            other => Reply::error(400, "InvalidParameterException", &format!("{other} is not simulated.")),
        }
    }

    fn groups(&self, user: &User, body: &Value) -> Reply {
        let limit = body["Limit"].as_u64().map_or(PAGE, |limit| (limit as usize).clamp(1, PAGE));
        let start = body["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let described = |name: &String| json!({"GroupName": name, "UserPoolId": self.pool});
        let page: Vec<Value> = user.groups.iter().skip(start).take(limit).map(described).collect();
        let mut answer = json!({"Groups": page});
        if start + limit < user.groups.len() {
            answer["NextToken"] = json!((start + limit).to_string());
        }
        Reply::json(&answer)
    }
}
