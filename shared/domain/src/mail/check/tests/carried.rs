//! No e-mail that comes of a template that may be used carries the password or the activation link away.
//!
//! Held against real values and real e-mails, and by readers of its own: what programs find as links (linkify; whatever
//! has no white space in it; Thunderbird's and Outlook's links between brackets and quotes), and the tokens of the
//! HTML. Every foreign address that is generated has `evil` in it.

use std::cell::Cell;

use html5gum::{Token, Tokenizer};
use linkify::{Link, LinkFinder, LinkKind};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::ExposeSecret;

use super::*;
use crate::mail::{Invitation, Rendered};
use crate::password::TemporaryPassword;
use crate::recipient::{Links, NamedAccount};
use crate::{AccountId, Division, DivisionId, Recipient, RecipientId};
use jiff::Timestamp;
use proptest::prelude::*;

const PUBLIC_URL: &str = "https://invites.example.com";

/// How many templates are generated, and how many of those must be such that they may be used: the others prove
/// nothing.
const GENERATED: u32 = 2_000;
const FEWEST_ACCEPTED: u32 = 2_000;

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(texts).prop_map(str::to_owned).boxed()
}

fn secret() -> BoxedStrategy<String> {
    one_of(&["{{temporaryPassword}}", "{{activationLink}}", "{{ temporaryPassword }}"])
}

/// Addresses, and parts of which one can be made.
fn foreign() -> BoxedStrategy<String> {
    one_of(&[
        "https://evil.example/?p=",
        "evil.example/",
        "//evil.example/",
        "www.evil.example#",
        "a@evil.example",
        "@evil.example",
        ".evil.example",
        "mailto:a@evil.example?body=",
        "evil",
        "<https://evil.example/?p=",
        "\"https://evil.example/?p=",
        "&lt;https://evil.example/?p=",
        "https://evil。example/",
    ])
}

/// What stands between: much that separates, and much that only seems to.
fn between() -> BoxedStrategy<String> {
    let separates =
        one_of(&[" ", "\n", "\n\n", "\u{a0}", "\r\n", "\t", ". ", "\n<p>", "<br>", "&nbsp;", " \" ", " > "]);
    let seems_to = one_of(&[
        "\u{2003}",
        "\u{2009}",
        "\u{2028}",
        "\u{200b}",
        "\u{3000}",
        "\u{ad}",
        "&ensp;",
        "&#8232;",
        "<wbr>",
        "<b> </b>",
        "<!-- -->",
        "</p>",
        "<td>",
        "<span hidden> </span>",
        "<i style=\"display:none\"> </i>",
        "<br hidden>",
        "<div style=\"display:inline\">",
        ">",
        "\"",
        "&gt;",
        ".",
        ")",
        "",
        "&quot; ",
        "> ",
        "{{name}}",
        "{{#if name}} {{/if}}",
        "{{#unless division.name}}\n{{/unless}}\n",
        "{{moreAccounts}}",
    ]);
    prop_oneof![3 => separates, 2 => seems_to].boxed()
}

/// Secrets and links in places of every kind.
fn markup() -> BoxedStrategy<String> {
    let attribute =
        one_of(&["title", "alt", "data-x", "aria-label", "class", "name", "style", "href", "src", "content"]);
    let element = one_of(&["p", "a", "img", "span", "meta"]);
    let in_attribute = (element, attribute, secret()).prop_map(|(e, a, secret)| format!("<{e} {a}=\"x {secret}\">"));
    let target =
        one_of(&["https://evil.example/", "{{activationLink}}", "{{division.portalUrl}}", "mailto:a@evil.example"]);
    let shown = one_of(&[
        "https://portal.example.com/",
        "{{division.portalUrl}}",
        "{{activationLink}}",
        "more",
        "{{temporaryPassword}}",
        "portal.example.com",
        "",
        "<img src=\"https://evil.example/x\" alt=\"portal.example.com\">",
        "{{name}}",
        "{{#if name}}portal.example.com{{/if}}",
    ]);
    let link = (target, shown).prop_map(|(target, shown)| format!("<a href=\"{target}\">{shown}</a>"));
    let elsewhere = secret().prop_map(|secret| format!("<title>{secret}</title>"));
    prop_oneof![1 => in_attribute, 3 => link, 1 => elsewhere].boxed()
}

