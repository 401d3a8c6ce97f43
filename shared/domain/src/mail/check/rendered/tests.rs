//! Checks of e-mails: faults that only show there.

use super::super::{Part, examine, faults};
use crate::input::FieldError;
use crate::mail::Sources;

const LINK: &str = "<a href=\"{{activationLink}}\">Activate</a>";
const PASSWORD: &str = "{{temporaryPassword}}";

fn in_text(text: &str) -> Sources {
    Sources { subject: "x".to_owned(), html: format!("{LINK} {PASSWORD}"), text: text.to_owned(), language: None }
}

fn in_html(html: &str) -> Sources {
    Sources {
        subject: "x".to_owned(),
        html: html.to_owned(),
        text: format!("{PASSWORD} {{{{activationLink}}}}"),
        language: None,
    }
}

/// Both bodies with `more`, which has no tags.
fn in_both(more: &str) -> [(Part, Sources); 2] {
    let text = in_text(&format!("{{{{activationLink}}}} {PASSWORD}\n{more}"));
    [(Part::Text, text), (Part::Html, in_html(&format!("{LINK} {PASSWORD}<p>{more}")))]
}

fn assert_refused(part: Part, sources: &Sources, words: &str) {
    let faults = faults(sources);
    let is_told = |fault: &FieldError| fault.field == part.field() && fault.message.contains(words);
    assert!(faults.iter().any(is_told), "{sources:#?}: expected {words}, found {faults:#?}");
    assert!(faults.iter().all(|fault| fault.place.is_some()));
}

fn assert_fine(sources: &Sources) {
    assert_eq!(faults(sources), [], "{sources:#?}");
}

#[test]
fn a_line_break_that_handlebars_drops_separates_nothing() {
    let joins = [
        "{{#unless division.name}}\n{{/unless}}\n",
        "{{#if name}}\n{{/if}}\n",
        "{{#each accounts}}\n{{/each}}\n",
        "{{#if name}}\n{{else}}\n{{/if}}\n",
        "{{#if name}} {{/if}}",
        "{{#if name}}{{#unless oneAccount}}\n\n{{/unless}}{{/if}}",
        "{{#if name}}\n{{#if oneAccount}}\n{{/if}}\n{{/if}}\n",
        "{{#each accounts}}{{#if this.name}} {{/if}}{{/each}}",
    ];
    for join in joins {
        for (part, sources) in in_both(&format!("https://evil.example/?p={join}{PASSWORD}")) {
            assert_refused(part, &sources, "the address before it");
        }
        for (part, sources) in in_both(&format!("evil.example/{join}{{{{expires}}}}")) {
            assert_refused(part, &sources, "the address before it");
        }
    }
    for (part, sources) in in_both(&format!("{PASSWORD}{{{{#unless name}}}}\n{{{{/unless}}}}\n.evil.example")) {
        assert_refused(part, &sources, "must stand by itself");
    }
    for between in ["\n{{#if name}}\n{{/if}}\n", " {{#unless name}}\n{{/unless}}\n", "{{#if name}}\n{{/if}} "] {
        for (_, sources) in in_both(&format!("https://dayton.example/{between}{PASSWORD}")) {
            assert_fine(&sources);
        }
    }
}

#[test]
fn the_case_is_told_in_which_it_shows() {
    let [(_, text), _] = in_both(&format!(
        "https://evil.example/?p={{{{#if name}}}} {{{{#unless oneAccount}}}}\n{{{{/unless}}}}\n{{{{/if}}}}{PASSWORD}"
    ));
    assert_refused(Part::Text, &text, "the address before it");
    let hidden = in_html(&format!("<a href=\"{{{{activationLink}}}}\">{{{{name}}}}</a> {PASSWORD}"));
    assert_refused(
        Part::Html,
        &hidden,
        "`activationLink` is hidden, or a style may hide it: a link to it must have something to see in it, a text or a picture, and end with all that is in it (in an e-mail without name)",
    );
}

