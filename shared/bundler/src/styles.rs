//! Joins style sheets.

use std::collections::BTreeSet;

use crate::lines::code_lines;
use crate::{Fault, Sources, resolve};

/// The style sheet `path` with each `@import '../folder/other.css';` replaced by that sheet, which may have imports of
/// its own. One that is imported twice stands where it is first. What was taken is added to `used`.
pub fn join_styles(sources: &Sources, path: &str, used: &mut BTreeSet<String>) -> Result<String, Fault> {
    let mut joined = String::new();
    let mut seen = BTreeSet::new();
    add(sources, path, &mut seen, &mut joined)?;
    used.extend(seen);
    Ok(joined)
}

fn add(sources: &Sources, path: &str, seen: &mut BTreeSet<String>, joined: &mut String) -> Result<(), Fault> {
    if !seen.insert(path.to_owned()) {
        return Ok(());
    }
    let source = sources.get(path).ok_or_else(|| Fault::new(path, 0, "there is no such file"))?;
    for line in code_lines(path, source)? {
        let Some(statement) = line.text.strip_prefix("@import ") else {
            *joined += &line.text;
            joined.push('\n');
            continue;
        };
        let imported = statement.strip_prefix('\'').and_then(|rest| rest.strip_suffix("';"));
        let imported = imported.and_then(|relative| resolve(path, relative)).filter(|path| sources.contains_key(path));
        let imported = imported.ok_or_else(|| Fault::new(path, line.number, "there is no such file to import"))?;
        add(sources, &imported, seen, joined)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sheet_stands_once_in_the_order_of_imports() {
        let files = [
            ("shell/style.css", "@import '../shared/base.css';\n@import '../invite/invite.css';\n/* Why. */\nb { }\n"),
            ("invite/invite.css", "@import '../shared/base.css';\n@media print {\n  i { }\n}\n"),
            ("shared/base.css", "a { }\n"),
        ];
        let mut sources: Sources = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let mut used = BTreeSet::new();
        let joined = join_styles(&sources, "shell/style.css", &mut used);
        assert_eq!(joined.expect("all are there"), "a { }\n@media print {\ni { }\n}\nb { }\n");
        assert_eq!(used.len(), 3);
        sources.remove("shared/base.css");
        let fault = join_styles(&sources, "shell/style.css", &mut used).expect_err("one is missing");
        assert_eq!(fault.to_string(), "shell/style.css:1: there is no such file to import");
    }
}