/// Secrets with an address between brackets or quotes.
fn enclosed() -> BoxedStrategy<String> {
    let open = one_of(&[
        "<https://evil.example/?p=",
        "\"https://evil.example/?p=",
        "&lt;www.evil.example/",
        "\"mailto:",
        "\"",
    ]);
    let close = one_of(&[">", "\"", "&gt;", "@evil.example\"", ""]);
    (open, between(), secret(), between(), close)
        .prop_map(|(open, before, secret, after, close)| [open, before, secret, after, close].concat())
        .boxed()
}

/// A body: addresses and secrets before, in and after blocks.
fn body() -> BoxedStrategy<String> {
    let words = one_of(&[
        "Your password:",
        "Hello {{name}},",
        "{{#each accounts}}\n- {{this.id}} {{this.name}}\n{{/each}}\n",
        "Open",
    ]);
    let leaf = prop_oneof![3 => secret(), 2 => foreign(), 5 => between(), 1 => words, 1 => markup(), 1 => enclosed()];
    leaf.prop_recursive(3, 20, 5, |inner| {
        let line = || one_of(&["", "", "\n", " "]);
        let tested = one_of(&[
            "name",
            "division.name",
            "oneAccount",
            "accounts",
            "moreAccounts",
            "division.logoUrl",
            "earlierPasswordsEnd",
        ]);
        let parts = prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat());
        let block = (one_of(&["if", "unless"]), tested, line(), parts.clone(), prop::option::of(parts.clone()), line());
        prop_oneof![
            2 => parts,
            1 => block.prop_map(|(kind, path, first, inside, other, last)| {
                let other = other.map_or(String::new(), |other| format!("{{{{else}}}}{first}{other}"));
                format!("{{{{#{kind} {path}}}}}{first}{inside}{other}{{{{/{kind}}}}}{last}")
            }),
            1 => (line(), inner, line()).prop_map(|(first, _, last)| format!("{{{{#each accounts}}}}{first}{{{{this.name}}}} {{{{/each}}}}{last}")),
        ]
    })
    .boxed()
}

/// Everybody whom blocks tell apart.
fn people() -> Vec<(Recipient, Division)> {
    let mut people = Vec::new();
    for (name, logo, names) in [
        ("", None, &[][..]),
        ("Ann", Some("https://portal.example.com/l"), &["Home"]),
        ("Ann", None, &["", "Home", ""]),
    ] {
        for more in [0, 3] {
            let division = Division {
                division: DivisionId::new("D"),
                name: "Dayton".to_owned(),
                email: "help@example.com".to_owned(),
                time_zone: "UTC".to_owned(),
                portal_url: "https://portal.example.com/".to_owned(),
                logo_url: logo.map(str::to_owned),
                senders: Vec::new(),
                reply_to: None,
                link_hosts: Vec::new(),
            };
            let account = |account_name: &&str| NamedAccount {
                account_id: AccountId::new("A1"),
                account_name: (*account_name).to_owned(),
                contact_name: name.to_owned(),
            };
            let accounts: Vec<_> = names.iter().map(account).collect();
            let account_count = u32::try_from(accounts.len()).expect("few") + more;
            let links = Links { profiles: None, account_count, accounts, ..Links::default() };
            let id = RecipientId::from_random([7; 16]);
            people.push((
                Recipient::never_invited(id, division.division.clone(), "a@example.com".to_owned(), links),
                division,
            ));
        }
    }
    people
}

/// What must not be carried away.
struct Secrets {
    password: TemporaryPassword,
    link: String,
}