#[test]
fn a_fault_is_told_where_the_placeholder_stands() {
    let joined = "https://evil.example/?p={{#unless division.name}}\n{{/unless}}\n{{temporaryPassword}}";
    let text = format!("{PASSWORD} {{{{activationLink}}}} {{{{#unless name}}}}{PASSWORD} {{{{/unless}}}}\n{joined}");
    let html =
        format!("{LINK} {PASSWORD}\n<p>\"{PASSWORD}\"{{{{#if name}}}}{{{{else}}}} {PASSWORD} {{{{/if}}}}<p>\n{joined}");
    for (part, sources, line) in [(Part::Text, in_text(&text), 4), (Part::Html, in_html(&html), 5)] {
        let faults = faults(&sources);
        let places: Vec<_> =
            faults.iter().filter_map(|fault| fault.place).map(|place| (place.line, place.column)).collect();
        assert_eq!((faults[0].field.as_str(), places), (part.field(), vec![(line, 1)]), "{faults:#?}");
    }
}

#[test]
fn only_ascii_white_space_and_the_no_break_space_separate() {
    let spaces: Vec<char> = ('\u{80}'..='\u{ffff}').filter(|c| c.is_whitespace() && *c != '\u{85}').collect();
    assert!(spaces.len() > 15);
    for space in spaces.into_iter().chain("\u{200b}\u{feff}\u{ad}\u{2060}\u{180e}\u{2800}".chars()) {
        for (part, sources) in in_both(&format!("https://evil.example/?p={space}{PASSWORD}")) {
            if space == '\u{a0}' {
                assert_fine(&sources);
            } else {
                assert_refused(part, &sources, "the address before it");
            }
        }
        let as_reference = format!("{LINK} {PASSWORD}<p>https://evil.example/?p=&#{};{PASSWORD}", u32::from(space));
        assert_eq!(faults(&in_html(&as_reference)).is_empty(), space == '\u{a0}', "{space:?}");
    }
}

/// Thunderbird and Outlook make one link of all that stands between angle brackets or quotes, and take the white space
/// out.
#[test]
fn a_secret_stands_with_no_address_between_brackets_or_quotes() {
    let table = [
        format!("<https://evil.example/?p= {PASSWORD}>"),
        format!("\"https://evil.example/?p=\n{PASSWORD} \""),
        format!("<URL:https://evil.example/?p= {PASSWORD} >"),
        format!("\" HTTP : //evil.example/?p= {PASSWORD}\""),
        format!("<mailto: {PASSWORD} @evil.example>"),
        format!("\" {PASSWORD} @evil.example\""),
        format!("<x-y://evil.example/ and {PASSWORD}>"),
        format!("[x](<https://evil.example/ {PASSWORD}>)"),
        format!("\"{{{{name}}}} {PASSWORD}\""),
        format!("< {{{{division.name}}}} {PASSWORD} >"),
        "\"www.evil.example/ {{activationLink}}\"".to_owned(),
    ];
    for text in table {
        let refused = in_text(&format!("{PASSWORD} {{{{activationLink}}}}\n{text}"));
        assert_refused(Part::Text, &refused, "between quotes or angle brackets");
        let html = text.replace('<', "&lt;").replace('>', "&gt;");
        assert_refused(
            Part::Html,
            &in_html(&format!("{LINK} {PASSWORD}<p>{html}")),
            "between quotes or angle brackets",
        );
    }
    let fine = [
        format!("\"{PASSWORD}\" <{{{{activationLink}}}}> < {PASSWORD} >"),
        format!("\"Password: {PASSWORD}\" <Your password is {PASSWORD}>"),
        format!("Click \"Activate\", type {PASSWORD}, then go to https://dayton.example/ and press \"OK\"."),
        format!("<https://dayton.example/> {PASSWORD} <https://dayton.example/>"),
    ];
    for text in fine {
        assert_fine(&in_text(&format!("{PASSWORD} {{{{activationLink}}}}\n{text}")));
    }
}

