//! Cleaning of text for storage and comparison: without invisible characters, however it was typed or exported.
//!
//! Names and values are cleaned ([`clean`]), ids only of white space, normal form and hidden characters ([`clean_id`]):
//! two ids must not become equal by the loss of a meaningful character.

mod mojibake;

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Most changes that are reported for one text.
const TOLD: usize = 3;

/// A cleaned text and its changes. Trimmed or joined spaces and the normal form are not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned<'t> {
    /// Without white space at the ends, inner runs of it as one space, in NFC.
    pub text: Cow<'t, str>,
    /// What the sender should know.
    pub changes: Vec<Change>,
}

/// A character and its position in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The character.
    pub char: char,
    /// Where it stands.
    pub place: Place,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all visible characters.
    Beginning,
    /// After all visible characters.
    End,
    /// At this character (Unicode scalar values, from 1).
    Character(usize),
}

/// A change, or a fault that can't be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The character was removed.
    Removed(Found),
    /// The character was replaced by this one.
    Replaced(Found, char),
    /// UTF-8 that had been decoded as Windows-1252 or Latin-1 was repaired.
    Repaired,
    /// U+FFFD: an earlier program could not decode this character.
    Lost(Found),
}

/// A name or a value, cleaned. Cleaning again changes nothing, and no control character is left.
///
/// - Text that is plainly UTF-8 read as Windows-1252 or Latin-1 is repaired.
/// - Control characters between U+0080 and U+009F become what Windows-1252 has there, as browsers read them (WHATWG
///   Encoding); others go.
/// - Hidden characters go: zero-width spaces, byte-order marks, marks of direction. Joiners and variation selectors
///   stay in scripts that need them.
/// - White space (also tabs and line breaks) becomes one space, and none at the ends.
/// - What is left is in Unicode's normal form NFC.
pub fn clean(text: &str) -> Cleaned<'_> {
    if is_plain(text) {
        return Cleaned { text: text.into(), changes: Vec::new() };
    }
    let (mut changes, mut cleaned) = (Vec::new(), text.to_owned());
    // Each step may enable another, such as a repair across a removed hidden character. It ends because each repair
    // shortens the text.
    loop {
        let repaired = mojibake::repaired(&cleaned);
        changes.extend(repaired.is_some().then_some(Change::Repaired));
        let next = tidy(repaired.as_deref().unwrap_or(&cleaned), Controls::Mend, &mut changes);
        if next == cleaned {
            break;
        }
        cleaned = next;
    }
    let lost = cleaned.chars().position(|c| c == char::REPLACEMENT_CHARACTER);
    changes.extend(lost.map(|at| Change::Lost(Found::at(char::REPLACEMENT_CHARACTER, at))));
    Cleaned { text: cleaned.into(), changes }
}

/// An id without hidden characters, with white space and normal form as [`clean`] has them. Control characters stay:
/// they are a fault (see [`crate::input::id_fault`]).
pub fn clean_id(text: &str) -> Cleaned<'_> {
    if is_plain(text) {
        return Cleaned { text: text.into(), changes: Vec::new() };
    }
    let (mut changes, mut cleaned) = (Vec::new(), text.to_owned());
    loop {
        let next = tidy(&cleaned, Controls::Keep, &mut changes);
        if next == cleaned {
            return Cleaned { text: cleaned.into(), changes };
        }
        cleaned = next;
    }
}

/// The text without invisible characters at its ends: white space, hidden and control characters. Removals other than
/// white space are reported.
pub fn without_unseen_ends(text: &str) -> Cleaned<'_> {
    let unseen = |c: char| c.is_whitespace() || c.is_control() || is_hidden(c);
    let core = text.trim_matches(unseen);
    let (before, after) = text.split_at(text.len() - text.trim_start_matches(unseen).len());
    let worth_telling = |c: &char| !c.is_whitespace();
    let found = |place| move |char| Change::Removed(Found { char, place });
    let before = before.chars().find(worth_telling).map(found(Place::Beginning));
    let after = after[core.len()..].chars().find(worth_telling).map(found(Place::End));
    Cleaned { text: core.into(), changes: before.into_iter().chain(after).collect() }
}

/// Whether a character is invisible: soft hyphen, joiners, marks of direction, variation selectors and the like
/// (Unicode's Default_Ignorable_Code_Point), or a noncharacter.
pub fn is_hidden(c: char) -> bool {
    !c.is_ascii() && (CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || is_no_character(c))
}

