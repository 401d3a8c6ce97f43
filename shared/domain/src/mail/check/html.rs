//! The HTML source: the place of each `{{…}}`, and its markup.
//!
//! The tokenizer sees every `{{…}}` as letters. A value is escaped, so in text and in a quoted attribute it can only be
//! text; where a tag begins, letters are the worst case. A block's tags must all stand in text, or all in one
//! attribute's value: then every choice of branches is tokenised as the whole was.

pub(super) mod allowed;
pub(super) mod css;
mod lang;
pub(super) mod lines;
pub(super) mod tokens;
mod tracking;

use std::ops::Range;

use html5gum::Error;

use self::lines::Tables;
use self::tokens::{Token, tokens};
use super::language::{Mustache, Parsed, Tag};
use super::placeholders::{SECRETS, check_present};
use super::runs::{self, Event};
use super::source::Source;

pub(in crate::mail) use lang::in_language;
pub(in crate::mail) use tracking::without_tracking;

/// A place where a mustache may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    /// Text between tags.
    Text,
    /// Text of the title that begins there.
    Title(usize),
    /// The quoted value of the attribute that begins there.
    Attribute(usize),
}

/// Reports everything in the HTML that is not allowed.
pub(super) fn check<'s>(source: &mut Source<'s>, parsed: &Parsed<'s>) {
    let filled = tokens::filled(source.text, parsed.mustaches.iter().map(|mustache| &mustache.at));
    let mut walk = Walk {
        parsed,
        spots: vec![None; parsed.mustaches.len()],
        links: vec![false; parsed.mustaches.len()],
        events: Vec::new(),
        titles: Vec::new(),
        tables: Tables::default(),
        blocks: Vec::new(),
        element: (0, String::new()),
        attributes: Vec::new(),
        inside: None,
    };
    for (token, span) in tokens(&filled) {
        walk.token(source, token, span);
    }
    let Walk { spots, links, events, titles, inside, .. } = walk;
    if let Some((began, name)) = inside {
        source.fault(began, format!("`<{name}>` is not closed: what comes after it would not be shown"));
    }
    for (mustache, spot) in parsed.mustaches.iter().zip(&spots) {
        if spot.is_none() && mustache.tag != Tag::Malformed {
            let message = "may stand in text or in a quoted attribute value, and nowhere else: not in a tag's or an attribute's name, \
                           an unquoted value, a comment, a style or a script";
            source.fault(mustache.at.start, message);
        }
    }
    for block in &parsed.blocks {
        let mut of_block = block.iter().map(|index| spots[*index]);
        let first = of_block.next().flatten();
        if first.is_some() && of_block.any(|spot| spot.is_some() && spot != first) {
            let at = parsed.mustaches[block[0]].at.start;
            source.fault(at, "a block must begin and end in text, or in one and the same attribute value");
        }
    }
    runs::check(source, parsed, &events);
    runs::check(source, parsed, &titles);
    check_present(source, parsed, "temporaryPassword", |index| spots[index] == Some(Spot::Text));
    check_present(source, parsed, "activationLink", |index| links[index]);
}

/// State of the walk through the tokens.
struct Walk<'s, 'p> {
    parsed: &'p Parsed<'s>,
    spots: Vec<Option<Spot>>,
    /// Which mustaches are the `href` of an `a`.
    links: Vec<bool>,
    /// The text, and separately the text of titles, which is shown elsewhere.
    events: Vec<Event<'s>>,
    titles: Vec<Event<'s>>,
    tables: Tables,
    /// The tables where each open block began.
    blocks: Vec<Tables>,
    /// Start and name of the tag that is being read.
    element: (usize, String),
    /// The attributes that it has so far.
    attributes: Vec<String>,
    /// The element whose content is no markup (title, style, …), and where it began.
    inside: Option<(usize, String)>,
}