#[test]
fn secrets_stand_in_text_and_in_the_activation_link_alone() {
    for attribute in
        ["title", "alt", "data-p", "aria-label", "class", "id", "name", "summary", "abbr", "content", "lang"]
    {
        for value in [PASSWORD, "{{activationLink}}", "x {{#if name}}{{temporaryPassword}}{{/if}}"] {
            let html = format!("{LINK} {PASSWORD}<p {attribute}=\"{value}\">x</p>");
            assert_refused(Part::Html, &in_html(&html), &format!("not in the attribute `{attribute}`"));
        }
        assert_fine(&in_html(&format!(
            "{LINK} {PASSWORD}<p {attribute}=\"{{{{#if temporaryPassword}}}}x{{{{/if}}}}\">x</p>"
        )));
    }
    assert_refused(Part::Html, &in_html(&format!("{LINK} {PASSWORD}<title>{PASSWORD}</title>")), "not in the title");
    for html in [
        "<!-- {{temporaryPassword}} -->",
        "<style>/* {{activationLink}} */</style>",
        "<p style=\"color:{{temporaryPassword}}\">",
    ] {
        assert!(!faults(&in_html(&format!("{LINK} {PASSWORD}{html}"))).is_empty(), "{html}");
    }
}

#[test]
fn what_everybody_must_see_is_not_hidden() {
    let seen = "Activate";
    let link = |attributes: &str, text: &str| format!("<a {attributes} href=\"{{{{activationLink}}}}\">{text}</a>");
    let hidden = [
        link("hidden", seen),
        link("style=\"display:none\"", seen),
        link("style=\"font-size:0\"", seen),
        link("style=\"color:#fff\"", seen),
        link("class=\"x\"", seen) + "<style>.x { visibility: hidden }</style>",
        link("", seen) + "<style>a { display: none }</style>",
        "<style>@media all { #y { opacity: 0 } }</style>".to_owned() + &link("id=\"y\"", seen),
        format!("<div hidden>{}</div>", link("", seen)),
        format!("<div style='max-height:0; overflow:hidden'><p>{}</p></div>", link("", seen)),
        format!("<span hidden><div></span>{}", link("", seen)),
        format!("<p><b hidden></p>{}", link("", seen)),
        format!("{{{{#if name}}}}<div hidden>{{{{/if}}}}{}", link("", seen)),
        format!("<div style=\"background:#123456; color:#123456\">{}</div>", link("", seen)),
        format!("<table bgcolor=\"#000000\"><td>{}</td></table>", link("style=\"color:black\"", seen)),
        link("", ""),
        link("", " &nbsp;&#8203;&shy; "),
        link("", "."),
        link("", "<span hidden>Activate</span>"),
        link("style=\"line-height:0\"", seen),
        link("", "<b>Activate"),
        link("", "<img src=\"{{division.logoUrl}}\" width=\"0\">"),
        link("", "{{#if oneAccount}}Activate{{/if}}"),
        "<a href=\"{{activationLink}}\"><a href=\"{{division.portalUrl}}\">Activate</a>".to_owned(),
        "<table><td><a href=\"{{activationLink}}\"></td><td>Activate</a></td></table>".to_owned(),
        "<a href=\"{{activationLink}}\">Activate".to_owned(),
    ];
    for html in hidden {
        assert_refused(Part::Html, &in_html(&format!("<p>{PASSWORD}</p>{html}")), "`activationLink` is hidden");
        // Beside one that everybody sees it does no harm.
        let beside = in_html(&format!("{LINK} <p>{PASSWORD}</p>{html}"));
        let about_all = html.contains("<style>a ");
        assert_eq!(faults(&beside).is_empty(), !about_all, "{html}: {:#?}", faults(&beside));
    }
    let fine = [
        link("class=\"button\"", seen) + "<style>.preheader { display:none } .button { display:block }</style>",
        link("style=\"display:inline-block; color:#ffffff; background-color:#1d4ed8\"", seen),
        link("", "<img src=\"https://dayton.example/button.png\" alt=\"\" width=\"100\">"),
        link("", "激活"),
        link("", "x"),
        link("class=\"b\" style=\"color:#ffffff\"", seen) + "<style>.b { background: #1d4ed8 }</style>",
        format!(
            "<table><td style=\"font-size:0px; line-height:0.9\"><div style=\"font-size:13px\">{}</div></td></table>",
            link("", seen)
        ),
        format!("<table><td style=\"font-size:0px\">{}</td></table>", link("style=\"font-size:13px\"", seen)),
        link("", "<b>{{division.name}}</b>"),
        format!(
            "<table><td style=\"font-size:0; line-height:0\">{}</td></table>",
            link("", "<img src=\"https://dayton.example/b.png\" alt=\"Activate\">")
        ),
        format!("<div hidden>x</div><div style=\"display:none\">y</div>{}", link("", seen)),
    ];
    for html in fine {
        assert_fine(&in_html(&format!("<p>{PASSWORD}</p>{html}")));
    }
    let password = format!("{LINK} <span style=\"display:none\">{PASSWORD}</span>");
    assert_refused(Part::Html, &in_html(&password), "`temporaryPassword` is hidden");
}

