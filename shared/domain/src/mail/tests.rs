use std::sync::LazyLock;

use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::ExposeSecret;

use super::*;
use crate::recipient::{Links, NamedAccount};
use crate::{AccountId, DivisionId, RecipientId};

fn division() -> Division {
    Division {
        division: DivisionId::new("DAYTON & Co"),
        name: "Dayton \"Waste\" & <Recycling>".to_owned(),
        email: "service@dayton.example".to_owned(),
        time_zone: "America/New_York".to_owned(),
        portal_url: "https://portal.example.com/dayton?a=1&b=2".to_owned(),
        logo_url: None,
        senders: Vec::new(),
        reply_to: Some("help@dayton.example".to_owned()),
        link_hosts: Vec::new(),
    }
}

fn recipient(name: &str, accounts: u32) -> Recipient {
    let named = (1..=accounts.min(20)).map(|number| NamedAccount {
        account_id: AccountId::new(format!("{number:04}-ABCDE")),
        account_name: if number % 7 == 3 { String::new() } else { format!("{number} Main Street & Sons") },
        contact_name: name.to_owned(),
    });
    Recipient::never_invited(
        RecipientId::from_random([7; 16]),
        DivisionId::new("DAYTON & Co"),
        serde_json::from_value("o'neil+x&y@example.com".into()).expect("an address is a string"),
        Links { profiles: None, account_count: accounts, accounts: named.collect(), ..Links::default() },
    )
}

fn password() -> TemporaryPassword {
    TemporaryPassword::generate(&mut StdRng::seed_from_u64(1))
}

fn render_for(recipient: &Recipient, division: &Division) -> Result<Rendered, RenderError> {
    let password = password();
    built_in().render(&Invitation { password: &password, ..invitation(recipient, division) })
}

fn invitation<'a>(recipient: &'a Recipient, division: &'a Division) -> Invitation<'a> {
    static DUMMY: LazyLock<TemporaryPassword> = LazyLock::new(TemporaryPassword::dummy);
    Invitation {
        recipient,
        division,
        password: &DUMMY,
        public_url: "https://invites.example.com/live",
        expires_at: "2026-11-30T14:15:42Z".parse().expect("a time"),
        earlier_passwords_end: false,
    }
}

fn built_in() -> Compiled {
    Compiled::new(&sources()).expect("the built-in template is well-formed")
}

fn sources() -> Sources {
    template::newest_built_in().sources
}

const DIFFICULT: &str = "Zoë \"Z\" <O'Neil> & Söhne";

/// Of earlier passwords the e-mail speaks only where there were any, and none of them works beside the new one.
#[test]
fn the_built_in_e_mail_says_that_earlier_passwords_ended_only_if_they_did() {
    const SENTENCE: &str = "Passwords that we mailed to you earlier no longer work.";
    let (recipient, division) = (recipient("Ann", 1), division());
    for earlier_passwords_end in [false, true] {
        let invitation = Invitation { earlier_passwords_end, ..invitation(&recipient, &division) };
        let rendered = built_in().render(&invitation).expect("renders");
        assert_eq!(
            rendered.text.contains(&format!("EST.\n{SENTENCE}\n\n")),
            earlier_passwords_end,
            "{}",
            rendered.text
        );
        assert_eq!(rendered.html.contains(&format!(">{SENTENCE}</p>")), earlier_passwords_end);
        assert!(rendered.text.contains("EST.\n"));
    }
}

/// Campaigns under way keep the version that they began with.
#[test]
fn earlier_versions_of_the_built_in_template_stay_as_they_were() {
    let (recipient, division) = (recipient("Ann", 1), division());
    let first = Compiled::built_in(1).expect("there is a first version");
    let rendered = first.render(&invitation(&recipient, &division)).expect("renders");
    assert!(rendered.text.contains("EST.\nPasswords that we mailed to you earlier no longer work.\n\nYour account:\n"));
}

#[test]
fn a_difficult_name_comes_out_right_in_both_bodies() {
    let rendered = render_for(&recipient(DIFFICULT, 2), &division()).expect("renders");
    insta::assert_snapshot!("difficult_name.subject", rendered.subject);
    insta::assert_snapshot!("difficult_name.html", rendered.html);
    insta::assert_snapshot!("difficult_name.text", rendered.text);
    assert!(rendered.text.starts_with(&format!("Hello {DIFFICULT},\n")));
    assert!(!rendered.html.contains("<O'Neil>"));
}

