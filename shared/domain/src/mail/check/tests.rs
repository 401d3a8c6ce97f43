//! Guarantee 10, at save: what is refused, and where it says that it is.

use super::super::{Compiled, template};
use super::*;
use crate::input::Place;

mod carried;
mod html_tests;
mod properties;

pub(super) fn built_in() -> Sources {
    template::newest_built_in().sources
}

/// The smallest HTML that may be saved, with `more` after it on a line of its own.
fn html(more: &str) -> String {
    format!("<a href=\"{{{{activationLink}}}}\">{{{{temporaryPassword}}}}</a>\n{more}")
}

fn text(more: &str) -> String {
    format!("{{{{activationLink}}}} {{{{temporaryPassword}}}}\n{more}")
}

/// Line, column and message of each fault of one part.
fn found(part: Part, source: &str) -> Vec<(usize, usize, String)> {
    let mut source = Source::new(part, source);
    examine_part(&mut source);
    let found = source.finish().into_iter().map(|fault| {
        assert_eq!(fault.field, part.field());
        let Place { line, column } = fault.place.expect("every fault of a source has a place");
        (line, column, fault.message)
    });
    found.collect()
}

fn assert_refused(part: Part, source: &str, column: usize, words: &str) {
    let line = if part == Part::Subject { 1 } else { 2 };
    let found = found(part, source);
    assert!(
        found.iter().any(|(l, c, message)| (*l, *c) == (line, column) && message.contains(words)),
        "{source}: expected {line}:{column} {words}, found {found:#?}"
    );
}

#[test]
fn the_built_in_template_and_the_smallest_one_have_no_fault() {
    for version in (1..).map_while(template::built_in) {
        assert_eq!(examine(&version.sources), Examined::default(), "nothing is wrong with it, and it names no server");
    }
    let smallest = Sources { subject: "Hello".to_owned(), html: html(""), text: text(""), language: None };
    assert_eq!(faults(&smallest), []);
    assert!(Compiled::new(&smallest).is_ok());
}

