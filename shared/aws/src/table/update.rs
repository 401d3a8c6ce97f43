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

/// What becomes of an attribute.
pub(super) enum Change {
    Set(Value),
    SetUnlessThere(Value),
    Append(Value),
    Remove,
    Add(i64),
}

impl Update {
    pub(super) fn new(table: &str, key: Item) -> Self {
        Self { action: Action::update(table, key) }
    }

    /// Sets an attribute.
    pub fn set(self, name: &str, to: impl Serialize) -> Self {
        self.change(name, Change::Set(value(to)))
    }

    /// Sets an attribute, or removes it if it is to have no value.
    pub fn set_or_remove(self, name: &str, to: Option<impl Serialize>) -> Self {
        match to {
            Some(to) => self.set(name, to),
            None => self.remove(name),
        }
    }

    /// Sets an attribute that the item does not have.
    pub fn set_unless_there(self, name: &str, to: impl Serialize) -> Self {
        self.change(name, Change::SetUnlessThere(value(to)))
    }

    /// Appends these to a list that the item has.
    pub fn append(self, name: &str, more: &[impl Serialize]) -> Self {
        self.change(name, Change::Append(value(more)))
    }

    /// Removes attributes.
    pub fn remove(self, name: &str) -> Self {
        self.change(name, Change::Remove)
    }

    /// Adds to a number; one that the item does not have is zero.
    pub fn add(self, name: &str, by: i64) -> Self {
        self.change(name, Change::Add(by))
    }

    /// The condition on which it is made.
    pub fn when(self, condition: Condition) -> Self {
        Self { action: self.action.when(condition) }
    }

    /// Should the condition not hold, the transaction says what the item is ([`super::Refused::item`]).
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
    for (name, change) in changes {
        let name = aliases.name(&name);
        match change {
            Change::Set(to) => set.push(format!("{name} = {}", aliases.value(to)?)),
            Change::SetUnlessThere(to) => set.push(format!("{name} = if_not_exists({name}, {})", aliases.value(to)?)),
            Change::Append(more) => set.push(format!("{name} = list_append({name}, {})", aliases.value(more)?)),
            Change::Remove => remove.push(name),
            Change::Add(by) => add.push(format!("{name} {}", aliases.value(value(by))?)),
        }
    }
    let clauses = [("SET", set), ("REMOVE", remove), ("ADD", add)].into_iter().filter(|(_, parts)| !parts.is_empty());
    let clauses: Vec<_> = clauses.map(|(clause, parts)| format!("{clause} {}", parts.join(", "))).collect();
    Ok((!clauses.is_empty()).then(|| clauses.join(" ")))
}
