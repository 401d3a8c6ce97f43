//! Addresses in text, as widely as any program finds them: with a scheme, with `//` alone, with none (`www.` or not),
//! of e-mails, in any script, and of servers without a dot where a scheme stands before them.
//!
//! Held against what Thunderbird (mozTXTToHTMLConv), linkify-it, Android's Linkify and GitHub's Markdown find. They
//! differ in which top-level domains they know; here every word of letters is one, so that `evil.example/x` and
//! `read.me` are addresses.

use std::borrow::Cow;
use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::rendered::{ADDRESSES, path_of};
use crate::email::LOCAL_PART_BYTES;

/// Text that a program may turn into a link.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Address {
    /// The server: ASCII and lower case as far as it has such a form.
    pub host: String,
    /// The part before an `@`, if there is one.
    pub user: Option<String>,
    /// The part after the server, such as `:8443/help?a=b`.
    pub rest: String,
}

/// Most characters of an address that are examined besides its server.
const MOST_CHARS: usize = 2_000;

/// The first addresses in a text in which values may be marked, at most `most`.
pub(in super::super) fn find(text: &str, most: usize) -> Vec<Address> {
    let mut found = Vec::new();
    scan(text, |word, span, host| {
        if found.len() < most {
            let rest = word[span.end..].iter().take_while(|c| goes_on(**c)).take(MOST_CHARS).collect();
            let user = span.start.checked_sub(1).filter(|before| word[*before] == '@').map(|at| user(&word[..at]));
            found.push(Address { host, user, rest });
        }
    });
    found
}

/// The servers of all addresses in a text in which values may be marked.
pub(super) fn hosts(text: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    scan(text, |_, _, host| hosts.push(host));
    hosts
}

fn scan(text: &str, mut found: impl FnMut(&[char], Range<usize>, String)) {
    for word in text.split(char::is_whitespace) {
        if word.contains(|c: char| !c.is_ascii() || ".:@/\\".contains(c)) {
            let chars: Vec<char> = plain(word).chars().collect();
            Scan { word: &chars, found: &mut found }.run();
        }
    }
}

/// The longest end of this text that may stand before an `@`.
fn user(before: &[char]) -> String {
    let is_of_user = |c: &char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(*c);
    let length = before.iter().rev().take(MOST_CHARS).take_while(|c| is_of_user(c)).count();
    before[before.len() - length..].iter().collect()
}

/// A word as it looks: without invisible characters, and with look-alikes unified (NFKC).
pub(super) fn plain(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return word.into();
    }
    let seen: String = word.chars().filter(|c| !is_unseen(*c)).collect();
    // Browsers treat the first as a dot in a server's name; NFKC turns the second into it.
    ComposingNormalizerBorrowed::new_nfkc().normalize(&seen).replace(['。', '｡'], ".").into()
}

/// Whether a character is invisible: soft hyphen, joiners, marks of direction, variation selectors and the like (the
/// assigned part of Unicode's Default_Ignorable_Code_Point).
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that may continue an address after its server.
fn goes_on(c: char) -> bool {
    is_of_name(c) || "/?#:@&=%+~".contains(c)
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || ".-_".contains(c)
}

/// Whether this looks like the name of a server, or is an IP address.
fn looks_like_name(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let is_number = |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let Some((top, [_, ..])) = labels.split_last() else { return false };
    let is_top = top.chars().count() > 1 && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    labels.iter().all(|label| !label.is_empty()) && is_top || labels.len() == 4 && labels.iter().all(is_number)
}

struct Scan<'w, F> {
    word: &'w [char],
    /// Called with the word, where in it a server's name stands, and that name.
    found: &'w mut F,
}

/// Position of the scan within an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Outside of an address.
    Outside,
    /// Between `//` and the end of a server's name: everything here is a server, or the part before its `@`.
    Authority,
    /// After the name of a server without `//`.
    Name,
    /// After the first `/`, `?` or `#`.
    Path,
}

