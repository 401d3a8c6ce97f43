//! Search for a person by a part of the address or of a name.

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::Serialize;

use crate::Recipient;
use crate::text::{clean_id, is_hidden};

/// A search text, matched regardless of case and Unicode composition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Search(String);

impl Search {
    /// Fewest characters of a search, without space at its ends: one letter would find nearly everybody.
    pub const FEWEST_CHARS: usize = 2;

    /// Most characters of a search.
    pub const MOST_CHARS: usize = 100;

    /// What to look for; `None` if it is too short or too long.
    pub fn new(text: &str) -> Option<Self> {
        let text = clean_id(text).text;
        (Self::FEWEST_CHARS..=Self::MOST_CHARS).contains(&text.chars().count()).then(|| Self(folded(&text)))
    }

    /// Whether it is a part of the recipient's address, in ASCII or with its domain decoded, or of one of the names in
    /// the recipient's summary: the first on each of the named accounts (see [`crate::recipient::Links`]).
    pub fn finds(&self, recipient: &Recipient) -> bool {
        let names = recipient.links.accounts.iter().map(|account| &account.contact_name);
        self.is_in(&recipient.email)
            || spelled_out(&recipient.email).is_some_and(|email| self.is_in(&email))
            || names.into_iter().any(|name| self.is_in(name))
    }

    fn is_in(&self, text: &str) -> bool {
        folded(text).contains(&self.0)
    }
}

/// The text in one form for all spellings in upper and lower case. Mapping to upper and then lower case, letter by
/// letter, unifies `Σ`, `σ` and `ς`, and `ß` and `SS`; lower case comes first, because `ẞ` is its own upper case.
/// Hidden characters are dropped, and runs of white space become one space. NFC comes last, because a name may contain
/// `e` and an accent, and some letters have an upper case only in parts.
pub(crate) fn folded(text: &str) -> String {
    let lower = text.chars().filter(|c| !is_hidden(*c)).flat_map(char::to_lowercase);
    let folded: String = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&words.join(" ")).into_owned()
}

/// An address with its domain decoded from IDNA's ASCII form, if it has such labels.
fn spelled_out(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@').filter(|(_, domain)| domain.contains("xn--"))?;
    Some(format!("{local}@{}", idna::domain_to_unicode(domain).0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recipient::{Links, NamedAccount};
    use crate::{AccountId, DivisionId, RecipientId};

    fn person(email: &str, names: &[&str]) -> Recipient {
        let account = |(number, name): (usize, &&str)| NamedAccount {
            account_id: AccountId::new(number.to_string()),
            account_name: "Account".to_owned(),
            contact_name: (*name).to_owned(),
        };
        Recipient::never_invited(
            RecipientId::from_random([1; 16]),
            DivisionId::new("D"),
            email.to_owned(),
            Links { accounts: names.iter().enumerate().map(account).collect(), ..Links::default() },
        )
    }

    #[test]
    fn a_part_of_the_address_or_of_any_name_finds_a_person() {
        let zoe = person("z.mueller@xn--bcher-kva.example", &["", "Zoë Müller", "Frau Straße", "ΟΔΥΣΣΕΑΣ"]);
        let found = [
            "z.mueller@",
            "MUELLER",
            "xn--bcher",
            "@BÜCHER.ex",
            "zoë",
            "ZOË MÜ",
            "zoe\u{308}",
            "straße",
            "STRASSE",
            "STRAẞE",
            "οδυσσεας",
            "ΟΔΥΣ",
            "  müller ",
            "zoë  müller",
            "zoë\u{200b}\tmüller",
        ];
        for text in found {
            assert!(Search::new(text).expect(text).finds(&zoe), "{text}");
        }
        for text in ["zoe", "muller", "account", "bucher"] {
            assert!(!Search::new(text).expect(text).finds(&zoe), "{text}");
        }
        assert!(Search::new("zoë").expect("long enough").finds(&person("x@example.com", &["ZOE\u{308}"])));
    }

    #[test]
    fn what_is_too_short_or_too_long_is_no_search() {
        for text in ["", "x", " x ", &"x".repeat(101)] {
            assert_eq!(Search::new(text), None, "{text:?}");
        }
        assert!(Search::new("ßü").is_some() && Search::new(&"ü".repeat(100)).is_some());
    }

    proptest! {
        #[test]
        fn every_whole_name_finds_its_owner_in_upper_and_lower_case(name in "\\PC{2,100}") {
            let owner = person("x@example.com", &[&name]);
            for text in [name.clone(), name.to_lowercase(), name.to_uppercase()] {
                prop_assert!(Search::new(&text).is_none_or(|search| search.finds(&owner)), "{}", text);
            }
        }
    }
}
