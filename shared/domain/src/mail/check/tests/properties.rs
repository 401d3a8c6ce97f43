//! Whatever may be saved can be filled in for everybody, and what is filled in is no markup.

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::html::markup_of;
use super::*;
use crate::mail::Invitation;
use crate::password::TemporaryPassword;
use crate::recipient::{Links, NamedAccount};
use crate::{AccountId, Division, DivisionId, Recipient, RecipientId};

/// Values as an import may store them: any characters but controls, and many that mean something in HTML or Handlebars.
fn value() -> impl Strategy<Value = String> {
    let hostile = "[<>\"'&`=/{}!;:#?. a-z-]{0,20}";
    prop_oneof![
        "\\PC{0,20}",
        hostile,
        Just("<script>alert(1)</script>".to_owned()),
        Just("\" onload=\"x".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        Just("{{temporaryPassword}}".to_owned()),
        Just("--> </title></style><!--".to_owned()),
    ]
}

prop_compose! {
    fn people()(
        name in value(),
        division_name in value(),
        accounts in prop::collection::vec((value(), value()), 0..4),
        more in 0..3_u32,
        logo in prop::option::of("https://[a-z\"'<>&]{1,9}"),
    ) -> (Recipient, Division) {
        let division = Division {
            division: DivisionId::new("D<\"&"),
            name: division_name,
            email: "o'neil&x@example.com".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            portal_url: "https://portal.example.com/\"'<x>&y".to_owned(),
            logo_url: logo,
            senders: Vec::new(),
            reply_to: None,
            link_hosts: Vec::new(),
        };
        let account_count = u32::try_from(accounts.len()).expect("few") + more;
        let named = |(id, account_name): (String, String)| NamedAccount {
            account_id: AccountId::new(id),
            account_name,
            contact_name: name.clone(),
        };
        let accounts = accounts.into_iter().map(named).collect();
        let recipient = Recipient::never_invited(RecipientId::from_random([7; 16]), division.division.clone(), "a@example.com".to_owned(), Links { profiles: None, account_count, accounts, ..Links::default() });
        (recipient, division)
    }
}

/// Pieces of which both good and hostile sources are made.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{{name}}",
        "{{division.name}}",
        "{{temporaryPassword}}",
        "{{activationLink}}",
        "{{division.portalUrl}}",
        "{{division.logoUrl}}",
        "{{expires}}",
        "{{accountTotal}}",
        "{{moreAccounts}}",
        "{{#if name}}",
        "{{#unless name}}",
        "{{else}}",
        "{{/if}}",
        "{{/unless}}",
        "{{#each accounts}}",
        "{{this.id}}",
        "{{this.name}}",
        "{{/each}}",
        "{{#if oneAccount}}",
        "{{#if earlierPasswordsEnd}}",
        "{{#if this.name}}",
        "{{#if accounts}}",
        "{{{name}}}",
        "{{&name}}",
        "{{",
        "}}",
        "{",
        "}",
        "\\",
        "{{!x}}",
        "{{> x}}",
        "{{@root}}",
        "{{x}}",
        "<p>",
        "</p>",
        "<p title=\"",
        "\">",
        "\"",
        "'",
        ">",
        "<",
        "/",
        "=",
        " ",
        "\n",
        "&",
        "#",
        ";",
        "x",
        "a",
        "b",
        "<b title='",
        "<a href=\"",
        "<a href=\"{{activationLink}}\">",
        "<img src=\"{{division.logoUrl}}\">",
        "</a>",
        "<!--",
        "-->",
        "<!",
        "<?",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
        "</titl",
        "</tit",
        "le>",
        "<script>",
        "</script>",
        "on",
        "click",
        "javascript:",
        "https://x.example/",
        " title=",
        " style=\"",
        "<t",
        "itle>",
        "&#4",
        "&l",
        "t;",
        "</",
        "\r\n",
    ])
}

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

