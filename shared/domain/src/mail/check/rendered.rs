//! Checks the e-mails themselves: the result of Handlebars for a body with marked values, in every case that makes a
//! difference ([`cases`]), as a reader of the HTML sees it.
//!
//! The source is checked first, because it gives the position of each fault. But it is not what is mailed: Handlebars
//! drops the line break after a tag that stands alone on its line, styles hide and move things, and blocks compose
//! links. Faults that only show there are reported here.

mod cases;
mod hidden;
mod html;
mod links;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::cases::{Case, mark_of};
use self::links::Link;
use super::language::{Kind, Mustache, Parsed, Tag};
use super::placeholders::{SECRETS, value_of};
use super::runs::{Faults, Word};
use super::source::Source;
use super::{Part, address};
use crate::mail::render::Body;

pub(super) use cases::path_of;

/// Placeholders that are addresses.
pub(super) const ADDRESSES: [&str; 4] =
    ["activationLink", "division.portalUrl", "division.logoUrl", "division.contactAddress"];

/// Most bytes that all cases of a body may have together: a bound for the work of one check.
const MOST_BYTES: usize = 20_000_000;

/// What an e-mail shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// All text, with a line break wherever a line begins for everybody.
    pub text: String,
    /// The same without what is hidden.
    pub seen: String,
    /// Links, with a mark for a value.
    links: Vec<Link>,
    /// Addresses of pictures.
    pictures: Vec<String>,
    /// Values in places that people don't read, and these places.
    misplaced: Vec<(char, String)>,
}

impl Shown {
    fn of_text(text: String) -> Self {
        Self { seen: text.clone(), text, ..Self::default() }
    }

    /// The texts in which a program may look for addresses: with hidden parts, and without.
    fn texts(&self) -> impl Iterator<Item = &str> {
        [&self.text, &self.seen].into_iter().take(1 + usize::from(self.seen != self.text)).map(String::as_str)
    }

    /// The servers that literal addresses in it name.
    fn hosts(&self) -> impl Iterator<Item = String> {
        let linked = self.links.iter().flat_map(|link| links::hosts(&link.target));
        let pictures = self.pictures.iter().flat_map(|picture| links::hosts(picture));
        self.texts().flat_map(address::hosts).chain(linked).chain(pictures)
    }
}

/// Reports faults of the e-mails of a body whose source has none; returns the servers that they name.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    let body = match source.part {
        Part::Html => Body::html(source.text),
        part => Body::plain(part.field(), source.text),
    };
    let Ok(body) = body else {
        source.fault(0, "can't be filled in");
        return hosts;
    };
    let sheets = html::sheets(source.text, parsed);
    let mut bytes = 0;
    for case in cases::cases(parsed) {
        let Ok(email) = body.fill(&case.data) else {
            source.fault(0, "can't be filled in");
            break;
        };
        bytes += email.len();
        if bytes > MOST_BYTES {
            source.fault(
                0,
                "is too long for so many blocks: every combination of what they show is checked. Use fewer of them",
            );
            break;
        }
        let shown = if source.part == Part::Html { html::shown(&email, &sheets) } else { Shown::of_text(email) };
        hosts.extend(shown.hosts());
        if source.part != Part::Subject {
            tell(source, parsed, &case, &shown);
        }
        if !source.is_clean() {
            break;
        }
    }
    hosts
}

/// A fault of an e-mail.
struct Fault {
    /// The placeholder concerned, if any.
    path: &'static str,
    /// Which one of those in the text.
    nth: usize,
    message: String,
}

impl Fault {
    fn new(path: &'static str, nth: usize, message: &str) -> Self {
        Self { path, nth, message: format!("`{path}` {message}") }
    }
}

fn tell(source: &mut Source<'_>, parsed: &Parsed<'_>, case: &Case, shown: &Shown) {
    let mut found: Vec<Fault> = shown.texts().flat_map(|text| joined(text).into_iter().chain(enclosed(text))).collect();
    let misplaced = shown.misplaced.iter().filter_map(|(mark, place)| Some((path_of(*mark)?, place)));
    found.extend(misplaced.map(|(path, place)| Fault::new(path, 0, &format!("may not stand in {place}"))));
    let about_all = |message: String| Fault { path: "", nth: 0, message };
    for (link, lie) in shown.links.iter().filter_map(|link| Some((link, link.lie()?))) {
        let value = link.target.chars().find_map(path_of).map(|path| place(source.text, parsed, case, path, 0));
        source.fault(value.or_else(|| source.text.find(&link.target)).unwrap_or_default(), lie);
    }
    if shown.text.contains(['\u{202d}', '\u{202e}']) {
        found.push(about_all("has a character that turns the direction of text around".to_owned()));
    }
    if source.part == Part::Html {
        if !shown.seen.contains(mark_of("temporaryPassword")) {
            found.push(Fault::new("temporaryPassword", 0, "is hidden, or a style may hide it: everybody must see it"));
        }
        if !shown.links.iter().any(Link::shows_activation) {
            let message = "is hidden, or a style may hide it: a link to it must have something to see in it, a text or a \
                 picture, and end with all that is in it";
            found.push(Fault::new("activationLink", 0, message));
        }
    }
    let case_of = match &case.empty[..] {
        [] => String::new(),
        empty => format!(" (in an e-mail without {})", empty.join(", ")),
    };
    for Fault { path, nth, message } in found {
        source.fault(place(source.text, parsed, case, path, nth), message + &case_of);
    }
}

