//! Splits a JSON array into its elements, so that a broken element does not make the others unreadable.

use portal_domain::input::FieldError;
use portal_http::body;
use serde_json::Value;

/// Byte range of an element in the body.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    start: usize,
    end: usize,
}

/// Finds the elements of the array. Commas outside of strings and brackets separate them; their content is not checked.
pub fn split(bytes: &[u8]) -> Result<Vec<Element>, FieldError> {
    let open = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    if bytes.get(open) != Some(&b'[') {
        return Err(body::parse_json(bytes)
            .err()
            .unwrap_or_else(|| FieldError::new("body", "must be a list of accounts")));
    }
    let (mut elements, mut start, mut depth) = (Vec::new(), open + 1, 0_usize);
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' if depth == 0 => {
                let last = Element { start, end: at };
                if !elements.is_empty() || !last.is_blank(bytes) {
                    elements.push(last);
                }
                return if bytes[at + 1..].trim_ascii().is_empty() {
                    Ok(elements)
                } else {
                    Err(more_behind(bytes, at + 1))
                };
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                elements.push(Element { start, end: at });
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    let blank = bytes[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let line = line_of(bytes, start + blank);
    Err(FieldError::new(
        "body",
        format!("ends within the list, in the element that begins in line {line}. Nothing was stored"),
    ))
}

/// Where the string that begins here has its last quotation mark; the end of the body if it has none.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn more_behind(bytes: &[u8], at: usize) -> FieldError {
    FieldError::new("body", format!("is not valid JSON: line {}: something stands behind the list", line_of(bytes, at)))
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

impl Element {
    fn is_blank(self, bytes: &[u8]) -> bool {
        bytes[self.start..self.end].trim_ascii().is_empty()
    }

    /// The value, or its syntax error with the position in the body.
    pub fn read(self, bytes: &[u8]) -> Result<Value, FieldError> {
        let text = &bytes[self.start..self.end];
        body::value_from_slice(text).map_err(|error| {
            let line_start = bytes[..self.start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            body::syntax_fault_at("body", line_of(bytes, self.start), self.start - line_start, &error)
        })
    }
}
