//! The names that a template may use, and where.

use super::Part;
use super::language::{Kind, Mustache, Parsed, Tag};
use super::source::Source;

/// The kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text,
    /// A web address.
    Address,
    /// Yes or no: only for `if` and `unless`.
    Flag,
    /// The accounts: only for `each`, `if` and `unless`.
    List,
}

/// Every name outside `each`, what it is, and whether a subject may have it. `data` fills in the same ones.
pub(super) const NAMES: [(&str, Value, bool); 13] = [
    ("name", Value::Text, true),
    ("division.name", Value::Text, true),
    ("division.contactAddress", Value::Text, true),
    ("division.portalUrl", Value::Address, true),
    ("division.logoUrl", Value::Address, true),
    ("temporaryPassword", Value::Text, false),
    ("activationLink", Value::Address, false),
    ("expires", Value::Text, false),
    ("accounts", Value::List, false),
    ("moreAccounts", Value::Text, false),
    ("accountTotal", Value::Text, false),
    ("oneAccount", Value::Flag, false),
    ("earlierPasswordsEnd", Value::Flag, false),
];

/// The secrets; the second contains the first.
pub(super) const SECRETS: [&str; 2] = ["temporaryPassword", "activationLink"];

/// Every name inside `{{#each accounts}}`.
pub(super) const ACCOUNT_NAMES: [&str; 2] = ["this.id", "this.name"];

/// The kind of a name, if it is allowed here.
pub(super) fn value_of(path: &str, in_each: bool) -> Option<Value> {
    if in_each {
        return ACCOUNT_NAMES.contains(&path).then_some(Value::Text);
    }
    NAMES.iter().find(|(name, ..)| *name == path).map(|(_, value, _)| *value)
}

/// Reports every name that is unknown in its place or used wrongly.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>) {
    for mustache in &parsed.mustaches {
        let (path, block) = match mustache.tag {
            Tag::Placeholder(path) => (path, None),
            Tag::Open(kind, path) => (path, Some(kind)),
            Tag::Else | Tag::Close(_) | Tag::Malformed => continue,
        };
        if let Err(message) = check_one(source.part, path, block, mustache.in_each) {
            source.fault(mustache.at.start, message);
        }
    }
}

fn check_one(part: Part, path: &str, block: Option<Kind>, in_each: bool) -> Result<(), String> {
    let Some(value) = value_of(path, in_each) else {
        return Err(if in_each {
            format!("`{path}` is not known inside `each`, which has `this.id` and `this.name`")
        } else if ACCOUNT_NAMES.contains(&path) {
            format!("`{path}` is known only inside `{{{{#each accounts}}}}`")
        } else {
            let names: Vec<_> = NAMES.iter().map(|(name, ..)| *name).collect();
            format!("there is no placeholder `{path}`; there are {}", names.join(", "))
        });
    };
    if part == Part::Subject && !NAMES.iter().any(|(name, _, in_subject)| *name == path && *in_subject) {
        return Err(format!("`{path}` may not stand in the subject"));
    }
    match (block, value) {
        (Some(Kind::Each), Value::List) => Ok(()),
        (Some(Kind::Each), _) => Err("`each` goes through `accounts` and nothing else".to_owned()),
        (None, Value::List) => Err("`accounts` is a list: use `{{#each accounts}}`".to_owned()),
        (None, Value::Flag) => Err(format!("`{path}` is yes or no: use `{{{{#if {path}}}}}`")),
        _ => Ok(()),
    }
}

/// Reports a fault unless the placeholder `path` stands outside of all blocks at an index that `counts`, because it
/// must be in every e-mail.
pub(super) fn check_present(source: &mut Source<'_>, parsed: &Parsed<'_>, path: &str, counts: impl Fn(usize) -> bool) {
    let places = parsed.mustaches.iter().enumerate();
    let mut places =
        places.filter(|(index, mustache)| mustache.tag == Tag::Placeholder(path) && counts(*index)).map(|(_, m)| m);
    let seldom = places.clone().find(|mustache| mustache.depth > 0);
    if places.any(|mustache| mustache.depth == 0) {
        return;
    }
    let how = match (source.part, path) {
        (Part::Html, "activationLink") => "as `<a href=\"{{activationLink}}\">`, outside of all blocks".to_owned(),
        (Part::Html, _) => format!("as `{{{{{path}}}}}` in the text between tags, outside of all blocks"),
        _ => format!("as `{{{{{path}}}}}`, outside of all blocks"),
    };
    let at = seldom.map_or(0, |mustache| mustache.at.start);
    source.fault(at, format!("`{path}` is missing: it must stand in every e-mail, {how}"));
}

/// Reports a subject that may come out empty: something besides values that may be empty must stand outside of blocks.
pub(super) fn check_subject_never_empty(source: &mut Source<'_>, parsed: &Parsed<'_>) {
    let never_empty = |mustache: &Mustache<'_>| {
        let always = ["division.name", "division.contactAddress", "division.portalUrl"];
        mustache.depth == 0 && matches!(mustache.tag, Tag::Placeholder(path) if always.contains(&path))
    };
    let mut from = 0;
    let mut literal = false;
    for mustache in &parsed.mustaches {
        let outside = mustache.depth == 0 && !matches!(mustache.tag, Tag::Else | Tag::Close(_));
        literal |= outside && !source.text[from..mustache.at.start].trim().is_empty();
        from = mustache.at.end;
    }
    literal |= !source.text[from..].trim().is_empty();
    if !literal && !parsed.mustaches.iter().any(never_empty) {
        source.fault(0, "may come out empty: put some text outside of all blocks");
    }
}