/// What no part may have: it is no placeholder, `if`, `unless` or `each`.
#[test]
fn a_source_knows_placeholders_if_unless_and_each_and_nothing_else() {
    let table = [
        ("x {{{name}}}", 3, "`{{{`"),
        ("x {{{{raw}}}} {{{{/raw}}}}", 3, "`{{{`"),
        ("x {{&name}}", 3, "`{{&`"),
        ("x {{& name}}", 3, "`{{&`"),
        ("x {{~name}}", 3, "`~`"),
        ("x {{name~}}", 3, "a name and nothing else"),
        ("x {{> partial}}", 3, "partials"),
        ("x {{#> partial}}{{/partial}}", 3, "partials"),
        ("x {{* decorator}}", 3, "decorators"),
        ("x {{#*inline \"x\"}}{{/inline}}", 3, "inline partials"),
        ("x {{! comment }}", 3, "comments"),
        ("x {{!-- comment --}}", 3, "comments"),
        ("x {{log name}}", 3, "a name and nothing else"),
        ("x {{lookup accounts 0}}", 3, "a name and nothing else"),
        ("x {{#with division}}{{/with}}", 3, "the only blocks"),
        ("x {{#log name}}{{/log}}", 3, "the only blocks"),
        ("x {{(name)}}", 3, "a name and nothing else"),
        ("x {{#if (name)}}{{/if}}", 3, "one placeholder"),
        ("x {{#if name includeZero=true}}{{/if}}", 3, "one placeholder"),
        ("x {{#each accounts as |a|}}{{/each}}", 3, "one placeholder"),
        ("x {{@root.name}}", 3, "a name and nothing else"),
        ("x {{#each accounts}}{{@index}}{{/each}}", 21, "a name and nothing else"),
        ("x {{../name}}", 3, "a name and nothing else"),
        ("x {{./name}}", 3, "a name and nothing else"),
        ("x {{division/name}}", 3, "a name and nothing else"),
        ("x {{division.[name]}}", 3, "a name and nothing else"),
        ("x {{\"name\"}}", 3, "a name and nothing else"),
        ("x {{7}}", 3, "no placeholder `7`"),
        ("x {{this}}", 3, "no placeholder `this`"),
        ("x {{}}", 3, "names no placeholder"),
        ("x {{   }}", 3, "names no placeholder"),
        ("x {{ name }", 3, "not closed"),
        ("x {{name {{name}}", 3, "not closed"),
        ("x {{name}}}", 9, "too many"),
        ("x \\{{name}}", 3, "backslash"),
        ("x \\\\{{name}}", 4, "backslash"),
        ("x {{^name}}{{/name}}", 3, "`{{^`"),
        ("x {{#if name}}{{^}}{{/if}}", 15, "`{{^`"),
        ("x {{#if name}}{{else if name}}{{/if}}", 15, "takes no condition"),
        ("x {{#if name}}{{else}}{{else}}{{/if}}", 23, "already"),
        ("x {{else}}", 3, "in no block"),
        ("x {{#if name}}", 3, "not closed"),
        ("x {{#if name}}{{#unless name}}{{/if}}", 31, "can't close"),
        ("x {{/if}}", 3, "no open block"),
        ("x {{/with}}", 3, "a block ends"),
        ("x {{nam}}", 3, "no placeholder `nam`"),
        ("x {{Name}}", 3, "no placeholder `Name`"),
        ("x {{division}}", 3, "no placeholder `division`"),
        ("x {{division.senders}}", 3, "no placeholder"),
        ("x {{constructor}}", 3, "no placeholder"),
        ("x {{this.id}}", 3, "only inside"),
        ("x {{#if}}{{/if}}", 3, "one placeholder"),
        ("x {{#if nam}}{{/if}}", 3, "no placeholder `nam`"),
        ("x {{#each name}}{{/each}}", 3, "`accounts` and nothing else"),
        ("x {{#each division}}{{/each}}", 3, "no placeholder"),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Html, &html(source), column, words);
        assert_refused(Part::Text, &text(source), column, words);
        assert_refused(Part::Subject, source, column, words);
    }
    let in_bodies = [
        ("x {{accounts}}", 3, "is a list"),
        ("x {{oneAccount}}", 3, "yes or no"),
        ("x {{#each accounts}}{{name}}{{/each}}", 21, "inside `each`"),
        ("x {{#each accounts}}{{#each accounts}}{{/each}}{{/each}}", 21, "inside `each`"),
        ("x {{#each accounts}}{{this.email}}{{/each}}", 21, "inside `each`"),
        ("x {{#each accounts}}{{#if name}}{{/if}}{{/each}}", 21, "inside `each`"),
        ("x {{#each accounts}}{{else}}{{/each}}", 21, "no `{{else}}`"),
        ("é {{nam}}", 3, "no placeholder"),
        ("x\u{0}", 2, "U+0000"),
        ("x\ry", 2, "U+000D"),
        ("x\u{85}", 2, "U+0085"),
    ];
    for (source, column, words) in in_bodies {
        assert_refused(Part::Html, &html(source), column, words);
        assert_refused(Part::Text, &text(source), column, words);
    }
    let deep = "{{#if name}}".repeat(11) + &"{{/if}}".repeat(11);
    assert_refused(Part::Text, &text(&deep), 10 * 12 + 1, "at most 10 deep");
}

#[test]
fn a_subject_is_one_line_with_neither_password_nor_link() {
    let table = [
        ("x {{temporaryPassword}}", 3, "may not stand in the subject"),
        ("x {{activationLink}}", 3, "may not stand in the subject"),
        ("x {{#if temporaryPassword}}{{/if}}", 3, "may not stand in the subject"),
        ("x {{#each accounts}}{{/each}}", 3, "may not stand in the subject"),
        ("x {{expires}}", 3, "may not stand in the subject"),
        ("x\ny", 2, "U+000A"),
        ("x\r\nBcc: y@example.com", 2, "U+000D"),
        ("x\u{0}", 2, "U+0000"),
        ("x\ty", 2, "U+0009"),
        ("", 1, "must not be empty"),
        ("  ", 1, "must not be empty"),
        ("{{name}}", 1, "may come out empty"),
        ("{{#if name}}Hello{{else}}Dear customer{{/if}}", 1, "may come out empty"),
        ("{{division.logoUrl}}", 1, "may come out empty"),
        (&"x".repeat(201), 1, "at most 200 characters"),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Subject, source, column, words);
    }
    let fine = ["{{division.name}}", "Hello{{#if name}} {{name}}{{/if}}", "{{ name }}, welcome", &"é".repeat(200)];
    for source in fine {
        assert_eq!(found(Part::Subject, source), [], "{source}");
    }
}

