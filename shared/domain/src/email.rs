//! E-mail addresses, normalised so that equal addresses are one recipient.

mod read;

use std::fmt;

use email_address::Options;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use read::{Read, Refused};

/// Most bytes before the `@` (RFC 5321, section 4.5.3.1.1).
pub const LOCAL_PART_BYTES: usize = 64;

/// Most bytes of a whole address (RFC 5321, section 4.5.3.1.3: a path of 256 less its angle brackets).
pub const ADDRESS_BYTES: usize = 254;

/// A normalised address: trimmed, in lower case, all ASCII, its domain as IDNA writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// Why a text is not a usable address.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Unusable {
    /// There is none.
    #[error("there is no e-mail address")]
    Empty,
    /// It violates RFC 5321, or has a form that reaches nobody: several addresses, a quoted local part, an IP address,
    /// a domain of one label or with other symbols.
    #[error("the e-mail address is malformed")]
    Malformed,
    /// SES accepts only ASCII before the `@`.
    #[error("the e-mail address has characters before the @ that are not ASCII, which SES does not send to")]
    NonAsciiLocalPart,
    /// The person with this address was erased on request. The contact is stored without address and name.
    #[error("the person with this e-mail address was erased on request")]
    Erased,
}

impl EmailAddress {
    /// Normalises what somebody typed ([`EmailAddress::read`]). Normalising an address again changes nothing.
    pub fn normalise(text: &str) -> Result<Self, Unusable> {
        Self::read(text).map(|read| read.address).map_err(|refused| refused.why)
    }

