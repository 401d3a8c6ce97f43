//! Authorisation of every call by the function's role in `template.yaml`, as by IAM.

mod need;
pub mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use need::{Need, needs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::Template;
use super::{Call, Reply};

/// The roles of all functions, and the grants that were used.
#[derive(Debug)]
pub struct Roles {
    of_functions: BTreeMap<String, Vec<Statement>>,
    used: BTreeSet<Grant>,
    refused: Vec<String>,
}

/// One thing that a role grants: a function, the number of a statement in its role (from 1), and a part of that
/// statement, which is an action, a resource, or a partition that its condition lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    function: String,
    statement: usize,
    part: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in statement {} of its role: {}", self.function, self.statement, self.part)
    }
}

#[derive(Debug)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// A condition on one key of a request's context.
#[derive(Debug)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

impl Roles {
    /// The roles of a template, whose resources are named as they are written there.
    pub fn new(template: &Template) -> Self {
        let roles = template.roles();
        let statement = |statement: &Value| {
            assert_eq!(statement["Effect"], "Allow", "roles only allow here: {statement}");
            Statement {
                actions: texts(&statement["Action"]),
                resources: texts(&statement["Resource"]),
                conditions: conditions(&statement["Condition"]),
            }
        };
        let of_functions = roles
            .into_iter()
            .map(|(function, statements)| (function, statements.iter().map(statement).collect()))
            .collect();
        let mut roles = Self { of_functions, used: BTreeSet::new(), refused: Vec::new() };
        for (function, action, resource) in template.calls_of_lambda() {
            let refused = roles.ask(&function, &Need::new(action, resource));
            assert_eq!(refused, None, "what Lambda does for a function, the function's role allows");
        }
        roles
    }

    /// The answer to a call that its function's role does not allow. Calls of tests are always allowed.
    pub fn refuse(&mut self, call: &Call) -> Option<Reply> {
        let function = call.function.as_ref()?;
        let what = needs(call).iter().find_map(|need| self.ask(function, need))?;
        self.refused.push(what.clone());
        Some(Reply::error(400, "AccessDeniedException", &what))
    }

    /// Records the grants that meet a need; an error if there are none.
    fn ask(&mut self, function: &str, need: &Need) -> Option<String> {
        let statements = self.of_functions.get(function).unwrap_or_else(|| panic!("no role is known of {function}"));
        let mut allowed = false;
        for (index, statement) in statements.iter().enumerate().filter(|(_, statement)| statement.allows(need)) {
            allowed = true;
            self.used.extend(statement.used_by(need).map(|part| grant(function, index, part)));
        }
        (!allowed).then(|| format!("the role of {function} does not allow {need}"))
    }

    /// Refused needs, in order.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// What was used.
    pub fn used(&self) -> &BTreeSet<Grant> {
        &self.used
    }

    /// Everything that is granted; logs and traces, which Lambda writes, aside.
    pub fn granted(&self) -> BTreeSet<Grant> {
        let mut granted = BTreeSet::new();
        for (function, statements) in &self.of_functions {
            let statements = statements.iter().enumerate().filter(|(_, statement)| !statement.is_for_lambda());
            let parts = statements.flat_map(|(index, statement)| statement.parts().map(move |part| (index, part)));
            granted.extend(parts.map(|(index, part)| grant(function, index, part)));
        }
        granted
    }
}

fn grant(function: &str, index: usize, part: String) -> Grant {
    Grant { function: function.to_owned(), statement: index + 1, part }
}

impl Statement {
    fn allows(&self, need: &Need) -> bool {
        self.actions.contains(&need.action)
            && self.resources.iter().any(|pattern| is_like(pattern, &need.resource))
            && self.conditions.iter().all(|condition| condition.holds(need))
    }

    fn is_for_lambda(&self) -> bool {
        self.actions.iter().all(|action| action.starts_with("logs:") || action.starts_with("xray:"))
    }

    fn parts(&self) -> impl Iterator<Item = String> {
        let limits = self.conditions.iter().filter(|condition| condition.is_list()).flat_map(|limit| &limit.values);
        self.actions.iter().chain(&self.resources).chain(limits).cloned()
    }

    /// The parts without which a need would not be met.
    fn used_by<'a>(&'a self, need: &'a Need) -> impl Iterator<Item = String> + 'a {
        let resource = self.resources.iter().find(|pattern| is_like(pattern, &need.resource));
        let limits = self.conditions.iter().filter(|condition| condition.is_list());
        let limits = limits.flat_map(|limit| {
            let met = |pattern: &&String| need.values(&limit.key).iter().any(|value| is_like(pattern, value));
            limit.values.iter().filter(met)
        });
        [&need.action].into_iter().chain(resource).chain(limits).cloned()
    }
}

impl Condition {
    /// Whether it is a list of allowed values (`ForAllValues`).
    fn is_list(&self) -> bool {
        self.key == "dynamodb:LeadingKeys"
    }

    fn holds(&self, need: &Need) -> bool {
        let values = need.values(&self.key);
        let equals = |value: &String| self.values.contains(value);
        let like = |value: &String| self.values.iter().any(|pattern| is_like(pattern, value));
        match self.operator.as_str() {
            "StringEquals" => values.iter().any(equals),
            "StringEqualsIfExists" => values.is_empty() || values.iter().any(equals),
            "ForAllValues:StringEquals" => values.iter().all(equals),
            "ForAllValues:StringNotEquals" => !values.iter().any(equals),
            "ForAllValues:StringLike" => values.iter().all(like),
            other => panic!("{other} is not simulated"),
        }
    }
}

/// Whether a text fits a pattern, in which `*` stands for any characters.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, "")) => text.starts_with(start),
        Some(_) => panic!("a pattern is only known to end with *: {pattern}"),
    }
}

fn conditions(written: &Value) -> Vec<Condition> {
    let operators = written.as_object().into_iter().flatten();
    let conditions = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(|(key, values)| Condition { operator: operator.clone(), key: key.clone(), values: texts(values) })
    });
    conditions.collect()
}

/// One text, or a list of them.
fn texts(written: &Value) -> Vec<String> {
    let all = written.as_array().cloned().unwrap_or_else(|| vec![written.clone()]);
    all.iter().map(|text| text.as_str().unwrap_or_else(|| panic!("no text: {text}")).to_owned()).collect()
}

#[cfg(test)]
mod tests;
