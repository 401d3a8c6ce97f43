//! The language of templates, as an allow-list: `{{path}}`, `{{#if path}}`, `{{#unless path}}`, `{{#each path}}`,
//! `{{else}}` and their ends. Spaces may stand inside the braces.

use std::ops::Range;

use super::source::Source;

/// Deepest nesting of blocks.
const DEPTH: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    If,
    Unless,
    Each,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::If, Self::Unless, Self::Each];

    pub fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
            Self::Each => "each",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag<'s> {
    Placeholder(&'s str),
    Open(Kind, &'s str),
    Else,
    Close(Kind),
    /// A fault that has been reported.
    Malformed,
}

/// One `{{…}}`.
#[derive(Clone, Debug)]
pub(super) struct Mustache<'s> {
    /// Its bytes, braces included.
    pub at: Range<usize>,
    pub tag: Tag<'s>,
    /// How many blocks are open around it (for a block's own tags: without that block).
    pub depth: usize,
    /// Whether it stands in an `each`.
    pub in_each: bool,
}

/// The mustaches of a source.
#[derive(Debug, Default)]
pub(super) struct Parsed<'s> {
    /// In the order of the source.
    pub mustaches: Vec<Mustache<'s>>,
    /// The tags of each block by their index in `mustaches`: open, else, close, as far as they are there.
    pub blocks: Vec<Vec<usize>>,
}

/// Finds every `{{…}}`, and reports those that are not in the language and unbalanced blocks.
pub(super) fn parse<'s>(source: &mut Source<'s>) -> Parsed<'s> {
    let mut parsed = Parsed::default();
    let mut open: Vec<(Kind, usize)> = Vec::new();
    let mut from = 0;
    while let Some(start) = source.text[from..].find("{{").map(|at| from + at) {
        let (at, tag) = read(source, start);
        from = at.end;
        let index = parsed.mustaches.len();
        match tag {
            Tag::Open(kind, _) => {
                if open.len() >= DEPTH {
                    source.fault(at.start, format!("blocks may be nested at most {DEPTH} deep"));
                }
                open.push((kind, parsed.blocks.len()));
                parsed.blocks.push(vec![index]);
            }
            Tag::Else => match open.last() {
                Some((Kind::Each, _)) => {
                    source.fault(at.start, "`each` has no `{{else}}` here: use `{{#if accounts}}`")
                }
                Some((_, block)) if parsed.blocks[*block].len() == 1 => parsed.blocks[*block].push(index),
                Some(_) => source.fault(at.start, "this block has an `{{else}}` already"),
                None => source.fault(at.start, "`{{else}}` stands in no block"),
            },
            Tag::Close(kind) => match open.last() {
                Some((last, block)) if *last == kind => {
                    parsed.blocks[*block].push(index);
                    open.pop();
                }
                Some((last, _)) => {
                    let (last, kind) = (last.name(), kind.name());
                    source
                        .fault(at.start, format!("`{{{{/{kind}}}}}` can't close the block `{last}` that is open here"));
                }
                None => source.fault(at.start, format!("there is no open block `{}` to close", kind.name())),
            },
            Tag::Placeholder(_) | Tag::Malformed => {}
        }
        let own = usize::from(matches!(tag, Tag::Open(..)) || matches!(tag, Tag::Else) && !open.is_empty());
        let around = &open[..open.len() - own];
        let (depth, in_each) = (around.len(), around.iter().any(|(kind, _)| *kind == Kind::Each));
        parsed.mustaches.push(Mustache { at, tag, depth, in_each });
    }
    for (kind, block) in open {
        let opened = parsed.mustaches[parsed.blocks[block][0]].at.start;
        let name = kind.name();
        source.fault(opened, format!("this block is not closed: `{{{{/{name}}}}}` is missing"));
    }
    parsed
}

/// Reads the `{{` at `start` and reports its faults.
fn read<'s>(source: &mut Source<'s>, start: usize) -> (Range<usize>, Tag<'s>) {
    let text = source.text;
    if text[..start].ends_with('\\') {
        source.fault(start - 1, "a backslash before `{{` is not possible: it would switch the placeholder off");
    }
    let inside = start + 2;
    let close = text[inside..].find("}}").map(|at| inside + at);
    let Some(close) = close.filter(|close| !text[inside..*close].trim_start_matches('{').contains("{{")) else {
        source.fault(start, "`{{` is not closed by `}}`");
        return (start..inside, Tag::Malformed);
    };
    let braces = text[close..].len() - text[close..].trim_start_matches('}').len();
    let at = start..close + braces;
    let inner = &text[inside..close];
    let tag = if inner.starts_with('{') {
        source.fault(start, "`{{{` is not possible: every value is escaped");
        Tag::Malformed
    } else if braces > 2 {
        source.fault(close, "there is a `}` too many");
        Tag::Malformed
    } else {
        classify(inner.trim_matches(' ')).unwrap_or_else(|message| {
            source.fault(start, message);
            Tag::Malformed
        })
    };
    (at, tag)
}

fn classify(inner: &str) -> Result<Tag<'_>, String> {
    let refused = match inner.chars().next() {
        None => "`{{}}` names no placeholder",
        Some('~') => "`~` is not possible: white space stays as it is written",
        Some('&') => "`{{&` is not possible: every value is escaped",
        Some('!') => "comments are not possible in a template",
        Some('>') => "partials (`{{>`) are not possible",
        Some('*') => "decorators (`{{*`) are not possible",
        Some('^') => "`{{^` is not possible: use `{{else}}` or `{{#unless …}}`",
        Some('#') if inner.starts_with("#>") => "partials (`{{#>`) are not possible",
        Some('#') if inner.starts_with("#*") => "decorators and inline partials (`{{#*`) are not possible",
        Some('#') => return open(inner),
        Some('/') => return close(inner),
        Some(_) => return placeholder(inner),
    };
    Err(refused.to_owned())
}

fn open(inner: &str) -> Result<Tag<'_>, String> {
    let mut words = inner[1..].split(' ').filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name && inner[1..].starts_with(name)) else {
        return Err("the only blocks are `{{#if …}}`, `{{#unless …}}` and `{{#each …}}`".to_owned());
    };
    match (words.next(), words.next()) {
        (Some(path), None) if is_path(path) => Ok(Tag::Open(kind, path)),
        _ => Err(format!("`{name}` takes the name of one placeholder and nothing else")),
    }
}

fn close(inner: &str) -> Result<Tag<'_>, String> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == &inner[1..]);
    kind.map(Tag::Close).ok_or_else(|| "a block ends with `{{/if}}`, `{{/unless}}` or `{{/each}}`".to_owned())
}

fn placeholder(inner: &str) -> Result<Tag<'_>, String> {
    if inner == "else" {
        Ok(Tag::Else)
    } else if inner.starts_with("else ") {
        Err("`{{else}}` takes no condition: put an `{{#if …}}` after it".to_owned())
    } else if is_path(inner) {
        Ok(Tag::Placeholder(inner))
    } else {
        Err("a placeholder is a name and nothing else, such as `{{division.name}}`".to_owned())
    }
}

fn is_path(text: &str) -> bool {
    text.split('.').all(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()))
}
