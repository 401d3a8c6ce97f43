//! Whether the sources of a template may be saved: guarantee 10, at save.
//!
//! Three readers look at a source. `language` finds every `{{…}}` and knows exactly the few forms that are allowed; whatever else
//! begins with `{{` is a fault, so that no feature of Handlebars has to be known to be refused. `html` runs a WHATWG tokenizer over
//! the source with every `{{…}}` replaced by letters, and says where each of them stands. `agreement` then has Handlebars
//! itself read what is left, and insists on finding nothing but what the first one found.

mod agreement;
mod html;
mod language;
mod placeholders;
mod runs;
mod source;

use super::Sources;
use crate::input::FieldError;
use source::Source;

pub(super) use agreement::compile;
pub(super) use html::without_tracking;

/// Most characters of a subject. A longer one is cut off by every mail program.
pub const SUBJECT_CHARS: usize = 200;

/// Most bytes of an HTML source. Gmail clips an e-mail at 102 KB.
pub const HTML_BYTES: usize = 100_000;

/// Most bytes of a text source.
pub const TEXT_BYTES: usize = 50_000;

/// Most faults that are told of one source: enough to work on, and a bound for the answer.
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

/// Everything that is wrong with these sources, with line and column; at most [`MOST_FAULTS`] of each.
pub fn faults(sources: &Sources) -> Vec<FieldError> {
    let parts = [(Part::Subject, &sources.subject), (Part::Html, &sources.html), (Part::Text, &sources.text)];
    parts.into_iter().flat_map(|(part, text)| faults_of(part, text)).collect()
}

fn faults_of(part: Part, text: &str) -> Vec<FieldError> {
    let mut source = Source::new(part, text);
    if source.check_size() {
        source.check_characters();
        let parsed = language::parse(&mut source);
        placeholders::check(&mut source, &parsed);
        match part {
            Part::Subject if source.is_clean() => placeholders::check_subject_never_empty(&mut source, &parsed),
            Part::Subject => {}
            Part::Html => html::check(&mut source, &parsed),
            Part::Text => {
                runs::check(&mut source, &parsed, &runs::events_of_text(text, &parsed));
                placeholders::check_present(&mut source, &parsed, "temporaryPassword", |_| true);
                placeholders::check_present(&mut source, &parsed, "activationLink", |_| true);
            }
        }
        if source.is_clean() {
            agreement::check(&mut source, &parsed);
        }
    }
    source.finish()
}

#[cfg(test)]
mod tests;
