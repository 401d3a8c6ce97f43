//! Changes of an item's attributes.

use aws_sdk_dynamodb::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::action::{Action, Updated};
use super::expression::{Aliases, Value, value};
use super::{Condition, Item, StoreError};

/// A change of an item's attributes. Each attribute is changed once.
#[must_use = "an update is an action, which does nothing until it is run"]
pub struct Update {
    action: Action,
}

/// The change of an attribute.
pub(super) enum Change {
    Set(Value),
    SetUnlessThere(Value),
    Append(Value),
    Remove,
    Add(Value),
}

impl Update {
    pub(super) fn new(table: &str, key: Item) -> Self {
        Self { action: Action::update(table, key) }
    }

    /// Sets an attribute.
    pub fn set(self, name: &str, to: impl Serialize) -> Self {
        self.change(name, Change::Set(value(to)))
    }

    /// Sets an attribute, or removes it if there is no value.
    pub fn set_or_remove(self, name: &str, to: Option<impl Serialize>) -> Self {
        match to {
            Some(to) => self.set(name, to),
            None => self.remove(name),
        }
    }

    /// Sets these attributes to those of `item`, and removes those that `item` lacks.
    pub fn set_as_on(self, item: &impl Serialize, names: &[&str]) -> Self {
        let mut item = match serde_dynamo::to_item::<_, Item>(item) {
            Ok(item) => item,
            Err(error) => return Self { action: self.action.broken(error.into()) },
        };
        names.iter().fold(self, |update, name| match item.remove(*name) {
            Some(to) => update.change(name, Change::Set(Ok(to))),
            None => update.remove(name),
        })
    }

    /// Sets an attribute unless the item has it.
    pub fn set_unless_there(self, name: &str, to: impl Serialize) -> Self {
        self.change(name, Change::SetUnlessThere(value(to)))
    }

    /// Appends these to a list that must exist.
    pub fn append(self, name: &str, more: &[impl Serialize]) -> Self {
        self.change(name, Change::Append(value(more)))
    }

    /// Removes an attribute.
    pub fn remove(self, name: &str) -> Self {
        self.change(name, Change::Remove)
    }

    /// Adds to a number; a missing one counts as zero.
    pub fn add(self, name: &str, by: impl Serialize) -> Self {
        self.change(name, Change::Add(value(by)))
    }

    /// Replaces the condition of the update.
    pub fn when(self, condition: Condition) -> Self {
        Self { action: self.action.when(condition) }
    }

    /// If the condition does not hold, the transaction returns the item ([`super::Refused::item`]).
    pub fn showing_item(self) -> Self {
        Self { action: self.action.showing_item() }
    }

    pub(super) async fn run_and_get<T: DeserializeOwned>(
        self,
        client: &Client,
        what: &'static str,
    ) -> Result<Updated<T>, StoreError> {
        self.action.run_and_get(client, what).await
    }

    fn change(mut self, name: &str, change: Change) -> Self {
        self.action.changes.push((name.to_owned(), change));
        self
    }
}

impl From<Update> for Action {
    fn from(update: Update) -> Self {
        update.action
    }
}

/// The expression of these changes.
pub(super) fn write(changes: Vec<(String, Change)>, aliases: &mut Aliases) -> Result<Option<String>, StoreError> {
    let (mut set, mut remove, mut add) = (Vec::new(), Vec::new(), Vec::new());
    for (path, change) in changes {
        let name = aliases.name(&path);
        let mut alias = |value| aliases.value(&path, value);
        match change {
            Change::Set(to) => set.push(format!("{name} = {}", alias(to)?)),
            Change::SetUnlessThere(to) => set.push(format!("{name} = if_not_exists({name}, {})", alias(to)?)),
            Change::Append(more) => set.push(format!("{name} = list_append({name}, {})", alias(more)?)),
            Change::Remove => remove.push(name),
            Change::Add(by) => add.push(format!("{name} {}", alias(by)?)),
        }
    }
    let clauses = [("SET", set), ("REMOVE", remove), ("ADD", add)].into_iter().filter(|(_, parts)| !parts.is_empty());
    let clauses: Vec<_> = clauses.map(|(clause, parts)| format!("{clause} {}", parts.join(", "))).collect();
    Ok((!clauses.is_empty()).then(|| clauses.join(" ")))
}
