//! Addresses in plain text. Mail programs make a link of whatever looks like an address, so that
//! `https://elsewhere.example/?p={{temporaryPassword}}` would hand the password on. No placeholder may continue an address.

use std::borrow::Cow;

use super::language::{Kind, Parsed, Tag};
use super::placeholders::{Value, value_of};
use super::source::Source;

/// A piece of what a reader sees, in order.
pub(super) enum Event<'s> {
    /// Text, as it is read.
    Text(Cow<'s, str>),
    /// Something that no address goes across, such as an HTML tag.
    Break,
    /// The mustache with this index.
    Mustache(usize),
}

/// The events of a source that is nothing but text.
pub(super) fn events_of_text<'s>(text: &'s str, parsed: &Parsed<'_>) -> Vec<Event<'s>> {
    let mut events = Vec::new();
    let mut from = 0;
    for (index, mustache) in parsed.mustaches.iter().enumerate() {
        events.push(Event::Text(text[from..mustache.at.start].into()));
        events.push(Event::Mustache(index));
        from = mustache.at.end;
    }
    events
}

/// A block that is open: where it began, whether an address was going on there, and at the end of its first branch.
struct Frame {
    kind: Kind,
    began: usize,
    entered: bool,
    first_branch: Option<bool>,
    repeated: bool,
}

/// Tells of every placeholder that would continue an address. Both branches of a block count, and an `each` is gone
/// through twice, since its end comes before its beginning.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>, events: Vec<Event<'_>>) {
    let mut going_on = false;
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = 0;
    while let Some(event) = events.get(next) {
        next += 1;
        let index = match event {
            Event::Text(text) => {
                going_on = after_text(text, going_on);
                continue;
            }
            Event::Break => {
                going_on = false;
                continue;
            }
            Event::Mustache(index) => *index,
        };
        let mustache = &parsed.mustaches[index];
        match mustache.tag {
            Tag::Placeholder(path) => {
                if going_on {
                    let message =
                        "would become part of the address before it: put a space or a line break between them";
                    source.fault(mustache.at.start, message);
                }
                going_on |= value_of(path, mustache.in_each) == Some(Value::Address);
            }
            Tag::Open(kind, _) => {
                frames.push(Frame { kind, began: next, entered: going_on, first_branch: None, repeated: false });
            }
            Tag::Else => {
                if let Some(frame) = frames.last_mut() {
                    frame.first_branch = Some(going_on);
                    going_on = frame.entered;
                }
            }
            Tag::Close(_) => match frames.pop() {
                Some(frame) if frame.kind == Kind::Each && going_on && !frame.entered && !frame.repeated => {
                    next = frame.began;
                    frames.push(Frame { repeated: true, ..frame });
                }
                Some(frame) => going_on |= frame.first_branch.unwrap_or(frame.entered),
                None => {}
            },
            Tag::Malformed => {}
        }
    }
}

/// Whether an address goes on after `text`. What has a slash or a question mark, or begins as web servers are called,
/// counts as one until the next white space: also a part of an address that blocks would put together.
fn after_text(text: &str, before: bool) -> bool {
    let (inner, tail) = match text.rsplit_once(char::is_whitespace) {
        Some((_, tail)) => (false, tail),
        None => (before, text),
    };
    inner || tail.contains(['/', '?']) || tail.to_ascii_lowercase().contains("www.")
}