/// Well-formed pieces only, so that most of what comes out may be saved.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "{{name}} ",
        "{{ division.name }} ",
        "{{temporaryPassword}} ",
        "{{activationLink}} ",
        "{{expires}}\n",
        "<p>x</p>",
        "<b title=\"{{name}}\">",
        "<img src=\"{{division.logoUrl}}\">",
        "\n",
        "  ",
        "<title>{{division.name}}</title>",
        "{{#each accounts}}\n{{this.id}} {{#if this.name}}{{this.name}}{{else}}-{{/if}} {{/each}}\n",
        "{{moreAccounts}} ",
        "&amp; ",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(3, 24, 6, |inner| {
        let blocks = prop::sample::select(vec![
            "name",
            "oneAccount",
            "accounts",
            "division.logoUrl",
            "moreAccounts",
            "earlierPasswordsEnd",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|parts| parts.concat()),
            (blocks.clone(), inner.clone(), inner.clone())
                .prop_map(|(path, a, b)| format!("{{{{#if {path}}}}}{a}{{{{else}}}}{b}{{{{/if}}}}")),
            (blocks, inner).prop_map(|(path, a)| format!("{{{{#unless {path}}}}}\n{a}\n{{{{/unless}}}}\n")),
        ]
    })
}

/// Well-formed but for one piece somewhere in it.
fn slightly_hostile() -> impl Strategy<Value = String> {
    (well_formed(), piece(), any::<prop::sample::Index>()).prop_map(|(source, piece, place)| {
        let at = place.index(source.len() + 1);
        let (before, after) = source.split_at(source.floor_char_boundary(at));
        format!("{before}{piece}{after}")
    })
}

fn rendered(sources: &Sources, recipient: &Recipient, division: &Division) -> crate::mail::Rendered {
    let compiled = Compiled::new(sources).expect("what may be saved can be made ready");
    let password = TemporaryPassword::dummy();
    let expires_at = Timestamp::UNIX_EPOCH;
    let invitation = Invitation {
        recipient,
        division,
        password: &password,
        public_url: "https://invites.example.com",
        expires_at,
        earlier_passwords_end: false,
    };
    compiled.render(&invitation).expect("what may be saved can be filled in for everybody")
}

/// `values` with as many accounts as `model`, and empty where that is: so that every block takes the same branch.
fn like(model: &Recipient, values: Recipient) -> Recipient {
    let name = if model.name().trim().is_empty() { "" } else { "Ann" };
    let account = |account: &NamedAccount| NamedAccount {
        account_id: AccountId::new("1"),
        account_name: if account.account_name.trim().is_empty() { String::new() } else { values.email.clone() },
        contact_name: name.to_owned(),
    };
    let accounts = model.links.accounts.iter().map(account).collect();
    Recipient {
        links: Links { profiles: None, account_count: model.links.account_count, accounts, ..Links::default() },
        ..values.clone()
    }
}

proptest! {
    #[test]
    fn what_may_be_saved_is_filled_in_for_everybody_and_values_add_no_markup(
        source in prop_oneof![pieces(), well_formed(), slightly_hostile()],
        (recipient, division) in people(),
        (other, other_division) in people(),
    ) {
        let sources = Sources { subject: "Hello".to_owned(), html: html(&source), text: text(&source), language: None };
        if faults(&sources).is_empty() {
            let one = rendered(&sources, &recipient, &division);
            // With other values but the same branches, the same markup.
            let other = like(&recipient, other);
            let other_division = Division { logo_url: division.logo_url.as_ref().map(|_| "https://l".to_owned()), ..other_division };
            let another = rendered(&sources, &other, &other_division);
            prop_assert_eq!(markup_of(&one.html), markup_of(&another.html));
            prop_assert!(!one.html.contains("<script"));
        } else if faults(&Sources { html: html(""), ..sources.clone() }).is_empty() {
            // The text alone may be saved: it too can be filled in.
            rendered(&Sources { html: html(""), ..sources }, &recipient, &division);
        }
    }

    #[test]
    fn a_subject_that_may_be_saved_is_one_line_for_everybody(
        source in pieces(),
        (recipient, division) in people(),
    ) {
        let sources = Sources { subject: source.clone(), html: html(""), text: text(""), language: None };
        if faults(&sources).is_empty() {
            let rendered = rendered(&sources, &recipient, &division);
            prop_assert!(!rendered.subject.chars().any(char::is_control));
            prop_assert!(!rendered.subject.contains("XXXXX"));
        }
    }

    #[test]
    fn checking_takes_any_text(source in "\\PC{0,60}|[<>\"'&{}#/!a \\n-]{0,60}") {
        for fault in faults(&Sources { subject: source.clone(), html: source.clone(), text: source, language: None }) {
            prop_assert!(fault.place.is_some());
        }
    }
}