#[test]
fn password_and_link_stand_in_every_email() {
    let link = "<a href=\"{{activationLink}}\">x</a>";
    let table = [
        (Part::Html, "x".to_owned(), (1, 1), vec!["temporaryPassword", "activationLink"]),
        (Part::Html, link.to_owned(), (1, 1), vec!["temporaryPassword"]),
        (Part::Html, "{{temporaryPassword}} {{activationLink}}".to_owned(), (1, 1), vec!["activationLink"]),
        (
            Part::Html,
            format!("{link}\n{{{{#if name}}}}{{{{temporaryPassword}}}}{{{{/if}}}}"),
            (2, 13),
            vec!["temporaryPassword"],
        ),
        (
            Part::Html,
            format!("{{{{temporaryPassword}}}} {{{{#if name}}}}{link}{{{{/if}}}}"),
            (1, 44),
            vec!["activationLink"],
        ),
        (Part::Text, "x".to_owned(), (1, 1), vec!["temporaryPassword", "activationLink"]),
        (Part::Text, "{{activationLink}}".to_owned(), (1, 1), vec!["temporaryPassword"]),
        (
            Part::Text,
            "{{temporaryPassword}}\n\n {{#unless name}}{{activationLink}}{{/unless}}".to_owned(),
            (3, 18),
            vec!["activationLink"],
        ),
    ];
    for (part, source, place, missing) in table {
        let found = found(part, &source);
        assert_eq!(found.len(), missing.len(), "{source}: {found:#?}");
        for name in missing {
            let is_told = |(line, column, message): &(usize, usize, String)| {
                (*line, *column) == place && message.starts_with(&format!("`{name}` is missing"))
            };
            assert!(found.iter().any(is_told), "{source}: {found:#?}");
        }
    }
}

#[test]
fn no_placeholder_continues_an_address_in_plain_text() {
    let refused = "part of the address";
    let table = [
        ("https://x.example/?p={{temporaryPassword}}", 22),
        ("https://x.example/{{#if name}}{{temporaryPassword}}{{/if}}", 31),
        ("x.example?p={{temporaryPassword}}", 13),
        ("www.x.example{{name}}", 14),
        ("{{division.portalUrl}}{{temporaryPassword}}", 23),
        ("{{division.portalUrl}}?p={{temporaryPassword}}", 26),
        ("{{#if name}}https://x.example/{{else}} {{/if}}{{temporaryPassword}}", 47),
        ("https:/{{name}}/x.example/{{temporaryPassword}}", 27),
        ("{{#each accounts}}{{this.id}} https://x.example/{{/each}}", 19),
    ];
    for (source, column) in table {
        assert_refused(Part::Text, &text(source), column, refused);
        assert_refused(Part::Html, &html(source), column, refused);
    }
    assert_refused(Part::Html, &html("https:&#47;&#47;x.example&#47;{{name}}"), 31, "part of the address");
    for source in ["https://x.example/ {{name}}", "{{division.portalUrl}}.", "#{{name}} ({{name}}): {{name}},{{name}}"]
    {
        assert_eq!(found(Part::Text, &text(source)), [], "{source}");
        assert_eq!(found(Part::Html, &html(source)), [], "{source}");
    }
}