impl<'s> Walk<'s, '_> {
    fn token(&mut self, source: &mut Source<'s>, token: Token, span: Range<usize>) {
        let begins_line = match &token {
            Token::Open(name) => self.tables.tag(name, false),
            Token::Close(name) => self.tables.tag(name, true),
            _ => false,
        };
        if begins_line {
            self.events.push(Event::Break);
        }
        match token {
            Token::Open(name) => {
                if let Err(message) = allowed::element(&name, &source.quote(span.clone())) {
                    source.fault(span.start, message);
                }
                self.element = (span.start, name);
                self.attributes.clear();
            }
            Token::Attribute(name, value) => self.attribute(source, &name, value, span),
            Token::Opened => {
                if allowed::has_no_markup_inside(&self.element.1) {
                    self.inside = Some(self.element.clone());
                }
            }
            Token::Close(name) => {
                if self.inside.as_ref().is_some_and(|(_, inside)| *inside == name) {
                    self.inside = None;
                }
                if let Err(message) = allowed::element(&name, &source.quote(span.clone())) {
                    source.fault(span.start, message);
                }
            }
            Token::Text => self.text(source, span),
            Token::Comment(comment) => {
                if comment.trim_start().starts_with('[') {
                    let message = "conditional comments are not possible: what they show in Outlook can't be checked";
                    source.fault(span.start, message);
                }
            }
            Token::Doctype => {}
            Token::Error(error) => {
                let harmless = [Error::MissingSemicolonAfterCharacterReference, Error::UnknownNamedCharacterReference];
                if !harmless.contains(&error) {
                    let at = place_of(error, source.text, span.start);
                    source.fault(at, format!("is not proper HTML here ({error})"));
                }
            }
        }
    }

    fn text(&mut self, source: &mut Source<'s>, span: Range<usize>) {
        let spot = match &self.inside {
            None => Some(Spot::Text),
            Some((began, name)) if name == "title" => Some(Spot::Title(*began)),
            Some(_) => None,
        };
        match &self.inside {
            Some((_, name)) if name == "style" => css::check(source, &source.text[span.clone()], |at| span.start + at),
            // A title ends at `</title`, which an empty placeholder could split.
            Some((_, name)) if name == "title" => {
                if let Some(at) = source.text[span.clone()].find('<') {
                    source.fault(span.start + at, "a title has no tags inside");
                }
            }
            _ => {}
        }
        let mut events = Vec::new();
        let mut from = span.start;
        for index in self.mustaches_in(&span) {
            let Mustache { at, tag, .. } = &self.parsed.mustaches[index];
            self.spots[index] = spot;
            let before = &source.text[from..at.start];
            if ends_in_reference(before) && !matches!(tag, Tag::Malformed) {
                source.fault(
                    at.start,
                    "stands in a character reference: write `&amp;` for `&`, or end the reference with `;`",
                );
            }
            if spot == Some(Spot::Text) {
                self.in_tables(source, from, before);
                self.block_in_tables(source, at.start, *tag);
            }
            events.extend([Event::Text(tokens::read(before)), Event::Mustache(index)]);
            from = at.end;
        }
        let rest = &source.text[from..span.end];
        events.push(Event::Text(tokens::read(rest)));
        match spot {
            Some(Spot::Text) => {
                self.in_tables(source, from, rest);
                self.events.append(&mut events);
            }
            Some(_) => {
                self.no_secrets(source, self.mustaches_in(&span), "the title");
                self.titles.push(Event::Break);
                self.titles.append(&mut events);
            }
            // Nobody sees a comment.
            None => {}
        }
    }

    /// Reports text in a table outside of a cell.
    fn in_tables(&self, source: &mut Source<'s>, at: usize, text: &str) {
        if self.tables.wants_no_text() && !text.trim_ascii().is_empty() {
            let start = at + text.len() - text.trim_ascii_start().len();
            source.fault(start, "text in a table must stand in a cell: it would be shown before the table");
        }
    }

    /// Reports a placeholder there, and a block that opens or closes a table or a cell for what follows it: line
    /// beginnings would depend on values.
    fn block_in_tables(&mut self, source: &mut Source<'s>, at: usize, tag: Tag<'s>) {
        let as_began = match tag {
            Tag::Placeholder(_) => {
                self.in_tables(source, at, "x");
                return;
            }
            Tag::Open(..) => {
                self.blocks.push(self.tables.clone());
                return;
            }
            Tag::Else => self.blocks.last().cloned(),
            Tag::Close(_) => self.blocks.pop(),
            Tag::Malformed => return,
        };
        if as_began.is_some_and(|began| began != self.tables) {
            source.fault(at, "a block must close the tables and cells that it opens, and no others");
        }
    }

    fn attribute(&mut self, source: &mut Source<'s>, name: &str, value: Option<String>, span: Range<usize>) {
        let (_, element) = &self.element;
        let Some(value) = value else {
            if let Err(message) = allowed::attribute(element, name) {
                source.fault(span.start, message);
            }
            // The first one counts for a browser, the last one for other readers.
            if self.attributes.iter().any(|before| before.eq_ignore_ascii_case(name)) {
                source.fault(span.start, format!("the attribute `{name}` stands here twice"));
            } else {
                self.attributes.push(name.to_owned());
            }
            return;
        };
        let inside = self.mustaches_in(&span);
        // Quoted, if the value ends with the quote that it began with.
        let quote = source.text.as_bytes().get(span.start.wrapping_sub(1)).filter(|byte| b"\"'".contains(byte));
        if quote.is_some() {
            self.spots[inside.clone()].fill(Some(Spot::Attribute(span.start)));
        }
        // `{{ name }}` counts as `{{name}}`.
        let raw = match self.parsed.mustaches.get(inside.clone()) {
            Some([Mustache { at, tag: Tag::Placeholder(path), .. }]) => {
                format!("{}{{{{{path}}}}}{}", &source.text[span.start..at.start], &source.text[at.end..span.end])
            }
            _ => source.text[span.clone()].to_owned(),
        };
        if let Err(message) = allowed::value(element, name, &value, &raw, !inside.is_empty()) {
            source.fault(span.start, message);
        }
        if name == "style" {
            css::check(source, &value, |_| span.start);
        }
        if element == "a" && name == "href" && raw == "{{activationLink}}" {
            self.links[inside].fill(quote.is_some());
        } else {
            self.no_secrets(source, inside, &format!("the attribute `{name}`"));
        }
    }

    /// Reports secrets in places that people don't read, because machines read those and pass them on.
    fn no_secrets(&self, source: &mut Source<'s>, mustaches: Range<usize>, place: &str) {
        for Mustache { at, tag, .. } in &self.parsed.mustaches[mustaches] {
            if let Tag::Placeholder(path) = tag
                && SECRETS.contains(path)
            {
                let message =
                    format!("`{path}` may stand in text and as `<a href=\"{{{{activationLink}}}}\">`, not in {place}");
                source.fault(at.start, message);
            }
        }
    }

    /// The mustaches that stand wholly within these bytes.
    fn mustaches_in(&self, span: &Range<usize>) -> Range<usize> {
        let mustaches = &self.parsed.mustaches;
        let first = mustaches.partition_point(|mustache| mustache.at.start < span.start);
        first..mustaches.partition_point(|mustache| mustache.at.end <= span.end).max(first)
    }
}