/// Position in the source of the nth of these placeholders in the text of this case's e-mail; of the first one if that
/// isn't known.
fn place(text: &str, parsed: &Parsed<'_>, case: &Case, path: &str, nth: usize) -> usize {
    let mut blocks = Vec::new();
    let (mut shown, mut first) = (Vec::new(), None);
    for Mustache { at, tag, .. } in &parsed.mustaches {
        match tag {
            Tag::Open(Kind::Unless, tested) => blocks.push(case.empty.contains(tested)),
            Tag::Open(_, tested) => blocks.push(!case.empty.contains(tested)),
            Tag::Else => blocks.iter_mut().rev().take(1).for_each(|is_shown| *is_shown = !*is_shown),
            Tag::Close(_) => drop(blocks.pop()),
            Tag::Placeholder(name) if *name == path => {
                first.get_or_insert(at.start);
                let is_target = ["=\"", "='"].iter().any(|quote| text[..at.start].ends_with(quote));
                if !is_target && blocks.iter().all(|is_shown| *is_shown) {
                    shown.push(at.start);
                }
            }
            Tag::Placeholder(_) | Tag::Malformed => {}
        }
    }
    shown.get(nth).copied().or(first).unwrap_or_default()
}

/// The rules about addresses, on a text with marks.
fn joined(text: &str) -> Vec<Fault> {
    let (mut word, mut faults) = (Word::default(), Faults::new());
    let mut from = 0;
    for (at, mark) in text.char_indices() {
        let Some(path) = path_of(mark) else { continue };
        word.text(&mut faults, &text[from..at]);
        word.placeholder(&mut faults, at, path, value_of(path, path.starts_with("this.")));
        from = at + mark.len_utf8();
    }
    word.text(&mut faults, &text[from..]);
    let fault = |(at, message): (usize, &str)| {
        let mark = text[at..].chars().next()?;
        Some(Fault::new(path_of(mark)?, text[..at].matches(mark).count(), message))
    };
    faults.into_iter().filter_map(fault).collect()
}

/// Secrets together with an address between `<` and `>` or between double quotes: Thunderbird (RFC 2396, appendix E)
/// and Outlook turn all of that into one link, without its white space.
fn enclosed(text: &str) -> Vec<Fault> {
    const MESSAGE: &str =
        "stands with an address between quotes or angle brackets, where some mail programs take all for one address";
    let is_secret = |mark: char| path_of(mark).is_some_and(|path| SECRETS.contains(&path));
    let mut faults = Vec::new();
    let mut start: Option<(usize, &str)> = None;
    for (end, mark) in text.match_indices(['<', '>', '"']) {
        if let Some((start, "<" | "\"")) = start.replace((end, mark))
            && matches!((&text[start..=start], mark), ("<", ">") | ("\"", "\""))
            && let inside = &text[start + 1..end]
            && let Some(at) = inside.find(is_secret)
            && is_address(inside)
        {
            let secret = inside[at..].chars().next().unwrap_or_default();
            let nth = text[..start + 1 + at].matches(secret).count();
            faults.extend(path_of(secret).map(|path| Fault::new(path, nth, MESSAGE)));
        }
    }
    faults
}

/// Whether a text with these values of password and link has one of them between brackets or quotes with an address.
pub(in crate::mail) fn encloses_secret(text: &str, [password, link]: [&str; 2]) -> bool {
    let mark = |path| mark_of(path).to_string();
    // The link has the password in it.
    let marked = text.replace(link, &mark("activationLink")).replace(password, &mark("temporaryPassword"));
    !enclosed(&marked).is_empty()
}

/// Whether something between quotes or brackets would be an address, its white space taken out. A name at its beginning
/// may be one.
fn is_address(inside: &str) -> bool {
    const NAMES: [&str; 4] = ["name", "division.name", "this.name", "this.id"];
    const KNOWN: [&str; 7] = ["http:", "https:", "ftp:", "mailto:", "file:", "url:", "www."];
    let inside = inside.trim_start();
    let squeezed: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
    let start = squeezed.chars().take(10).collect::<String>().to_ascii_lowercase();
    let has_scheme = inside.split_once(':').is_some_and(|(scheme, _)| !scheme.contains(char::is_whitespace));
    inside.contains('@')
        || KNOWN.iter().any(|known| start.starts_with(known))
        || has_scheme && squeezed.contains("//")
        || inside.chars().next().and_then(path_of).is_some_and(|path| NAMES.contains(&path))
}