#[test]
fn no_placeholder_begins_an_address_in_plain_text() {
    let secret = "must stand by itself";
    let after = "the address after it";
    let before = "the address before it";
    let table = [
        ("{{temporaryPassword}}.evil.example/x", 1, secret),
        ("{{temporaryPassword}}@evil.example", 1, secret),
        ("{{temporaryPassword}}/x", 1, secret),
        ("{{temporaryPassword}}x", 1, secret),
        ("{{temporaryPassword}}.\u{200b}x", 1, secret),
        ("({{temporaryPassword}}).evil.example", 2, secret),
        ("{{temporaryPassword}}{{#if name}}{{else}}.evil.example{{/if}}", 1, secret),
        ("{{temporaryPassword}}{{#each accounts}}.evil.example{{/each}}", 1, secret),
        ("{{temporaryPassword}}{{name}}", 1, secret),
        ("{{name}}{{temporaryPassword}}", 9, secret),
        ("x{{temporaryPassword}}", 2, secret),
        ("localhost#{{temporaryPassword}}", 11, secret),
        ("localhost:{{activationLink}}", 11, secret),
        ("{{activationLink}}@evil.example", 1, secret),
        ("evil.com#{{temporaryPassword}}", 10, before),
        ("mailto:a@evil.com{{temporaryPassword}}", 18, before),
        ("evil.com#{{name}}", 10, before),
        ("evil.{{name}}", 6, before),
        ("evil{{#if name}}.{{/if}}com#{{name}}", 29, before),
        ("a@{{name}}", 3, before),
        ("{{division.contactAddress}}{{name}}", 28, before),
        ("{{#each accounts}}{{this.id}}.evil.example {{/each}}", 19, after),
        ("{{#each accounts}}.evil.example {{this.id}}{{/each}}", 33, after),
        ("{{#each accounts}}{{this.id}}{{/each}}.evil.example", 19, after),
        ("{{name}}{{#if name}}.{{/if}}evil.example", 1, after),
        ("{{name}}.{{expires}}evil.example", 1, after),
        ("{{name}}-x.evil.example", 1, after),
        ("{{name}}。evil.example", 1, after),
        ("{{name}}@evil.example", 1, after),
        ("{{name}}:x@evil.example", 1, after),
        ("{{name}}/x", 1, after),
        ("{{division.contactAddress}}.evil.example", 1, after),
        ("{{division.portalUrl}}.evil.example", 1, after),
        ("{{division.portalUrl}}@evil.example", 1, after),
        ("{{division.portalUrl}}&x@evil.example", 1, after),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Text, &text(source), column, words);
        assert_refused(Part::Html, &html(source), column, words);
    }
    let fine = [
        "{{temporaryPassword}}",
        "Password: \"{{temporaryPassword}}\", ({{temporaryPassword}}). „{{temporaryPassword}}“! [{{activationLink}}]",
        "{{temporaryPassword}}.\n{{temporaryPassword}}: {{temporaryPassword}}? {{temporaryPassword}};",
        "{{#if name}}{{temporaryPassword}}{{else}}{{activationLink}}{{/if}}",
        "{{#each accounts}}{{this.id}}{{#if this.name}} ({{this.name}}){{/if}}, {{/each}}",
        "Hello{{#if name}} {{name}}{{/if}}, {{name}}. {{name}}'s {{accountTotal}}-fold!",
        "{{division.contactAddress}}. {{division.contactAddress}}, {{division.portalUrl}}/help?x=@y.z {{expires}}.",
    ];
    for source in fine {
        assert_eq!(found(Part::Text, &text(source)), [], "{source}");
        assert_eq!(found(Part::Html, &html(source)), [], "{source}");
    }
}

#[test]
fn all_faults_are_told_at_once_in_order_and_not_without_end() {
    let sources = Sources {
        subject: "{{temporaryPassword}} {{x}}".to_owned(),
        html: "<script>\n{{x}}</script>".to_owned(),
        text: "{{#if name}}".to_owned(),
        language: None,
    };
    let found: Vec<_> = faults(&sources)
        .into_iter()
        .map(|fault| (fault.field, fault.place.map(|place| (place.line, place.column))))
        .collect();
    let place = |field: &str, line, column| (field.to_owned(), Some((line, column)));
    let expected = [
        place("subject", 1, 1),
        place("subject", 1, 23),
        place("html", 1, 1),
        place("html", 1, 1),
        place("html", 1, 1),
        place("html", 2, 1),
        place("html", 2, 1),
        place("html", 2, 6),
        place("text", 1, 1),
        place("text", 1, 1),
        place("text", 1, 1),
    ];
    assert_eq!(found, expected);
    let one_word = text(&("{{name}}".repeat(2_000) + &"x".repeat(30_000) + ".x"));
    assert_eq!(faults(&Sources { text: one_word, ..built_in() }).len(), MOST_FAULTS);
    let endless = Sources { text: "{{".repeat(20_000), ..built_in() };
    assert_eq!(faults(&endless).len(), MOST_FAULTS);
}

#[test]
fn a_source_may_be_as_long_as_its_limit_and_no_longer() {
    for (part, limit, fixed) in [(Part::Html, HTML_BYTES, html("")), (Part::Text, TEXT_BYTES, text(""))] {
        let longest = fixed.clone() + &"x".repeat(limit - fixed.len());
        assert_eq!(found(part, &longest), []);
        assert!(found(part, &(longest + "x"))[0].2.contains(&limit.to_string()));
    }
}
