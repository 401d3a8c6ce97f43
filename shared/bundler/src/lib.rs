//! Joins the modules and style sheets of a page into a few files, since each file costs a call of the gateway and one
//! of the function. Runs while the function is compiled, and so has no dependencies.
//!
//! It is no compiler. It reads sources line by line and takes some forms of imports and exports, which stand at
//! `Module`; any other is a [`Fault`], so that nothing is joined wrongly in silence. A module becomes a function
//! that is called once and returns what it exports. Comments that have lines of their own, empty lines and indentation
//! are left out; source maps lead back to the sources.

mod bundle;
mod lines;
mod module;
mod source_map;
mod styles;

use std::collections::BTreeMap;
use std::fmt;

pub use bundle::{Bundle, Modules};
pub use styles::join_styles;

/// The text of each source file, by its path in the page's folder, such as `shared/dom.js`.
pub type Sources = BTreeMap<String, String>;

/// What in the sources can't be joined, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    path: String,
    /// From 1; 0 if it is the file as a whole.
    line: usize,
    message: String,
}

impl Fault {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, message } = self;
        if *line == 0 { write!(formatter, "{path}: {message}") } else { write!(formatter, "{path}:{line}: {message}") }
    }
}

impl std::error::Error for Fault {}

/// The path that `relative`, such as `../shared/dom.js`, names in the file `from`. None if it leaves the page's folder.
fn resolve(from: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