#[test]
fn twenty_thousand_accounts_are_twenty_and_a_number() {
    let division = Division { logo_url: Some("https://portal.example.com/logo.png".to_owned()), ..division() };
    let rendered = render_for(&recipient("Property manager", 20_000), &division).expect("renders");
    insta::assert_snapshot!("many_accounts.html", rendered.html);
    insta::assert_snapshot!("many_accounts.text", rendered.text);
    assert!(rendered.html.len() < 100_000, "Gmail cuts off at 102 KB");
}

#[test]
fn without_a_name_the_greeting_has_none() {
    let rendered = render_for(&recipient("", 1), &division()).expect("renders");
    insta::assert_snapshot!("no_name.html", rendered.html);
    insta::assert_snapshot!("no_name.text", rendered.text);
}

#[test]
fn the_expiry_is_told_in_the_divisions_time_zone() {
    let table = [
        ("America/New_York", "Monday, November 30, 2026 at 9:15 AM EST"),
        ("Europe/Berlin", "Monday, November 30, 2026 at 3:15 PM CET"),
        ("Asia/Tokyo", "Monday, November 30, 2026 at 11:15 PM JST"),
        ("America/Sao_Paulo", "Monday, November 30, 2026 at 11:15 AM UTC-03"),
        ("Pacific/Auckland", "Tuesday, December 1, 2026 at 3:15 AM NZDT"),
    ];
    for (zone, expiry) in table {
        let division = Division { time_zone: zone.to_owned(), ..division() };
        let rendered = render_for(&recipient("Ann", 1), &division).expect("renders");
        assert!(rendered.text.contains(expiry) && rendered.html.contains(expiry), "{zone}");
    }
}