    /// The address made of the parts before and after the `@`, if they are valid.
    fn of_parts(local: &str, domain: &str) -> Option<Self> {
        // Checked before case mapping: the Kelvin sign in lower case is an ASCII k.
        if !local.is_ascii() {
            return None;
        }
        // IDNA makes the domain lower case and NFC; the local part is ASCII and thus NFC.
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let address = format!("{}@{domain}", local.to_ascii_lowercase());
        if local.len() > LOCAL_PART_BYTES || address.len() > ADDRESS_BYTES || local.starts_with('"') {
            return None;
        }
        let top_label = domain.rsplit_once('.').map_or("", |(_, label)| label);
        if top_label.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let rules = Options::default().with_required_tld().without_domain_literal().without_display_text();
        email_address::EmailAddress::parse_with_options(&address, rules).ok()?;
        Some(Self(address))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalised(text: &str) -> Result<String, Unusable> {
        EmailAddress::normalise(text).map(String::from)
    }

    #[test]
    fn case_and_space_around_make_no_difference() {
        assert_eq!(
            normalised("\t SUCCESS+1452-KIOVK@Simulator.AmazonSES.com \n"),
            normalised("success+1452-kiovk@simulator.amazonses.com")
        );
        assert_eq!(normalised(" O'Neil@Example.COM"), Ok("o'neil@example.com".to_owned()));
    }

    #[test]
    fn a_domain_is_ascii_whether_it_was_composed_or_not() {
        let ascii = Ok("info@xn--bcher-kva.example".to_owned());
        assert_eq!(normalised("info@B\u{fc}cher.example"), ascii);
        assert_eq!(normalised("info@Bu\u{308}cher.example"), ascii);
        assert_eq!(normalised("info@xn--bcher-kva.example"), ascii);
    }

    #[test]
    fn nothing_is_empty() {
        for text in ["", " ", "\u{a0}\t\r\n"] {
            assert_eq!(normalised(text), Err(Unusable::Empty), "{text:?}");
        }
    }

    #[test]
    fn ses_takes_only_ascii_before_the_at() {
        for text in ["z\u{f6}e@example.com", "\u{212a}@example.com", "e\u{301}@example.com"] {
            assert_eq!(normalised(text), Err(Unusable::NonAsciiLocalPart), "{text:?}");
        }
    }

    #[test]
    fn what_nobody_is_reached_at_is_malformed() {
        let long_domain = format!("a@{}.example.com", ["b".repeat(60).as_str(); 4].join("."));
        let long_local = format!("{}@example.com", "a".repeat(65));
        for text in [
            "a",
            "@",
            "a@",
            "@example.com",
            "a b@example.com",
            "a@b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@localhost",
            "a@example.com.",
            "a@.example.com",
            "a@exa mple.com",
            "a@-example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a\"@example.com",
            "A <a@example.com",
            "a@exam\u{2407}ple.com",
            "a@\u{2764}.example",
            "a@example.com,b@example.com",
            "a@exam_ple.com",
            "a\r\nBcc: x@example.com",
            "a\0@example.com",
            "a@example.c\0m",
            "a@xn--.com",
            &long_domain,
            &long_local,
        ] {
            assert_eq!(normalised(text), Err(Unusable::Malformed), "{text:?}");
        }
    }

    #[test]
    fn what_stands_around_an_address_is_left_out_and_told() {
        let table: [(&str, &[&str]); _] = [
            ("\u{200b}ann@example.com", &["hidden character U+200B at the beginning was left out"]),
            ("\u{feff}ann@example.com", &["hidden character U+FEFF at the beginning was left out"]),
            ("ann@example.com\u{200b}", &["hidden character U+200B at the end was left out"]),
            (
                "\u{202a}ann@example.com\u{202c}",
                &[
                    "hidden character U+202A at the beginning was left out",
                    "hidden character U+202C at the end was left out",
                ],
            ),
            ("ann@example.com\0", &["control character U+0000 at the end was left out"]),
            ("mailto:ann@example.com", &["mailto: was left out"]),
            ("MailTo:Ann@example.com?subject=Hello", &["MailTo: was left out"]),
            ("Ann <ann@example.com>", &["the name before the address was left out"]),
            (
                "\"Baker, Ann\" <mailto:ann@example.com>;",
                &["the name before the address was left out", "mailto: was left out"],
            ),
            ("<ann@example.com>", &[]),
            ("'ann@example.com'", &[]),
            ("ann@example.com;", &[]),
            ("ann@example.com; Ann@example.com", &["the same address beside it was left out"]),
            ("ann@exam\u{ad}ple.com", &["hidden character U+00AD was left out"]),
            ("ann@example.com <ann@example.com>", &["the same address beside it was left out"]),
        ];
        for (text, left_out) in table {
            let read = EmailAddress::read(text).expect(text);
            assert_eq!(read.address.as_str(), "ann@example.com", "{text:?}");
            assert_eq!(read.left_out, left_out, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let table = [
            ("", "there is no e-mail address"),
            ("\u{200b}", "there is no e-mail address"),
            (
                "an\u{200b}n@example.com",
                "the e-mail address is malformed: it has hidden character U+200B at character 3",
            ),
            ("ann @example.com", "the e-mail address is malformed: it has a space at character 4"),
            (
                "  ann@exam\u{7}ple.com",
                "the e-mail address is malformed: it has control character U+0007 at character 11",
            ),
            (
                "ann@example.com;bob@example.com",
                "the e-mail address is malformed: it has 2 addresses; each needs a contact of its own",
            ),
            (
                "Ann <ann@example.com>, Bob <bob@example.com>",
                "the e-mail address is malformed: it has 2 addresses; each needs a contact of its own",
            ),
            (
                "bob@example.com <ann@example.com>",
                "the e-mail address is malformed: it has 2 addresses; each needs a contact of its own",
            ),
            ("ann@bob@example.com", "the e-mail address is malformed: it has more than one @"),
            ("ann", "the e-mail address is malformed: it has no @"),
            (
                "z\u{f6}e@example.com",
                "the e-mail address has “ö” (U+00F6) at character 2, and SES sends only to ASCII before the @",
            ),
            (
                "ann@exam\u{2407}ple.com",
                "the e-mail address is malformed: it has “␇” (U+2407) at character 9, in its domain",
            ),
            (
                "ann_b@exam_ple.com",
                "the e-mail address is malformed: it has “_” (U+005F) at character 11, in its domain",
            ),
            ("ann@localhost", "the e-mail address is malformed: it has a domain that there can't be"),
            (
                "a..b@example.com",
                "the e-mail address is malformed: it has something before the @ that can't stand there",
            ),
        ];
        for (text, message) in table {
            assert_eq!(EmailAddress::read(text).expect_err(text).to_string(), message, "{text:?}");
        }
    }

    #[test]
    fn the_longest_address_is_taken_and_one_byte_more_is_not() {
        let local = "a".repeat(64);
        let domain = |last: usize| format!("{0}.{0}.{1}.example", "b".repeat(60), "c".repeat(last));
        assert_eq!(normalised(&format!("{local}@{}", domain(59))).map(|a| a.len()), Ok(254));
        assert_eq!(normalised(&format!("{local}@{}", domain(60))), Err(Unusable::Malformed));
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(text in "\\PC{0,12}@?\\PC{0,12}(\\.com)?") {
            if let Ok(address) = EmailAddress::normalise(&text) {
                prop_assert_eq!(EmailAddress::normalise(address.as_str()), Ok(address));
            }
        }

        #[test]
        fn an_address_is_lower_case_ascii_without_space(local in "[A-Za-z0-9+_.'-]{1,20}", domain in "[a-zA-Z0-9\u{e4}\u{d6}]{1,10}\\.(de|COM|\u{3b2}\u{3b5})") {
            if let Ok(address) = normalised(&format!(" {local}@{domain} ")) {
                prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
                prop_assert!(address.len() <= ADDRESS_BYTES);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = normalised(&text);
        }
    }
}