/// Whether `text` ends within a character reference, such as `&#4`, that what comes next could go on with.
fn ends_in_reference(text: &str) -> bool {
    text.rsplit_once('&').is_some_and(|(_, rest)| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '#'))
}

/// Position of an error that the tokenizer noticed at `noticed`: the character before, or the `<` that begins no tag.
fn place_of(error: Error, text: &str, noticed: usize) -> usize {
    let at_end = noticed >= text.len() && error.as_str().starts_with("eof");
    let at = if at_end { text.len() } else { text.floor_char_boundary(noticed.saturating_sub(1)) };
    if text[..at].ends_with('<') { at - 1 } else { at }
}

/// The tags of an HTML text: names of elements and attributes, and what links and pictures point to by scheme; for
/// tests.
#[cfg(test)]
pub(super) fn markup_of(html: &str) -> Vec<String> {
    let shape = |(token, _)| match token {
        Token::Open(name) => Some(format!("<{name}")),
        Token::Attribute(name, Some(value)) if name == "href" || name == "src" => {
            Some(format!("{name}={}", value.split(':').next().unwrap_or_default()))
        }
        Token::Attribute(name, None) => Some(name),
        Token::Close(name) => Some(format!("</{name}")),
        Token::Comment(comment) => Some(format!("<!--{comment}")),
        _ => None,
    };
    tokens(html).into_iter().filter_map(shape).collect()
}