impl Secrets {
    fn new() -> Self {
        let password = TemporaryPassword::generate(&mut StdRng::seed_from_u64(7));
        let link = format!(
            "{PUBLIC_URL}/activate#division=D&email=a%40example.com&temporaryPassword={}",
            password.expose().expose_secret()
        );
        Self { password, link }
    }

    fn are_in(&self, text: &str) -> bool {
        text.contains(self.password.expose().expose_secret())
    }

    /// Whether this is the activation link, or the password, with nothing but punctuation around.
    fn stand_alone_in(&self, text: &str) -> bool {
        let alone = text.trim_matches(|c: char| !c.is_alphanumeric());
        alone == self.link || alone == self.password.expose().expose_secret()
    }

    /// What a program would make a link of together with a secret.
    fn joined_in(&self, text: &str) -> Option<String> {
        let mut finder = LinkFinder::new();
        finder.url_must_have_scheme(false).email_domain_must_have_dot(false);
        // linkify goes on across U+00A0, which RFC 3987 allows; Thunderbird and linkify-it do not.
        let parts = text.split('\u{a0}');
        let found = parts.flat_map(|part| finder.links(part).map(|link| link.as_str().to_owned()).collect::<Vec<_>>());
        let words = text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}').map(str::to_owned);
        let mut joined = found.chain(words).filter(|link| self.are_in(link) && !self.stand_alone_in(link));
        joined.next().or_else(|| between_quotes(text).find(|link| self.are_in(link) && is_foreign(link)))
    }
}

/// What stands between brackets or quotes, without white space: a link for Thunderbird and Outlook, if it begins like
/// one.
fn between_quotes(text: &str) -> impl Iterator<Item = String> {
    let marks: Vec<_> = text.match_indices(['<', '>', '"']).collect();
    let pairs: Vec<_> = marks.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let pairs = pairs.into_iter().filter(|((_, a), (_, b))| matches!((*a, *b), ("<", ">") | ("\"", "\"")));
    pairs.map(move |((from, _), (to, _))| text[from + 1..to].split_whitespace().collect::<String>())
}

fn is_foreign(link: &str) -> bool {
    link.contains("evil")
        && (link.contains('@') || ["http", "mailto:", "www."].iter().any(|start| link.starts_with(start)))
}

/// The text of an HTML e-mail, with all that is hidden and without, and its links.
#[derive(Default)]
struct Seen {
    all: String,
    visible: String,
    links: Vec<(String, String)>,
}

/// Elements whose tag begins a line. Of a cell that holds in a table only, which is never generated whole.
const LINES: [&str; 4] = ["p", "br", "div", "li"];

fn seen(html: &str, secrets: &Secrets) -> Result<Seen, TestCaseError> {
    let mut seen = Seen::default();
    let (mut hidden, mut linked) = (0, false);
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let name = text(&tag.name);
                let value = |wanted: &str| {
                    tag.attributes
                        .iter()
                        .find(|(name, _)| name.as_slice() == wanted.as_bytes())
                        .map(|(_, value)| text(value))
                };
                for (attribute, value) in &tag.attributes {
                    let (attribute, value) = (text(attribute), text(value));
                    let is_link = name == "a" && attribute == "href" && value == secrets.link;
                    prop_assert!(is_link || !secrets.are_in(&value), "in {}: {}", attribute, html);
                }
                let style = value("style").unwrap_or_default();
                let hides = value("hidden").is_some() || style.contains("none");
                if LINES.contains(&name.as_str()) && !style.contains("inline") {
                    seen.all.push('\n');
                    if !hides && hidden == 0 {
                        seen.visible.push('\n');
                    }
                }
                hidden += usize::from(hides && name != "br");
                if name == "a" {
                    linked = true;
                    seen.links.push((value("href").unwrap_or_default(), String::new()));
                }
                if let (Some(alt), Some((_, shown)), true) = (value("alt"), seen.links.last_mut(), linked) {
                    shown.push_str(&alt);
                }
            }
            Token::EndTag(tag) => match tag.name.as_slice() {
                b"span" | b"i" => hidden = 0,
                b"a" => linked = false,
                b"p" => {
                    seen.all.push('\n');
                    seen.visible.push('\n');
                }
                _ => {}
            },
            Token::String(text) => {
                let text = String::from_utf8_lossy(&text);
                seen.all.push_str(&text);
                if hidden == 0 {
                    seen.visible.push_str(&text);
                }
                if let (Some((_, shown)), true) = (seen.links.last_mut(), linked) {
                    shown.push_str(&text);
                }
            }
            Token::Comment(comment) => prop_assert!(!secrets.are_in(&String::from_utf8_lossy(&comment)), "{}", html),
            Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    Ok(seen)
}