/// Guarantee 17: a version that an earlier release stored has no language.
#[test]
fn dates_numbers_and_html_are_in_the_language_of_the_template() {
    let (recipient, division) = (recipient("Ann", 20_000), division());
    let text = "{{temporaryPassword}} {{activationLink}}\n{{expires}} {{accountTotal}} {{moreAccounts}}".to_owned();
    let table = [
        ("{}", "Monday, November 30, 2026 at 9:15 AM EST 20,000 19,980", "<html lang=\"nl\"><p>"),
        (r#"{"language": "en"}"#, "Monday, November 30, 2026 at 9:15 AM EST 20,000 19,980", "<html lang=\"en\"><p>"),
        (r#"{"language": "de"}"#, "Montag, 30. November 2026 um 09:15 EST 20.000 19.980", "<html lang=\"de\"><p>"),
    ];
    for (stored, written, html) in table {
        let mut stored: serde_json::Value = serde_json::from_str(stored).expect("it is JSON");
        let source = "<html lang=\"nl\"><p>{{temporaryPassword}} <a href=\"{{activationLink}}\">Activate</a>";
        stored["subject"] = "Hello".into();
        (stored["html"], stored["text"]) = (source.into(), text.clone().into());
        let sources: Sources = serde_json::from_value(stored.clone()).expect("it is what is stored");
        assert_eq!(serde_json::to_value(&sources).expect("serialises"), stored);
        let template = Compiled::checked(&sources).expect("nothing is wrong with it");
        let rendered = template.render(&invitation(&recipient, &division)).expect("renders");
        assert!(rendered.text.ends_with(&format!("\n{written}")), "{}", rendered.text);
        assert!(rendered.html.starts_with(html), "{}", rendered.html);
    }
}

/// Guarantee 4: the password is in the bodies, and nowhere else.
#[test]
fn the_password_is_in_one_piece_in_both_bodies_and_nowhere_else() {
    let rendered = render_for(&recipient("Ann", 1), &division()).expect("renders");
    let password = password();
    let clear = password.expose().expose_secret();
    assert!(rendered.html.contains(&format!(">{clear}</div>")));
    assert!(rendered.text.lines().any(|line| line.trim() == clear));
    assert!(!rendered.subject.contains(clear));
    assert!(!format!("{rendered:?}").contains(clear));
}

#[test]
fn the_link_is_percent_encoded_and_in_the_text_on_a_line_of_its_own() {
    let rendered = render_for(&recipient("Ann", 1), &division()).expect("renders");
    let link = format!(
        "https://invites.example.com/live/activate#division=DAYTON%20%26%20Co&email=o%27neil%2Bx%26y%40example.com\
         &temporaryPassword={}",
        password().expose().expose_secret()
    );
    assert!(rendered.text.lines().any(|line| line == link));
    let anchors = rendered.html.matches("<a ").count();
    assert_eq!(rendered.html.matches(" ses:no-track ").count(), anchors, "link tracking is off for every link");
}

/// Guarantee 10: a header value has one line.
#[test]
fn a_control_character_comes_into_no_subject() {
    for control in ["\r\nBcc: x@example.com", "\n", "\r", "\0", "\u{7f}", "\u{85}"] {
        let division = Division { name: format!("Dayton{control}"), ..division() };
        let rendered = render_for(&recipient("Ann", 1), &division).expect("a name is cleaned");
        assert!(!rendered.subject.contains(char::is_control), "{control:?} {}", rendered.subject);
    }
    let subject = "Welcome\nto {{division.name}}".to_owned();
    let (recipient, division) = (recipient("Ann", 1), division());
    let template = Compiled::new(&Sources { subject, ..sources() }).expect("it is well-formed");
    assert_eq!(template.render(&invitation(&recipient, &division)), Err(RenderError::ControlCharacterInSubject));
}

#[test]
fn a_line_break_in_a_name_makes_no_line_in_the_text() {
    let rendered = render_for(&recipient("Ann\r\nTemporary password: forged", 1), &division()).expect("renders");
    assert!(rendered.text.starts_with("Hello Ann Temporary password: forged,\n"));
}

/// Guarantee 10: no name leads a customer elsewhere, in whichever part of the e-mail it stands.
#[test]
fn a_link_finder_finds_no_address_but_the_divisions_and_the_activation_link() {
    let mut finder = linkify::LinkFinder::new();
    finder.url_must_have_scheme(false).email_domain_must_have_dot(false);
    for name in [
        "Ann https://win.example/x",
        "www.win.example",
        "ann@win.example",
        "http://win/",
        "win.example",
        "//win.example:8/x",
        "win.\u{200b}example",
    ] {
        let mut target = recipient(name, 3);
        for account in &mut target.links.accounts {
            (account.account_id, account.account_name) = (AccountId::new(name), name.to_owned());
        }
        let division = Division { name: name.to_owned(), ..division() };
        let rendered = render_for(&target, &division).expect("renders");
        let texts: String = html5gum::Tokenizer::new(&rendered.html)
            .map(|Ok(token)| match token {
                html5gum::Token::String(text) => String::from_utf8_lossy(&text).into_owned(),
                _ => " ".to_owned(),
            })
            .collect();
        for part in [&rendered.subject, &rendered.text, &texts] {
            let links = finder.links(part).map(|link| link.as_str().to_owned());
            let own = ["https://portal.example.com/", "https://invites.example.com/", "help@dayton.example"];
            let foreign: Vec<_> = links.filter(|link| !own.iter().any(|own| link.starts_with(own))).collect();
            // The markup has style sheets, whose selectors look like names of servers.
            assert!(!foreign.iter().any(|link| link.contains("win")), "{name} {foreign:?}");
            assert!(part.contains("win"), "a person still reads it: {part}");
        }
    }
}

/// Thunderbird and Outlook make one link of what stands between brackets or quotes, across lines.
#[test]
fn no_name_makes_an_address_of_what_stands_between_it_and_another() {
    let clear = password();
    let clear = clear.expose().expose_secret();
    for (open, close) in [
        ("<https://evil.example/?p=", "x>"),
        ("\"mailto:a@evil.example?body=", "x\""),
        ("<URL:http://evil.example/", ">"),
    ] {
        let mut target = recipient(open, 1);
        target.links.accounts[0].account_name = close.to_owned();
        let plain = Division { name: "Dayton".to_owned(), ..division() };
        let text = render_for(&target, &plain).expect("renders").text;
        let (before, after) = text.split_once(clear).expect("it is there");
        assert!(!before.contains(['<', '"']) && !after.contains(['>', '"']), "{text}");
        assert!(before.contains("evil. example"), "the name itself stays");
    }
    let in_quotes =
        Sources { text: "\" - {{name}}: {{temporaryPassword}} {{activationLink}}\"".to_owned(), ..sources() };
    let template = Compiled::new(&in_quotes).expect("it is well-formed");
    let (recipient, division) = (recipient("x @evil.example", 1), division());
    assert_eq!(template.render(&invitation(&recipient, &division)), Err(RenderError::Enclosed));
}

#[test]
fn a_template_that_names_a_server_is_for_divisions_that_have_it() {
    let text = format!("{}\nSee help.dayton.example/x and maps.example.org\n", sources().text);
    let template = Compiled::checked(&Sources { text, ..sources() }).expect("nothing is wrong with it");
    let recipient = recipient("Ann", 1);
    let mut division = division();
    for (listed, foreign) in [
        (vec![], vec!["help.dayton.example", "maps.example.org"]),
        (vec!["maps.example.org"], vec!["help.dayton.example"]),
        (vec!["help.dayton.example", "maps.example.org"], vec![]),
    ] {
        division.link_hosts = listed.into_iter().map(str::to_owned).collect();
        assert_eq!(template.foreign_hosts(&division), foreign);
        let refused = template.render(&invitation(&recipient, &division)).err();
        assert_eq!(refused, (!foreign.is_empty()).then_some(RenderError::ForeignHost));
    }
}

#[test]
fn no_markup_gets_into_the_html_by_a_value() {
    let attack = "\"><script>alert(1)</script><a href='javascript:x' onclick=`x`>{{temporaryPassword}}";
    let mut target = recipient(attack, 1);
    target.links.accounts[0].account_name = attack.to_owned();
    target.links.accounts[0].account_id = AccountId::new(attack);
    let division = Division {
        name: attack.to_owned(),
        portal_url: "https://x/\"onmouseover=\"x".to_owned(),
        logo_url: Some("https://x/'\"><script>".to_owned()),
        ..division()
    };
    let html = render_for(&target, &division).expect("renders").html;
    assert!(!html.contains("<script") && !html.contains("\"onmouseover") && !html.contains("<a href='"));
    assert!(html.contains("{{temporaryPassword}}"), "a value is not a template");
}

#[test]
fn a_division_without_web_address_is_an_error_and_not_a_broken_link() {
    let division = Division { portal_url: "javascript:alert(1)".to_owned(), ..division() };
    assert_eq!(render_for(&recipient("Ann", 1), &division), Err(RenderError::Address("portalUrl")));
}

/// Guarantees 4 and 10: there is neither password nor link to put into a subject, whatever the template asks for.
#[test]
fn a_template_gets_only_what_its_place_may_have() {
    let (recipient, division) = (recipient("Ann", 1), division());
    let render = |sources: Sources| Compiled::new(&sources)?.render(&invitation(&recipient, &division));
    for subject in
        ["{{temporaryPassword}}", "{{activationLink}}", "{{unknown}}", "{{", "{{{name}}}", "{{lookup this 1}}"]
    {
        let subject = subject.to_owned();
        assert_eq!(render(Sources { subject, ..sources() }), Err(RenderError::Template("subject")));
    }
    let html = "{{unknown}}".to_owned();
    assert_eq!(render(Sources { html, ..sources() }), Err(RenderError::Template("HTML body")));
    let text = "{{#if name}}".to_owned();
    assert_eq!(render(Sources { text, ..sources() }), Err(RenderError::Template("text body")));
    let (text, html) = ("{{name}} & {{division.name}}".to_owned(), "<i title=\"{{division.name}}\">".to_owned());
    let rendered = render(Sources { text, html, language: None, ..sources() }).expect("renders");
    assert_eq!(rendered.text, "Ann & Dayton \"Waste\" & <Recycling>");
    assert_eq!(rendered.html, "<i title=\"Dayton &quot;Waste&quot; &amp; &lt;Recycling&gt;\">");
}

#[test]
fn a_preview_for_the_sample_person_has_dots_where_the_password_would_be() {
    let division = division();
    let (recipient, password) = (sample::recipient(&division), TemporaryPassword::dots());
    let invitation = Invitation { password: &password, ..invitation(&recipient, &division) };
    let rendered = built_in().render(&invitation).expect("renders");
    let dots = "•••••-•••••-•••••-•••••-•••••";
    assert!(rendered.html.contains(&format!(">{dots}</div>")));
    assert!(rendered.text.contains(&format!("&temporaryPassword={dots}\n")), "{}", rendered.text);
    assert!(rendered.text.contains("Hello Sam Sample,") && rendered.text.contains("SAMPLE-1"));
}
