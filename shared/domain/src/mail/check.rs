//! Checks whether the sources of a template may be used (guarantee 10). They are checked when saved, and again before
//! use, because an earlier release may have saved them under other rules.
//!
//! Three readers examine a source. `language` finds every `{{…}}` and knows exactly the few allowed forms; anything
//! else that begins with `{{` is a fault, so that no feature of Handlebars has to be known to be refused. `html` runs a
//! WHATWG tokenizer over the source with every `{{…}}` replaced by letters, and finds where each of them stands.
//! `agreement` then has Handlebars itself parse the source, which must find exactly what the first one found. If the
//! source has no faults, `rendered` checks every e-mail that it can produce.

pub(super) mod address;
mod agreement;
mod html;
mod language;
mod placeholders;
mod rendered;
mod runs;
mod source;

use std::collections::BTreeSet;

use super::Sources;
use crate::input::FieldError;
use source::Source;

pub(super) use agreement::compile;
pub(super) use html::{in_language, without_tracking};
pub(super) use rendered::encloses_secret;

/// Most characters of a subject. A longer one is cut off by every mail program.
pub const SUBJECT_CHARS: usize = 200;

/// Most bytes of an HTML source. Gmail clips an e-mail at 102 KB.
pub const HTML_BYTES: usize = 100_000;

/// Most bytes of a text source.
pub const TEXT_BYTES: usize = 50_000;

/// Most faults reported for one source: enough to work on, and a bound for the answer.
pub const MOST_FAULTS: usize = 100;

/// The three parts of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Subject,
    Html,
    Text,
}

impl Part {
    fn field(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Html => "html",
            Self::Text => "text",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// All faults, with line and column; at most [`MOST_FAULTS`] of each part.
    pub faults: Vec<FieldError>,
    /// The servers that its text, links and pictures name literally, in ASCII and lower case. Each division lists which
    /// it may use.
    pub hosts: BTreeSet<String>,
}

/// Examines the sources of a template.
pub fn examine(sources: &Sources) -> Examined {
    let mut examined = Examined::default();
    for (part, text) in [(Part::Subject, &sources.subject), (Part::Html, &sources.html), (Part::Text, &sources.text)] {
        let mut source = Source::new(part, text);
        examined.hosts.append(&mut examine_part(&mut source));
        examined.faults.append(&mut source.finish());
    }
    examined
}

/// Returns the faults only.
pub fn faults(sources: &Sources) -> Vec<FieldError> {
    examine(sources).faults
}

/// Reports all faults of a part; returns the servers that it names.
fn examine_part(source: &mut Source<'_>) -> BTreeSet<String> {
    if !source.check_size() {
        return BTreeSet::new();
    }
    source.check_characters();
    let parsed = language::parse(source);
    placeholders::check(source, &parsed);
    match source.part {
        Part::Subject if source.is_clean() => placeholders::check_subject_never_empty(source, &parsed),
        Part::Subject => {}
        Part::Html => html::check(source, &parsed),
        Part::Text => {
            runs::check(source, &parsed, &runs::events_of_text(source.text, &parsed));
            placeholders::check_present(source, &parsed, "temporaryPassword", |_| true);
            placeholders::check_present(source, &parsed, "activationLink", |_| true);
        }
    }
    if source.is_clean() {
        agreement::check(source, &parsed);
    }
    if source.is_clean() { rendered::check(source, &parsed) } else { BTreeSet::new() }
}

#[cfg(test)]
mod tests;
