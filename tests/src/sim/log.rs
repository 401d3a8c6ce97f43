//! The log of events, in order; the same seed gives the same log.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;

/// How many of the last events are shown with a broken guarantee.
const SHOWN: usize = 200;

/// Everything that happened in one run.
#[derive(Debug, Default)]
pub struct Log {
    events: Vec<(Timestamp, String)>,
    // Fixed keys: the same in every process.
    hasher: DefaultHasher,
}

impl Log {
    /// Writes down what happened.
    pub fn event(&mut self, at: Timestamp, what: impl fmt::Display) {
        let what = what.to_string();
        (at.as_microsecond(), &what).hash(&mut self.hasher);
        self.events.push((at, what));
    }

    /// A hash of the log.
    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The last events.
    pub fn last(&self) -> impl Iterator<Item = String> {
        self.events.iter().skip(self.events.len().saturating_sub(SHOWN)).map(shown)
    }

    /// The events that name one of these, such as a recipient's id and address.
    pub fn about<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = String> + 'a {
        self.events.iter().filter(|(_, what)| names.iter().any(|name| what.contains(name.as_str()))).map(shown)
    }

    /// All of it.
    pub fn all(&self) -> impl Iterator<Item = String> {
        self.events.iter().map(shown)
    }
}

fn shown((at, what): &(Timestamp, String)) -> String {
    format!("{at:.3} {what}")
}
