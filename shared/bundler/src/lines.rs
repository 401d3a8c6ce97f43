//! What is left of a source's lines.

use crate::Fault;

/// A line with code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line of the source, from 1.
    pub number: usize,
    /// How much of the source's line was left out before the text, in UTF-16 code units, as source maps count.
    pub column: usize,
    pub text: String,
}

/// The lines of a script or style sheet without indentation, empty lines, and comments that have lines of their own.
pub fn code_lines(path: &str, source: &str) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    let mut in_comment = false;
    for (index, whole) in source.lines().enumerate() {
        let (number, text) = (index + 1, whole.trim());
        if in_comment || text.starts_with("/*") {
            let end = text.find("*/");
            in_comment = end.is_none();
            if end.is_some_and(|end| end + 2 < text.len()) {
                return Err(Fault::new(path, number, "code follows a comment on its line"));
            }
        } else if !text.is_empty() && !text.starts_with("//") {
            // White space within a text that goes on would be part of it.
            if text.matches('`').count() % 2 == 1 || text.ends_with('\\') {
                return Err(Fault::new(path, number, "a text goes on in the next line"));
            }
            let indentation = whole.len() - whole.trim_start().len();
            let column = whole[..indentation].encode_utf16().count();
            lines.push(Line { number, column, text: text.to_owned() });
        }
    }
    Ok(lines)
}
