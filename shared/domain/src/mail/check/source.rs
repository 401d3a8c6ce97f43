//! One source under examination, and what was found.

use std::ops::Range;

use super::{HTML_BYTES, MOST_FAULTS, Part, SUBJECT_CHARS, TEXT_BYTES};
use crate::input::{FieldError, Place};

/// A source, and its faults so far by byte offset.
pub(super) struct Source<'s> {
    pub part: Part,
    pub text: &'s str,
    faults: Vec<(usize, String)>,
}

impl<'s> Source<'s> {
    pub fn new(part: Part, text: &'s str) -> Self {
        Self { part, text, faults: Vec::new() }
    }

    /// Records a fault at a byte offset.
    pub fn fault(&mut self, at: usize, message: impl Into<String>) {
        self.faults.push((at, message.into()));
    }

    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// The text of a range, for a message: shortened, and without control characters.
    pub fn quote(&self, range: Range<usize>) -> String {
        let text = self.text.get(range).unwrap_or_default();
        let mut quoted: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().count() > 40 {
            quoted.push('…');
        }
        quoted
    }

    /// Whether the source is present and short enough.
    pub fn check_size(&mut self) -> bool {
        let (too_long, limit) = match self.part {
            Part::Subject => (self.text.chars().count() > SUBJECT_CHARS, format!("{SUBJECT_CHARS} characters")),
            Part::Html => (self.text.len() > HTML_BYTES, format!("{HTML_BYTES} bytes")),
            Part::Text => (self.text.len() > TEXT_BYTES, format!("{TEXT_BYTES} bytes")),
        };
        if too_long {
            self.fault(0, format!("must have at most {limit}"));
        } else if self.text.trim().is_empty() {
            self.fault(0, "must not be empty");
        }
        self.is_clean()
    }

    /// Bodies may have tabs and line ends (LF or CR LF), a subject no control character at all. None may have
    /// characters that reverse the text direction, which would make an address read as another, nor the characters that
    /// mark values in `rendered`.
    pub fn check_characters(&mut self) {
        let mut rest = self.text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let line_end = c == '\n' || c == '\r' && rest.peek().is_some_and(|(_, next)| *next == '\n');
            let in_body = self.part != Part::Subject && (c == '\t' || line_end);
            let is_refused = matches!(c, '\u{202d}' | '\u{202e}' | '\u{fdd0}'..='\u{fdef}');
            if is_refused || c.is_control() && !in_body {
                self.fault(at, format!("has the control character U+{:04X}", u32::from(c)));
            }
        }
    }

    /// The faults in order of position, each once.
    pub fn finish(mut self) -> Vec<FieldError> {
        self.faults.sort();
        self.faults.dedup();
        self.faults.truncate(MOST_FAULTS);
        let (mut from, mut place) = (0, Place { line: 1, column: 1 });
        let mut faults = Vec::with_capacity(self.faults.len());
        for (at, message) in self.faults {
            for c in self.text.get(from..at).unwrap_or_default().chars() {
                match c {
                    '\n' => place = Place { line: place.line + 1, column: 1 },
                    _ => place.column += 1,
                }
            }
            from = at;
            faults.push(FieldError::at(self.part.field(), place, message));
        }
        faults
    }
}
