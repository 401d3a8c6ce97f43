//! Source maps, version 3 (ECMA-426): line by line, which is what a debugger and a stack trace need.

use std::fmt::Write;

use crate::Sources;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Where the lines of a built file come from.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<String>,
    mappings: String,
    /// Source, line and column of the last line that has an origin: each is written as the difference to the one
    /// before.
    last: [i64; 3],
}

impl SourceMap {
    /// The next lines come from this file.
    pub fn begin_source(&mut self, path: &str) {
        self.sources.push(path.to_owned());
    }

    /// The next line comes from no source.
    pub fn add_made_line(&mut self) {
        self.mappings.push(';');
    }

    /// The next line comes from the source that began last: from its line `number`, from 1, behind `column` code units.
    pub fn add_line(&mut self, number: usize, column: usize) {
        let origin = [self.sources.len() - 1, number - 1, column].map(|value| value as i64);
        self.mappings.push('A');
        for (value, last) in origin.into_iter().zip(self.last) {
            self.mappings += &variable_length(value - last);
        }
        self.mappings.push(';');
        self.last = origin;
    }

    /// The map as JSON, with the sources in it.
    pub fn to_json(&self, file: &str, sources: &Sources) -> String {
        let names: Vec<_> = self.sources.iter().map(|path| quoted(&format!("page/{path}"))).collect();
        let texts: Vec<_> = self.sources.iter().map(|path| quoted(sources.get(path).map_or("", |text| text))).collect();
        format!(
            r#"{{"version":3,"file":{},"sources":[{}],"sourcesContent":[{}],"names":[],"mappings":"{}"}}"#,
            quoted(file),
            names.join(","),
            texts.join(","),
            self.mappings
        )
    }
}

/// A number in base 64, five bits a digit, the lowest first: the lowest of all is the sign, and the sixth says that
/// more follows.
fn variable_length(value: i64) -> String {
    let mut rest = value.unsigned_abs() << 1 | u64::from(value < 0);
    let mut digits = String::new();
    loop {
        let more = rest > 31;
        let digit = (rest & 31) as usize | if more { 32 } else { 0 };
        digits.push(BASE64[digit] as char);
        rest >>= 5;
        if !more {
            return digits;
        }
    }
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json += "\\n",
            c if c < ' ' => write!(json, "\\u{:04x}", c as u32).expect("a String takes all"),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_has_them() {
        let table = [(0, "A"), (1, "C"), (-1, "D"), (15, "e"), (16, "gB"), (-16, "hB"), (123, "2H"), (1024, "ggC")];
        for (value, digits) in table {
            assert_eq!(variable_length(value), digits, "{value}");
        }
    }

    #[test]
    fn a_map_is_json_with_the_sources_in_it() {
        let text = "say(\"a\\b\");\n\tnext();\n";
        let sources = Sources::from([("one.js".to_owned(), text.to_owned())]);
        let mut map = SourceMap::default();
        map.add_made_line();
        map.begin_source("one.js");
        map.add_line(1, 0);
        map.add_line(2, 1);
        let json: serde_json::Value = serde_json::from_str(&map.to_json("app.js", &sources)).expect("JSON");
        assert_eq!(json["sources"][0], "page/one.js");
        assert_eq!(json["sourcesContent"][0], text);
        assert_eq!(json["mappings"], ";AAAA;AACC;");
    }
}