fn check_email(rendered: &Rendered, secrets: &Secrets) -> Result<(), TestCaseError> {
    let Rendered { subject, html, text } = rendered;
    prop_assert!(!secrets.are_in(subject));
    prop_assert_eq!(secrets.joined_in(text), None, "{}", text);
    let seen = seen(html, secrets)?;
    prop_assert_eq!(secrets.joined_in(&seen.all), None, "{}", html);
    prop_assert_eq!(secrets.joined_in(&seen.visible), None, "without what is hidden, {}", html);
    let activation = seen.links.iter().any(|(target, shown)| *target == secrets.link && !shown.trim().is_empty());
    prop_assert!(activation, "no activation link to be seen: {}", html);
    for (target, shown) in &seen.links {
        let shows = |host: &str| shown.contains(host);
        let is_true = !target.contains("evil") || !shows("portal.example.com") && !shows("invites.example.com");
        prop_assert!(is_true, "{} leads to {}: {}", shown, target, html);
    }
    Ok(())
}

/// The servers of all links that are found, as far as they are foreign.
fn foreign_hosts(rendered: &Rendered) -> Vec<String> {
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false);
    let links = [&rendered.text, &rendered.html].into_iter().flat_map(|text| finder.links(text).collect::<Vec<_>>());
    let url = |link: Link<'_>| match link.as_str() {
        text if *link.kind() == LinkKind::Email => format!("http://{text}"),
        text if text.contains(':') => text.to_owned(),
        text => format!("http://{text}"),
    };
    links.filter_map(|link| crate::host::of_url(&url(link))).filter(|host| host.contains("evil")).collect()
}

#[test]
fn no_email_of_a_template_that_may_be_used_carries_a_secret_away() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: GENERATED, failure_persistence: None, ..Config::default() };
    let (secrets, people, accepted) = (Secrets::new(), people(), Cell::new(0));
    let outcome = TestRunner::new_with_rng(config, rng).run(&body(), |body| {
        let sources = Sources {
            subject: "Hello".to_owned(),
            html: html(&format!("<p>{body}")),
            text: text(&body),
            language: None,
        };
        for sources in [Sources { text: text(""), ..sources.clone() }, Sources { html: html(""), ..sources }] {
            let Examined { faults, hosts } = examine(&sources);
            if !faults.is_empty() {
                continue;
            }
            accepted.set(accepted.get() + 1);
            let template = Compiled::new(&sources).expect("what may be used can be made ready");
            for ((recipient, division), earlier_passwords_end) in people.iter().flat_map(|of| [(of, false), (of, true)])
            {
                let (password, expires_at) = (&secrets.password, Timestamp::UNIX_EPOCH);
                let invitation = Invitation {
                    recipient,
                    division,
                    password,
                    public_url: PUBLIC_URL,
                    expires_at,
                    earlier_passwords_end,
                };
                let rendered = template.render(&invitation).expect("what may be used can be filled in for everybody");
                check_email(&rendered, &secrets)?;
                let named = foreign_hosts(&rendered);
                prop_assert!(
                    named.iter().all(|host| hosts.contains(host)),
                    "{:?} are not in {:?}: {:?}",
                    named,
                    hosts,
                    sources
                );
            }
        }
        Ok(())
    });
    assert_eq!(outcome.map_err(|error| error.to_string()), Ok(()));
    assert!(accepted.get() >= FEWEST_ACCEPTED, "only {} were accepted", accepted.get());
}
