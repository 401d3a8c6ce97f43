//! Addresses in plain text. Mail programs turn whatever looks like an address into a link, so
//! `https://elsewhere.example/?p={{temporaryPassword}}` or `{{temporaryPassword}}.elsewhere.example` would disclose the
//! password. No placeholder may continue or begin an address, and a secret must stand by itself (guarantee 10).

use std::borrow::Cow;

use super::MOST_FAULTS;
use super::language::{Kind, Parsed, Tag};
use super::placeholders::{SECRETS, Value, value_of};
use super::source::Source;

/// A piece of what a reader sees, in order.
pub(super) enum Event<'s> {
    /// Text, as it is read.
    Text(Cow<'s, str>),
    /// A break that no address crosses: the tag of an element that begins a line.
    Break,
    /// The mustache with this index.
    Mustache(usize),
}

/// Characters allowed between white space and a secret.
const OPENING: &str = "\"'“”‘’„‚«»‹›([{<";

/// Characters allowed between a secret and white space.
const CLOSING: &str = "\"'“”‘’«»‹›)]}>.,;:!?…";

/// How many times the body of an `each` is walked, because its end precedes its beginning.
const ROUNDS: u8 = 3;

/// Characters at which every program that finds addresses in text ends an address: ASCII white space and U+00A0. Some
/// treat other Unicode spaces (U+2003, U+2009, U+2028) as part of the address.
pub(super) fn separates(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{a0}'
}

/// Placeholders, by the caller's key, and the fault of each.
pub(super) type Faults = Vec<(usize, &'static str)>;

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

/// What may stand between the last separator and here, on any path through the blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// An address, or part of one.
    address: bool,
    /// Something besides opening punctuation.
    begun: bool,
    /// A letter or digit right before.
    letter: bool,
    /// A dot right before.
    dot: bool,
    /// Where the secrets are.
    secrets: Vec<usize>,
    /// Where the other placeholders are that could be part of a server's name or stand before an `@`, and whether each
    /// is an address, which may have a path.
    values: Vec<(usize, bool)>,
}

impl Word {
    fn join(&mut self, other: &Self) {
        self.address |= other.address;
        self.begun |= other.begun;
        self.letter |= other.letter;
        self.dot |= other.dot;
        self.secrets.extend(&other.secrets);
        self.secrets.sort_unstable();
        self.secrets.dedup();
        self.values.extend(&other.values);
        self.values.sort_unstable();
        self.values.dedup();
        self.values.truncate(MOST_FAULTS);
    }

    /// Goes on over text.
    pub fn text(&mut self, faults: &mut Faults, text: &str) {
        for c in text.chars() {
            // Browsers treat these as dots in a server's name.
            let c = if "。．｡".contains(c) { '.' } else { c };
            if separates(c) {
                *self = Self::default();
                continue;
            }
            if !CLOSING.contains(c) {
                faults.extend(self.secrets.drain(..).map(|at| (at, ALONE)));
            }
            self.character(faults, c);
        }
    }

    fn character(&mut self, faults: &mut Faults, c: char) {
        let letter = c.is_alphanumeric();
        let begins = c == '@' || letter && self.dot;
        self.values.retain(|(at, is_address)| {
            let refused = begins || c == '/' && !is_address;
            if refused {
                let message = "would become part of the address after it: put a space or a line break between them";
                faults.push((*at, message));
            }
            !refused && !['/', '?', '#', '"', '<', '>'].contains(&c)
        });
        // Text with one of these, or with a dot inside, counts as an address, as does a part of one that blocks would
        // compose.
        self.address |= ['/', '?', '@'].contains(&c) || c == '.' && self.letter || begins;
        self.begun |= !OPENING.contains(c);
        self.letter = letter;
        self.dot = c == '.';
    }

    /// Continues over the placeholder with the caller's key `at`.
    pub fn placeholder(&mut self, faults: &mut Faults, at: usize, path: &str, value: Option<Value>) {
        let is_secret = SECRETS.contains(&path);
        faults.extend(self.secrets.drain(..).map(|before| (before, ALONE)));
        if self.address {
            faults.push((at, "would become part of the address before it: put a space or a line break between them"));
        } else if is_secret && self.begun {
            faults.push((at, ALONE));
        }
        let is_address = value == Some(Value::Address);
        if is_secret {
            self.secrets.push(at);
        } else if self.values.len() < MOST_FAULTS {
            // Further ones would not change the result.
            self.values.push((at, is_address));
        }
        self.address |= is_address || path == "division.contactAddress";
        self.begun = true;
    }
}

const ALONE: &str = "must stand by itself, so that no mail program makes an address of it and its neighbours: put a space or a line \
                     break before and after it (quotes, brackets and a full stop may stand between)";

/// A block that is open: where it began, what stood there, and at the end of its first branch.
struct Frame {
    kind: Kind,
    began: usize,
    entered: Word,
    first_branch: Option<Word>,
    round: u8,
}

/// Reports every placeholder that could become part of an address. Both branches of a block count, and an `each` may be
/// empty.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>, events: &[Event<'_>]) {
    let mut word = Word::default();
    let mut faults = Faults::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = 0;
    while let Some(event) = events.get(next) {
        next += 1;
        let index = match event {
            Event::Text(text) => {
                word.text(&mut faults, text);
                continue;
            }
            Event::Break => {
                word = Word::default();
                continue;
            }
            Event::Mustache(index) => *index,
        };
        let mustache = &parsed.mustaches[index];
        match mustache.tag {
            Tag::Placeholder(path) => {
                word.placeholder(&mut faults, mustache.at.start, path, value_of(path, mustache.in_each));
            }
            Tag::Open(kind, _) => {
                frames.push(Frame { kind, began: next, entered: word.clone(), first_branch: None, round: 1 });
            }
            Tag::Else => {
                if let Some(frame) = frames.last_mut() {
                    frame.first_branch = Some(std::mem::replace(&mut word, frame.entered.clone()));
                }
            }
            Tag::Close(_) => {
                let Some(frame) = frames.pop() else { continue };
                word.join(frame.first_branch.as_ref().unwrap_or(&frame.entered));
                // A nested `each` is a fault, and walking it could take exponential time.
                let outermost = !frames.iter().any(|frame| frame.kind == Kind::Each);
                if frame.kind == Kind::Each && outermost && frame.round < ROUNDS && word != frame.entered {
                    next = frame.began;
                    frames.push(Frame { round: frame.round + 1, ..frame });
                }
            }
            Tag::Malformed => {}
        }
    }
    for (at, message) in faults {
        source.fault(at, message);
    }
}
