//! Conditions of writes and of queries.

use serde::Serialize;

use super::StoreError;
use super::expression::{Aliases, Value, value};
use super::key::PK;

/// A condition on an item. Attributes are named by paths such as `status` or `earlier[0].digest`.
pub struct Condition(Test);

enum Test {
    Has(String),
    Lacks(String),
    Compare(String, &'static str, Value),
    Between(String, Value, Value),
    BeginsWith(String, Value),
    In(String, Vec<Value>),
    Both(Box<Test>, Box<Test>),
    Either(Box<Test>, Box<Test>),
}

/// The item exists.
pub fn exists() -> Condition {
    has(PK)
}

/// The item does not exist.
pub fn absent() -> Condition {
    lacks(PK)
}

/// The item has this attribute.
pub fn has(path: impl Into<String>) -> Condition {
    Condition(Test::Has(path.into()))
}

/// The item does not have this attribute.
pub fn lacks(path: impl Into<String>) -> Condition {
    Condition(Test::Lacks(path.into()))
}

/// The attribute has this value.
pub fn is(path: impl Into<String>, wanted: impl Serialize) -> Condition {
    compare(path, "=", wanted)
}

/// The attribute has another value than this.
pub fn is_not(path: impl Into<String>, unwanted: impl Serialize) -> Condition {
    compare(path, "<>", unwanted)
}

/// The attribute is less than this.
pub fn below(path: impl Into<String>, bound: impl Serialize) -> Condition {
    compare(path, "<", bound)
}

/// The attribute is greater than this.
pub fn above(path: impl Into<String>, bound: impl Serialize) -> Condition {
    compare(path, ">", bound)
}

/// The attribute is this or less.
pub fn at_most(path: impl Into<String>, bound: impl Serialize) -> Condition {
    compare(path, "<=", bound)
}

/// The attribute is this or more.
pub fn at_least(path: impl Into<String>, bound: impl Serialize) -> Condition {
    compare(path, ">=", bound)
}

/// The attribute is one of these, or between them.
pub fn between(path: impl Into<String>, first: impl Serialize, last: impl Serialize) -> Condition {
    Condition(Test::Between(path.into(), value(first), value(last)))
}

/// The text of the attribute begins with this.
pub fn begins_with(path: impl Into<String>, prefix: impl Serialize) -> Condition {
    Condition(Test::BeginsWith(path.into(), value(prefix)))
}

/// The attribute is one of these: at most 100 (DynamoDB's limit), at least one.
pub fn is_in(path: impl Into<String>, wanted: impl IntoIterator<Item = impl Serialize>) -> Condition {
    Condition(Test::In(path.into(), wanted.into_iter().map(value).collect()))
}

fn compare(path: impl Into<String>, operator: &'static str, with: impl Serialize) -> Condition {
    Condition(Test::Compare(path.into(), operator, value(with)))
}

impl Condition {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Test::Both(Box::new(self.0), Box::new(other.0)))
    }

    /// One holds, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Test::Either(Box::new(self.0), Box::new(other.0)))
    }

    pub(super) fn write(self, aliases: &mut Aliases) -> Result<String, StoreError> {
        self.0.write(aliases)
    }
}

impl Test {
    fn write(self, aliases: &mut Aliases) -> Result<String, StoreError> {
        Ok(match self {
            Self::Has(path) => format!("attribute_exists({})", aliases.name(&path)),
            Self::Lacks(path) => format!("attribute_not_exists({})", aliases.name(&path)),
            Self::Compare(path, operator, with) => {
                format!("{} {operator} {}", aliases.name(&path), aliases.value(&path, with)?)
            }
            Self::Between(path, first, last) => {
                let (first, last) = (aliases.value(&path, first)?, aliases.value(&path, last)?);
                format!("{} BETWEEN {first} AND {last}", aliases.name(&path))
            }
            Self::BeginsWith(path, prefix) => {
                format!("begins_with({}, {})", aliases.name(&path), aliases.value(&path, prefix)?)
            }
            Self::In(path, wanted) => {
                let wanted =
                    wanted.into_iter().map(|wanted| aliases.value(&path, wanted)).collect::<Result<Vec<_>, _>>()?;
                format!("{} IN ({})", aliases.name(&path), wanted.join(", "))
            }
            Self::Both(one, other) => format!("{} AND {}", one.write(aliases)?, other.write(aliases)?),
            // In brackets, since AND binds closer.
            Self::Either(one, other) => format!("({} OR {})", one.write(aliases)?, other.write(aliases)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{n, s};

    #[test]
    fn a_condition_names_attributes_and_values_by_aliases() {
        let free = lacks("granted").or(below("granted", 5));
        let condition = is("version", 7).and(free).and(is("earlier[0].digest", "d")).and(is_in("status", ["a", "b"]));
        let mut aliases = Aliases::default();
        assert_eq!(
            condition.write(&mut aliases).expect("all can be stored"),
            "#version = :version AND (attribute_not_exists(#granted) OR #granted < :granted) \
             AND #earlier[0].#digest = :digest AND #status IN (:status, :status2)"
        );
        let names = aliases.names().expect("there are names");
        assert_eq!((names.len(), names["#digest"].as_str()), (5, "digest"));
        let values = aliases.values().expect("there are values");
        assert_eq!((&values[":version"], &values[":digest"]), (&n(7), &s("d")));
    }
}
