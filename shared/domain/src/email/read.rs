//! Reads addresses as people and programs write them.

use std::fmt;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use super::{EmailAddress, Unusable};
use crate::text::{self, Found};

/// An address, and what was left out beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The address.
    pub address: EmailAddress,
    /// What was left out, for whoever sent the text.
    pub left_out: Vec<String>,
}

/// A text that is not a usable address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Of which kind the fault is.
    pub why: Unusable,
    /// What is wrong, such as `has a space at character 4`; nothing if there is no text.
    pub detail: Option<String>,
}

/// Separators of addresses, which can't occur in one.
const SEPARATORS: [char; 2] = [';', ','];

impl EmailAddress {
    /// Reads what somebody typed or exported: an address alone, one behind `mailto:`, in angle brackets behind a name,
    /// in quotation marks or before a separator. White space, hidden and control characters at the ends are left out.
    pub fn read(text: &str) -> Result<Read, Refused> {
        let ends = text::without_unseen_ends(text);
        let mut left_out: Vec<String> = ends.changes.iter().map(ToString::to_string).collect();
        let bare = unwrapped(&ends.text, &mut left_out);
        let addresses = together(bare);
        let mut read = addresses.iter().map(|one| alone(one, text));
        let address = read.next().unwrap_or_else(|| alone(bare, text))?;
        if addresses.len() > 1 {
            if !read.all(|other| other.as_ref() == Ok(&address)) {
                return Err(Refused::malformed(format!(
                    "has {} addresses; each needs a contact of its own",
                    addresses.len()
                )));
            }
            left_out.push("the same address beside it was left out".to_owned());
        }
        left_out.extend(
            first(&ends.text, 0, text::is_hidden)
                .map(|found| format!("hidden character U+{:04X} was left out", u32::from(found.char))),
        );
        Ok(Read { address, left_out })
    }
}

/// The text without what may stand around an address.
fn unwrapped<'t>(text: &'t str, left_out: &mut Vec<String>) -> &'t str {
    let mut text = text;
    loop {
        let before = text.len();
        if let Some((scheme, rest)) =
            text.split_at_checked("mailto:".len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("mailto:"))
        {
            left_out.push(format!("{scheme} was left out"));
            text = rest.split_once('?').map_or(rest, |(address, _)| address);
        }
        if let Some((name, address)) =
            text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).filter(|(name, _)| !name.contains('@'))
        {
            if !name.trim().is_empty() {
                left_out.push("the name before the address was left out".to_owned());
            }
            text = address;
        }
        for mark in ['"', '\''] {
            text = text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark)).unwrap_or(text);
        }
        text = text.trim_matches(SEPARATORS).trim();
        if text.len() == before {
            return text;
        }
    }
}

/// The addresses in one text, if there is more than one `@` and something between them that separates.
fn together(text: &str) -> Vec<&str> {
    if text.matches('@').count() < 2 {
        return Vec::new();
    }
    let separates = |c: char| c.is_whitespace() || SEPARATORS.contains(&c) || "|/<>()".contains(c);
    let parts: Vec<&str> = text.split(separates).filter(|part| part.contains('@')).collect();
    if parts.len() > 1 { parts } else { Vec::new() }
}

/// Reads a text that is at most one address. Positions in faults refer to `whole`.
fn alone(text: &str, whole: &str) -> Result<EmailAddress, Refused> {
    if text.is_empty() {
        return Err(Refused { why: Unusable::Empty, detail: None });
    }
    let start = whole.find(text).map_or(0, |bytes| whole[..bytes].chars().count());
    let is_broken = |c: char| c.is_whitespace() || c.is_control();
    let is_unseen = |c: char| is_broken(c) || text::is_hidden(c);
    let Some((local, domain)) = text.rsplit_once('@') else {
        let unseen = first(text, start, is_unseen).map(|found| format!("has {found}"));
        return Err(Refused::malformed(unseen.unwrap_or_else(|| "has no @".to_owned())));
    };
    let behind = start + local.chars().count() + 1;
    // IDNA drops hidden characters in a domain.
    if let Some(found) = first(local, start, is_unseen).or_else(|| first(domain, behind, is_broken)) {
        return Err(Refused::malformed(format!("has {found}")));
    }
    if local.contains('@') {
        return Err(Refused::malformed("has more than one @"));
    }
    if let Some(found) = first(local, start, |c| !c.is_ascii()) {
        return Err(Refused { why: Unusable::NonAsciiLocalPart, detail: Some(format!("has {found}")) });
    }
    if let Some(found) = first(domain, behind, |c| !is_of_domain(c)) {
        return Err(Refused::malformed(format!("has {found}, in its domain")));
    }
    EmailAddress::of_parts(local, domain)
        .ok_or_else(|| Refused::malformed(format!("has {}", wrong_part(local, domain))))
}

/// The first such character, of a text that begins at character `start` of another.
fn first(text: &str, start: usize, is_odd: impl Fn(char) -> bool) -> Option<Found> {
    text.chars().enumerate().find(|(_, c)| is_odd(*c)).map(|(at, c)| Found::at(c, start + at))
}

/// Whether a character may occur in a domain: a letter with its marks, a digit, a hyphen, a dot in any script, or a
/// character that some scripts allow between letters (RFC 5892, appendix A). IDNA drops hidden ones.
fn is_of_domain(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let of_word =
        GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark).union(GeneralCategoryGroup::DecimalNumber);
    of_word.contains(category) || text::is_hidden(c) || "-.。．｡\u{b7}\u{375}\u{5f3}\u{5f4}\u{30fb}".contains(c)
}

fn wrong_part(local: &str, domain: &str) -> &'static str {
    if local.is_empty() || domain.is_empty() {
        "nothing before or behind the @"
    } else if EmailAddress::of_parts("a", domain).is_none() {
        "a domain that there can't be"
    } else {
        "something before the @ that can't stand there"
    }
}

impl Refused {
    fn malformed(detail: impl Into<String>) -> Self {
        Self { why: Unusable::Malformed, detail: Some(detail.into()) }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.why, &self.detail) {
            (Unusable::Malformed, Some(detail)) => write!(f, "{}: it {detail}", self.why),
            (Unusable::NonAsciiLocalPart, Some(detail)) => {
                write!(f, "the e-mail address {detail}, and SES sends only to ASCII before the @")
            }
            (why, _) => why.fmt(f),
        }
    }
}