impl<F: FnMut(&[char], Range<usize>, String)> Scan<'_, F> {
    fn run(&mut self) {
        let (mut at, mut next) = (At::Outside, 0);
        while let Some(&c) = self.word.get(next) {
            if is_of_name(c) || c == '[' && self.begins_server(next, at) {
                let end = self.end_of_name(next);
                at = self.name(next..end, at);
                next = end;
                continue;
            }
            let digits_follow = self.word.get(next + 1).is_some_and(char::is_ascii_digit);
            at = match (at, c) {
                _ if path_of(c).is_some_and(|path| ADDRESSES.contains(&path)) => At::Path,
                (At::Authority | At::Name, '/' | '?' | '#') => At::Path,
                (At::Authority, ':' | '@' | '%') | (At::Name, '@') => at,
                (At::Name, ':') if digits_follow => at,
                (At::Path, _) if goes_on(c) => at,
                _ => At::Outside,
            };
            next += 1;
        }
    }

    fn end_of_name(&self, start: usize) -> usize {
        let rest = &self.word[start..];
        let length = match rest[0] {
            '[' => rest.iter().position(|c| *c == ']').map(|at| at + 1),
            _ => rest.iter().position(|c| !is_of_name(*c)),
        };
        start + length.unwrap_or(rest.len())
    }

    /// Scans a possible server name, and keeps it if it is one.
    fn name(&mut self, span: Range<usize>, at: At) -> At {
        let text: String = self.word[span.clone()].iter().collect();
        let name = text.trim_matches(['.', '-', '_']);
        let before = span.start.checked_sub(1).map(|before| self.word[before]);
        let is_after_at = before == Some('@');
        let forced = self.begins_server(span.start, at) || at == At::Authority && before != Some(':');
        let is_found = match at {
            _ if forced => !name.is_empty(),
            _ if self.is_user(span.end) => false,
            At::Path => looks_like_name(name) && (is_after_at || name.to_ascii_lowercase().starts_with("www.")),
            _ => looks_like_name(name),
        };
        if !is_found {
            return at;
        }
        let host = idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_lowercase());
        (self.found)(self.word, span, host);
        match at {
            At::Path => At::Path,
            _ if forced => At::Authority,
            _ => At::Name,
        }
    }

    /// Whether the text that ends here stands before the `@` of an e-mail address.
    fn is_user(&self, end: usize) -> bool {
        let rest = &self.word[end..];
        let more = rest.iter().take(LOCAL_PART_BYTES).take_while(|c| is_of_name(**c) || "+'".contains(**c)).count();
        rest.get(more) == Some(&'@') && rest.get(more + 1).is_some_and(|c| is_of_name(*c))
    }

    /// Whether a server's name begins here because of the text before it: `//`, two backslashes, or a scheme that
    /// browsers complete.
    fn begins_server(&self, start: usize, at: At) -> bool {
        let slashes = self.word[..start].iter().rev().take_while(|c| matches!(c, '/' | '\\')).count();
        let before = &self.word[..start - slashes];
        let ends_with = |scheme: &str| {
            let length = scheme.len();
            before.len() >= length
                && before[before.len() - length..].iter().collect::<String>().eq_ignore_ascii_case(scheme)
        };
        let completed = ["http:", "https:", "ftp:"].into_iter().any(ends_with);
        completed || slashes >= 2 && (at != At::Path || before.ends_with(&[':']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_program_makes_a_link_of_is_found() {
        let table: [(&str, &[&str]); _] = [
            ("https://evil.example/?p=x", &["evil.example"]),
            ("HTTPS://Evil.Example.", &["evil.example"]),
            ("see evil.example/x, or www.evil.example.", &["evil.example", "www.evil.example"]),
            ("evil.example:8443/a.html", &["evil.example"]),
            ("//evil.example/x //evil/x", &["evil.example", "evil"]),
            ("\\\\server\\share", &["server"]),
            ("http://localhost/x http:/evil/x http:evil", &["localhost", "evil", "evil"]),
            ("x-y.z://evil/x", &["evil"]),
            ("ftp://192.0.2.1/ 192.0.2.1/x", &["192.0.2.1", "192.0.2.1"]),
            ("https://[2001:db8::1]/x", &["[2001:db8::1]"]),
            ("http://1249763844/", &["1249763844"]),
            (
                "a@evil.example mailto:a@evil.example?cc=b@other.example",
                &["evil.example", "evil.example", "other.example"],
            ),
            ("<o.neil+x@evil.example>", &["evil.example"]),
            ("evil.example/?p=x@a.example", &["evil.example", "a.example"]),
            ("https://portal.example@evil.example/", &["portal.example", "evil.example"]),
            ("https://user:pw@evil/", &["user", "evil"]),
            ("https://evil%2Eexample/", &["evil", "2eexample"]),
            ("b\u{fc}cher.example/x", &["xn--bcher-kva.example"]),
            ("\u{43f}\u{43e}\u{440}\u{442}\u{430}\u{43b}.\u{440}\u{444}", &["xn--80awhdgm.xn--p1ai"]),
            ("evil。example evil．example evil\u{2024}example", &["evil.example", "evil.example", "evil.example"]),
            ("ev\u{ad}il\u{200b}.exam\u{2060}ple", &["evil.example"]),
            ("https\u{ff1a}\u{ff0f}\u{ff0f}evil/", &["evil"]),
            (
                "(evil.example) <evil.example> \"evil.example\" [evil.example](x.example)",
                &["evil.example", "evil.example", "evil.example", "evil.example", "x.example"],
            ),
            ("a.example,evil.example;b.example|c.example", &["a.example", "evil.example", "b.example", "c.example"]),
            ("a.example:evil.example", &["a.example", "evil.example"]),
            ("and/evil.example", &["evil.example"]),
            ("https://a.example/?u=https://evil.example/", &["a.example", "evil.example"]),
            ("https://a.example/www.evil.example", &["a.example", "www.evil.example"]),
            ("https://a.example/b@evil.example", &["a.example", "evil.example"]),
            ("evil.xn--p1ai", &["evil.xn--p1ai"]),
            ("https://a.example/b.html?c=d.example#e.example", &["a.example"]),
            ("https://a.example//b/@c", &["a.example"]),
            ("e.g. i.e. 3.50 1.2.3 9:15 a.m., U.S.A. p.m. and/or @8pm", &[]),
            ("Hello. Welcome: read on... #1 50%", &[]),
            ("x.", &[]),
            (".example", &[]),
            ("evil..example", &[]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(hosts(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_has_what_stands_around_its_server() {
        let address = |host: &str, user: Option<&str>, rest: &str| Address {
            host: host.to_owned(),
            user: user.map(str::to_owned),
            rest: rest.to_owned(),
        };
        assert_eq!(find("https://x.example:8443/a?b=c,", 9), [address("x.example", None, ":8443/a?b=c")]);
        assert_eq!(find("<o.neil@x.example> y.example", 1), [address("x.example", Some("o.neil"), "")]);
    }
}