/// A noncharacter of Unicode (section 23.7). SQS takes no message with U+FFFE or U+FFFF.
fn is_no_character(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Fast path: most texts are clean.
fn is_plain(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_plain && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Controls {
    Mend,
    Keep,
}

fn tidy(text: &str, controls: Controls, changes: &mut Vec<Change>) -> String {
    let mut tidy = String::with_capacity(text.len());
    // Each change, with the number of visible characters before it, which gives its position.
    let (mut found, mut seen) = (Vec::new(), 0);
    let (mut space, mut is_break) = (false, false);
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let shown = match c {
            _ if c.is_whitespace() => {
                if c.is_control() && !is_break {
                    found.push((seen, Change::Replaced(Found::at(c, at), ' ')));
                }
                (space, is_break) = (true, is_break || c.is_control());
                continue;
            }
            _ if c.is_control() && controls == Controls::Mend => mojibake::printable(c),
            _ if is_hidden(c) => joins(tidy.chars().next_back().filter(|_| !space), c, next).then_some(c),
            _ => Some(c),
        };
        match shown {
            None => found.push((seen, Change::Removed(Found::at(c, at)))),
            Some(shown) => {
                if shown != c {
                    found.push((seen, Change::Replaced(Found::at(c, at), shown)));
                }
                if space && seen > 0 {
                    tidy.push(' ');
                }
                tidy.push(shown);
                (space, is_break, seen) = (false, false, seen + 1);
            }
        }
    }
    changes.extend(found.into_iter().filter_map(|(before, change)| placed(change, before, seen)));
    ComposingNormalizerBorrowed::new_nfc().normalize(&tidy).into_owned()
}

/// A change as it is reported; trimmed white space is not.
fn placed(change: Change, before: usize, seen: usize) -> Option<Change> {
    let place = match before {
        0 => Place::Beginning,
        _ if before == seen => Place::End,
        _ => return Some(change),
    };
    match change {
        Change::Removed(Found { char, .. }) => Some(Change::Removed(Found { char, place })),
        Change::Replaced(_, ' ') => None,
        other => Some(other),
    }
}

/// Whether a hidden character affects its neighbours: it joins letters or symbols that are not ASCII (Arabic, Indic,
/// emoji), or selects a form of one.
fn joins(before: Option<char>, c: char, next: Option<char>) -> bool {
    let may_join = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    let follows = before.is_some_and(may_join);
    match c {
        '\u{200c}' | '\u{200d}' => follows && next.is_some_and(|next| may_join(next) && !is_hidden(next)),
        '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{e0100}'..='\u{e01ef}' => {
            follows && !before.is_some_and(is_hidden)
        }
        _ => false,
    }
}

impl Found {
    /// The character at this place, from 0.
    pub fn at(char: char, place: usize) -> Self {
        Self { char, place: Place::Character(place + 1) }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::from(self.char);
        match self.char {
            '\t' => f.write_str("a tab"),
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => f.write_str("a line break"),
            ' ' => f.write_str("a space"),
            c if c.is_whitespace() => write!(f, "the space U+{code:04X}"),
            c if c.is_control() => write!(f, "control character U+{code:04X}"),
            c if is_hidden(c) => write!(f, "hidden character U+{code:04X}"),
            c => write!(f, "“{c}” (U+{code:04X})"),
        }?;
        self.place.fmt(f)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(found) => write!(f, "{found} was left out"),
            Self::Replaced(found, ' ') => write!(f, "{found} became a space"),
            Self::Replaced(found, shown) => write!(f, "{found} was read as {shown}"),
            Self::Repaired => f.write_str("UTF-8 that had been read as Windows-1252 or Latin-1 was repaired"),
            Self::Lost(found) => write!(f, "U+FFFD{} stands for a character that was lost before", found.place),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str(" at the beginning"),
            Self::End => f.write_str(" at the end"),
            Self::Character(number) => write!(f, " at character {number}"),
        }
    }
}

/// The changes as a warning; `None` if nothing is worth reporting.
pub fn told(changes: &[impl fmt::Display]) -> Option<String> {
    let first: Vec<String> = changes.iter().take(TOLD).map(ToString::to_string).collect();
    let more = changes.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| format!("was cleaned: {}{more}", first.join(", ")))
}

#[cfg(test)]
mod tests;