/// As editors of responsive e-mails write it.
#[test]
fn usual_styles_hide_nothing_that_everybody_must_see() {
    let head = "<style>#outlook a { padding: 0 } body { margin: 0 } table, td { border-collapse: collapse } img { border: 0; \
                height: auto; line-height: 100%; display: block } p { display: block; margin: 13px 0 } .preheader { display: none; \
                max-height: 0; mso-hide: all } @media only screen and (max-width: 480px) { .column { width: 100% !important } \
                .desktop { display: none !important } .stack { display: block !important } } a { color: inherit }</style>";
    let button = "<table border=\"0\" cellpadding=\"0\" role=\"presentation\" style=\"line-height:100%\"><tr><td align=\"center\" \
                  bgcolor=\"#414141\" style=\"border-radius:3px; background:#414141\"><a href=\"{{activationLink}}\" \
                  style=\"display:inline-block; background:#414141; color:#ffffff; font-size:13px; line-height:120%; \
                  margin:0; text-decoration:none; padding:10px 25px\" target=\"_blank\">Activate</a></td></tr></table>";
    let html = format!(
        "<html><head>{head}</head><body><div class=\"preheader\" style=\"display:none; font-size:1px; color:#ffffff; opacity:0\">Hello\
         </div><div class=\"column\" style=\"font-size:0px; text-align:left; direction:ltr; display:inline-block; vertical-align:top; \
         width:100%\"><table width=\"100%\"><tr><td align=\"center\" style=\"font-size:0px; padding:10px 25px; word-break:break-word\">\
         <div style=\"font-family:Arial; font-size:13px; line-height:1; color:#000000\">{PASSWORD}</div></td></tr><tr><td \
         style=\"font-size:0px; padding:10px 25px\">{button}</td></tr></table></div></body></html>"
    );
    assert_fine(&in_html(&html));
}

