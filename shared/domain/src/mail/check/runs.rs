//! Addresses in plain text. Mail programs make a link of whatever looks like an address, so that
//! `https://elsewhere.example/?p={{temporaryPassword}}` and `{{temporaryPassword}}.elsewhere.example` would hand the password on. No
//! placeholder may continue an address, nor begin one.

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
    events.push(Event::Text(text[from..].into()));
    events
}

/// What stands before a place, back to the last white space or line break. Where several ways lead to a place, all that any
/// of them brings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Run {
    /// An address is going on.
    address: bool,
    /// A dot or a hash sign stands there: what follows may be the end of a host's name or what a link carries.
    dotted: bool,
    /// A password or a link that holds it ends here, or has nothing but closing punctuation behind it.
    after_secret: bool,
    /// A placeholder's value ends here, or is going on.
    after_value: bool,
    /// The last character is a dot.
    dot: bool,
}

/// What may follow a secret without a space: no address goes on with these and nothing else.
const CLOSING: &str = ".,;:!?)]}\"'”’»*_";

impl Run {
    /// Goes on over `text`, and says whether what stands before it would become a part of an address.
    fn read(&mut self, text: &str) -> bool {
        let mut harmful = false;
        for c in text.chars() {
            if c.is_whitespace() {
                *self = Self::default();
                continue;
            }
            harmful |= self.after_secret && !CLOSING.contains(c);
            harmful |= self.after_value && ("@/".contains(c) || (self.dot && c.is_alphanumeric()));
            self.address |= "/?@".contains(c) || (c == '#' && self.dotted);
            self.dotted |= ".#".contains(c);
            self.dot = c == '.';
        }
        let tail = text.rsplit(char::is_whitespace).next().unwrap_or_default();
        self.address |= tail.to_ascii_lowercase().contains("www.");
        harmful
    }

    fn or(self, other: Self) -> Self {
        Self {
            address: self.address || other.address,
            dotted: self.dotted || other.dotted,
            after_secret: self.after_secret || other.after_secret,
            after_value: self.after_value || other.after_value,
            dot: self.dot || other.dot,
        }
    }
}

/// A block that is open: where it began, what stood before it, and before the end of its first branch.
struct Frame {
    kind: Kind,
    began: usize,
    entered: Run,
    first_branch: Option<Run>,
    repeated: bool,
}

/// Tells of every placeholder that would become a part of an address, with what is before it or behind. Both branches of a block
/// count, and an `each` is gone through twice, since its end comes before its beginning.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>, events: Vec<Event<'_>>) {
    let mut run = Run::default();
    let mut frames: Vec<Frame> = Vec::new();
    let mut last = None;
    let mut next = 0;
    while let Some(event) = events.get(next) {
        next += 1;
        let index = match event {
            Event::Text(text) => {
                if let Some(at) = run.read(text).then_some(last).flatten() {
                    source.fault(at, "would become part of an address with what follows: put a space between them");
                    last = None;
                }
                continue;
            }
            Event::Break => {
                run = Run::default();
                continue;
            }
            Event::Mustache(index) => *index,
        };
        let mustache = &parsed.mustaches[index];
        match mustache.tag {
            Tag::Placeholder(path) => {
                let secret = ["temporaryPassword", "activationLink"].contains(&path);
                if run.address || (secret && run.dotted) {
                    let message =
                        "would become part of the address before it: put a space or a line break between them";
                    source.fault(mustache.at.start, message);
                }
                let is_address = value_of(path, mustache.in_each) == Some(Value::Address);
                run.address |= is_address;
                run.after_secret |= secret;
                // The portal's own address may go on.
                run.after_value |= secret || !is_address;
                run.dot = false;
                last = Some(mustache.at.start);
            }
            Tag::Open(kind, _) => {
                frames.push(Frame { kind, began: next, entered: run, first_branch: None, repeated: false });
            }
            Tag::Else => {
                if let Some(frame) = frames.last_mut() {
                    frame.first_branch = Some(run);
                    run = frame.entered;
                }
            }
            Tag::Close(_) => match frames.pop() {
                Some(frame)
                    if frame.kind == Kind::Each && run.or(frame.entered) != frame.entered && !frame.repeated =>
                {
                    next = frame.began;
                    run = run.or(frame.entered);
                    frames.push(Frame { repeated: true, entered: run, ..frame });
                }
                Some(frame) => run = run.or(frame.first_branch.unwrap_or(frame.entered)),
                None => {}
            },
            Tag::Malformed => {}
        }
    }
}
