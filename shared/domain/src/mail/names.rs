//! Names in e-mails. A name such as `Ann https://win.example/x` must not put a link into an e-mail (guarantee 10).
//!
//! A name is changed only if a program could find an address in it: a space breaks the address, and people can still
//! read the name.

use std::collections::BTreeSet;

use super::check::address;
use crate::text::clean;

/// Look-alikes of these characters, with the character that all programs know.
const SIGNS: [(&str, char); 4] = [(".。．｡․﹒", '.'), (":：﹕︓", ':'), ("/／∕⁄\\＼﹨", '/'), ("@＠﹫", '@')];

/// A name as an e-mail shows it: cleaned, so that it has no line break, and such that no program turns it into a link.
/// Addresses of the servers in `own` stay.
pub(super) fn shown(name: &str, own: &BTreeSet<String>) -> String {
    let name = clean(name).text;
    if is_harmless(&name, own) {
        return name.into_owned();
    }
    let spaced = spaced(&name);
    // As a last resort, every character that an address could have is removed.
    if is_harmless(&spaced, own) { spaced } else { bare(&spaced) }
}

fn is_harmless(name: &str, own: &BTreeSet<String>) -> bool {
    let found = address::find(name, usize::MAX);
    let is_own = |address: &address::Address| own.contains(&address.host) && address.user.is_none();
    if found.is_empty() { !joins(name) } else { found.iter().all(is_own) }
}

/// Whether a name contains what any program may take for an address: `//`, a scheme, an `@`, or a dot between
/// characters of a server's name, except in numbers and between single letters. Four numbers may be an IP address.
fn joins(name: &str) -> bool {
    let signs: Vec<char> = name.chars().map(plain).collect();
    let is_sign = |at: usize| signs.get(at).is_some_and(|c| !c.is_whitespace());
    let label = |from: usize| signs[from..].iter().take_while(|c| c.is_alphanumeric() || "-_".contains(**c));
    let joins = |at: usize| match signs[at] {
        '/' => signs.get(at + 1) == Some(&'/'),
        ':' => at > 0 && signs[at - 1].is_alphabetic() && is_sign(at + 1),
        '@' => at > 0 && is_sign(at - 1) && is_sign(at + 1),
        '.' => at > 0 && is_sign(at - 1) && label(at + 1).count() > 1 && label(at + 1).any(|c| !c.is_ascii_digit()),
        _ => false,
    };
    let dots =
        signs.windows(3).filter(|three| three[1] == '.' && three[0].is_numeric() && three[2].is_numeric()).count();
    dots > 2 || (0..signs.len()).any(joins)
}

/// With a space behind each dot, colon and slash, and on both sides of each `@`, that stands between other signs.
fn spaced(name: &str) -> String {
    let mut spaced = String::with_capacity(name.len() * 2);
    let mut chars = name.chars().map(plain).peekable();
    while let Some(c) = chars.next() {
        if c == '@' {
            spaced.push(' ');
        }
        spaced.push(c);
        let goes_on = chars.peek().is_some_and(|next| !next.is_whitespace());
        if goes_on && ".:/@".contains(c) {
            spaced.push(' ');
        }
    }
    clean(&spaced).text.into_owned()
}

fn bare(name: &str) -> String {
    let bare: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    clean(&bare).text.into_owned()
}

fn plain(c: char) -> char {
    SIGNS.iter().find(|(like, _)| like.contains(c)).map_or(c, |(_, sign)| *sign)
}

#[cfg(test)]
mod tests {
    use linkify::LinkFinder;
    use proptest::prelude::*;

    use super::*;

    fn of_customer(name: &str) -> String {
        shown(name, &BTreeSet::new())
    }

    fn links(text: &str) -> Vec<String> {
        let mut finder = LinkFinder::new();
        finder.url_must_have_scheme(false).email_domain_must_have_dot(false);
        finder.links(text).map(|link| link.as_str().to_owned()).collect()
    }

    #[test]
    fn a_name_with_an_address_in_it_is_read_and_leads_nowhere() {
        let table = [
            ("Ann https://win.example/x", "Ann https: / / win. example/ x"),
            ("www.win.example", "www. win. example"),
            ("Ann (win.example)", "Ann (win. example)"),
            ("ann@win.example", "ann @ win. example"),
            ("mailto:ann@win.example", "mailto: ann @ win. example"),
            ("//win/x", "/ / win/ x"),
            ("win。example", "win. example"),
            ("192.0.2.1", "192. 0. 2. 1"),
            ("Ann\r\nhttp://localhost", "Ann http: / / localhost"),
            ("win.\u{200b}example", "win. example"),
        ];
        for (name, expected) in table {
            assert_eq!(of_customer(name), expected);
            assert_eq!(links(expected), [""; 0], "{expected}");
        }
    }

    #[test]
    fn a_name_without_an_address_stays_as_it_is() {
        for name in [
            "J. P. O'Neil & Sons, Inc.",
            "U.S.A.",
            "A/B 3.50 9:15 #1",
            "1452-KIOVK",
            "EX-1/1",
            "Zoë <Z> \"Q\"",
            "Cafe @ 8",
            "",
        ] {
            assert_eq!(of_customer(name), name);
        }
    }

    #[test]
    fn a_division_may_be_called_as_its_own_server_is() {
        let own = BTreeSet::from(["dayton.example".to_owned()]);
        assert_eq!(shown("Dayton.example", &own), "Dayton.example");
        assert_eq!(shown("Dayton.example or win.example", &own), "Dayton. example or win. example");
        assert_eq!(shown("win@dayton.example", &own), "win @ dayton. example");
    }

    proptest! {
        #[test]
        fn no_program_finds_an_address_in_a_name(
            parts in prop::collection::vec(prop::sample::select(vec![
                "win", ".example", "www.", "https://", "http:", "//", "@", "/x", ":", ".", "。", "．", "＠", "\u{200b}", "\u{ad}", " ", "Ann", "192.0.2.1", "\\\\", "xn--",
                "mailto:", "[::1]", "?q=", "#", "é", "example", "com", "<", ">", "\"", "_", "-", "%2e", "ftp:", "\u{2024}", "\u{ff0f}",
            ]), 0..9),
            other in "\\PC{0,4}",
        ) {
            let name = of_customer(&(parts.concat() + &other));
            prop_assert_eq!(links(&name), Vec::<String>::new(), "{}", name);
            prop_assert!(address::find(&name, 1).is_empty(), "{}", name);
            prop_assert_eq!(&of_customer(&name), &name);
        }
    }
}