/// Hidden parts separate nothing, and a style may put parts on one line.
#[test]
fn styles_put_no_secret_beside_an_address() {
    let table = [
        "<span hidden> </span>",
        "<span style=\"display:none\"> x </span>",
        "<br hidden>",
        "<br style=\"display:none\">",
        "<div style=\"display:inline\">",
        "<p style=\"float:left\">",
        "<p hidden></p>",
        "<p style=\"display:none\">x </p>",
        "<p style=\"display:inline\"></p>",
        "<b class=\"x\"> </b>",
    ];
    let cells = ["display:inline", "float:left", "display:contents"].map(|style| {
        let cell = format!("<td style=\"{style}\">");
        format!("<table><tr>{cell}https://evil.example/?p=</td>{cell}{PASSWORD}</td></tr></table>")
    });
    for html in cells {
        assert_refused(Part::Html, &in_html(&format!("{LINK} {PASSWORD}{html}")), "the address before it");
    }
    for sheet in [
        "p { display: inline }",
        "@media all { .y p { float: left } }",
        "* { display: contents }",
        "p+p { position: fixed }",
    ] {
        let html = format!(
            "{LINK} {PASSWORD}<style>{sheet}</style><div class=\"y\"><p>https://evil.example/?p=</p><p>{PASSWORD}</p></div>"
        );
        assert_refused(Part::Html, &in_html(&html), "");
    }
    for between in table {
        let html = format!(
            "{LINK} {PASSWORD}<style>.x {{ display:none }}</style><p>https://evil.example/?p={between}{PASSWORD}"
        );
        assert_refused(Part::Html, &in_html(&html), "the address before it");
    }
}

#[test]
fn a_link_that_shows_an_address_leads_there() {
    let lies = [
        ("https://evil.example/", "https://portal.dayton.example/"),
        ("https://evil.example/", "portal.dayton.example"),
        ("https://evil.example/", "www.portal.dayton.example/help"),
        ("https://evil.example/", "Go to <b>portal</b>.dayton<wbr>.example now"),
        ("https://evil.example/", "p&shy;ortal.dayton.example"),
        ("https://evil.example/", "portal。dayton。example"),
        ("https://evil.example/", "{{division.portalUrl}}"),
        ("https://evil.example/", "{{activationLink}}"),
        ("https://evil.example/", "<b>{{division.contactAddress}}</b>"),
        ("https://evil.example/", "<img src=\"{{division.logoUrl}}\" alt=\"https://portal.dayton.example/\">"),
        ("https://evil.example/", "<span title=\"portal.dayton.example\">x</span>"),
        ("https://evil.example/", "<span hidden>x</span>portal.dayton.example"),
        ("https://dayton.example.evil.example/", "dayton.example"),
        ("https://dayton.example/a", "https://dayton.example/b"),
        ("https://dayton.example/a?b=c", "https://dayton.example/a"),
        ("https://dayton.example:8443/", "dayton.example:443"),
        ("https://d\u{430}yton.example/", "dayton.example"),
        ("mailto:evil@dayton.example", "help@dayton.example"),
        ("mailto:help@dayton.example", "https://dayton.example/"),
        ("https://dayton.example/", "help@dayton.example"),
        ("{{division.portalUrl}}", "https://portal.dayton.example/"),
        ("{{division.portalUrl}}", "{{activationLink}}"),
        ("{{activationLink}}", "{{division.portalUrl}}"),
        ("{{activationLink}}", "https://portal.dayton.example/"),
        ("mailto:{{division.contactAddress}}", "{{division.portalUrl}}"),
    ];
    for (target, shown) in lies {
        let html = format!("{LINK} {PASSWORD}<p><a href=\"{target}\">{shown}</a>");
        assert_refused(Part::Html, &in_html(&html), "must lead to what it shows");
    }
    let true_ones = [
        ("https://dayton.example/", "https://dayton.example"),
        ("https://dayton.example/help?utm=1#x", "dayton.example"),
        ("https://dayton.example/help?a=b#c", "Read dayton.example/help?a=b#c."),
        ("HTTPS://Dayton.Example/help/", "https://dayton.example/help"),
        ("http://dayton.example:8080/x", "dayton.example:8080"),
        ("https://b\u{fc}cher.example/", "b\u{fc}cher.example"),
        ("https://xn--bcher-kva.example/", "b\u{fc}cher.example"),
        ("mailto:Help%40Dayton.example?subject=x", "help@dayton.example"),
        ("https://dayton.example/", "Read more, e.g. about us. Or call: 1.5 minutes"),
        ("https://dayton.example/", "{{name}} of {{division.name}}"),
        ("{{division.portalUrl}}", "<b>{{division.portalUrl}}</b>"),
        ("{{activationLink}}", "{{activationLink}}"),
        ("{{activationLink}}", "{{temporaryPassword}}"),
        ("mailto:{{division.contactAddress}}", "Write to {{division.contactAddress}}"),
    ];
    for (target, shown) in true_ones {
        assert_fine(&in_html(&format!("{LINK} {PASSWORD}<p><a href=\"{target}\">{shown}</a>")));
    }
    let around = format!(
        "{LINK} {PASSWORD} <a hidden href=\"{{{{activationLink}}}}\"></a><a href=\"https://evil.example/\">https://portal.dayton.example/</a>"
    );
    assert_refused(Part::Html, &in_html(&around), "must lead to what it shows");
}

#[test]
fn a_fault_of_a_link_is_told_where_it_stands() {
    let html = format!("{LINK} {PASSWORD}\n<p>x <a href=\"https://evil.example/\">{{{{division.portalUrl}}}}</a>");
    let faults = faults(&in_html(&html));
    assert_eq!(
        (faults.len(), faults[0].place.map(|place| (place.line, place.column))),
        (1, Some((2, 15))),
        "{faults:#?}"
    );
}

#[test]
fn nothing_turns_the_direction_of_text_around() {
    for (part, sources) in in_both("\u{202e}elpmaxe.notyad") {
        assert_refused(part, &sources, "U+202E");
    }
    assert_refused(Part::Html, &in_html(&format!("{LINK} {PASSWORD} &#x202e;elpmaxe")), "turns the direction");
    let style = format!("{LINK} {PASSWORD} <b style=\"unicode-bidi:bidi-override; direction:rtl\">elpmaxe</b>");
    assert_refused(Part::Html, &in_html(&style), "unicode-bidi");
}

#[test]
fn the_servers_are_those_that_any_case_names() {
    let html = format!(
        "{LINK} {PASSWORD} <a href=\"HTTPS://A.example/x\">x</a><img src=\"https://ev%69l.example/\">{{{{#if name}}}}<p>b.example/x{{{{else}}}}<p>evil{{{{#if oneAccount}}}}\n\
         {{{{/if}}}}\n.example.net{{{{/if}}}} <a href=\"mailto:x@c.example?cc=y%40d.example\">x</a>"
    );
    let text = format!(
        "{PASSWORD} {{{{activationLink}}}}\n{{{{#each accounts}}}}{{{{#if this.name}}}}e.example{{{{/if}}}} {{{{/each}}}} {{{{division.portalUrl}}}}/help.html"
    );
    let examined = examine(&Sources { subject: "f.example: {{name}}".to_owned(), html, text, language: None });
    assert_eq!(examined.faults, []);
    let hosts = [
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "e.example",
        "evil.example",
        "evil.example.net",
        "example.net",
        "f.example",
    ];
    assert_eq!(Vec::from_iter(examined.hosts), hosts);
}

#[test]
fn a_source_that_would_make_too_many_long_emails_is_refused() {
    let tested = ["name", "division.name", "division.contactAddress", "division.logoUrl", "moreAccounts", "oneAccount"];
    let blocks: String = tested.iter().map(|path| format!("{{{{#if {path}}}}}x{{{{/if}}}}")).collect();
    let each = format!(
        "{{{{#each accounts}}}}{{{{#if this.id}}}}{{{{#if this.name}}}}{}{{{{/if}}}}{{{{/if}}}}{{{{/each}}}}",
        "x ".repeat(20_000)
    );
    let long = in_html(&format!("{LINK} {PASSWORD} {blocks}{each}"));
    assert_refused(Part::Html, &long, "is too long for so many blocks");
    assert_fine(&in_html(&format!("{LINK} {PASSWORD} {blocks}")));
}
