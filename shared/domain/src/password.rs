//! Temporary passwords: how they are made, and their digest, which is all that is stored (guarantee 4).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use icu_normalizer::ComposingNormalizerBorrowed;
use rand::CryptoRng;
use rand::seq::IndexedRandom;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::text::is_hidden;

/// The symbols of a temporary password: capitals and digits without any pair that looks alike in common type faces
/// (0 and O, 1 and I and L, 2 and Z, 5 and S, 6 and G, 8 and B, U and V). 23 symbols are 4.52 bits each.
pub const ALPHABET: &[u8; 23] = b"3479ACDEFGHJKMNPQRTVWXY";

/// Number of groups, separated by hyphens.
pub const GROUPS: usize = 5;

/// Symbols in a group: 5 groups of 5 symbols are 113 bits, above the 112 that NIST SP 800-63B asks of a look-up secret
/// that is not rate-limited.
pub const GROUP_LENGTH: usize = 5;

/// A temporary password in clear. It exists in the memory of the function that sends, and in the body of the e-mail.
/// Its memory is wiped when it is dropped, and its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct TemporaryPassword(SecretString);

impl TemporaryPassword {
    /// Draws a password from a cryptographically secure source.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut text = String::with_capacity(GROUPS * (GROUP_LENGTH + 1));
        for position in 0..GROUPS * GROUP_LENGTH {
            if position > 0 && position % GROUP_LENGTH == 0 {
                text.push('-');
            }
            let symbol = ALPHABET.choose(random).expect("the alphabet is not empty");
            text.push(char::from(*symbol));
        }
        Self(text.into())
    }

    /// Dots in the shape of a password, for previews: there is no password.
    pub fn dots() -> Self {
        Self(shaped('•'))
    }

    /// The placeholder for a password in a test e-mail: no stored digest matches it.
    pub fn dummy() -> Self {
        Self(shaped('X'))
    }

    /// The clear text, for the body of the e-mail and nothing else.
    pub fn expose(&self) -> &SecretString {
        &self.0
    }

    /// The digest to store, with this salt.
    pub fn digest(&self, salt: [u8; 16]) -> PasswordDigest {
        PasswordDigest::of(self.0.expose_secret(), salt)
    }
}

fn shaped(symbol: char) -> SecretString {
    let group = String::from_iter([symbol; GROUP_LENGTH]);
    vec![group; GROUPS].join("-").into()
}

/// Letters of other alphabets with the symbol of [`ALPHABET`] that they look like, because people with a Cyrillic or
/// Greek keyboard may type them. Of the look-alikes among Latin letters and digits, `6` must be `G` and `U` must be
/// `V`, because the alphabet has only one of each pair. Of the other pairs it has neither.
const LOOK_ALIKES: [(&str, &str); 3] = [("6U", "GV"), ("АСЕНКМРТХУЗ", "ACEHKMPTXY3"), ("ΑΕΗΚΜΝΡΤΧΥ", "AEHKMNPTXY")];

/// Most characters of a typed temporary password that are read; a copied one has far fewer.
const TYPED: usize = 200;

/// A typed temporary password in the form in which it was mailed: capitals in groups. Everything that is neither letter
/// nor digit is dropped, such as spaces, dashes, full stops, line breaks and hidden characters. A letter or digit
/// outside of the alphabet stays, so that the password is wrong.
pub fn as_mailed(typed: &str) -> SecretString {
    let seen = typed.chars().take(TYPED).filter(|c| !is_hidden(*c)).collect::<String>();
    let same = ComposingNormalizerBorrowed::new_nfkc().normalize(&seen).into_owned();
    let symbols = same.chars().flat_map(char::to_uppercase).filter(|c| c.is_alphanumeric()).map(meant);
    let mut mailed = String::with_capacity(4 * TYPED);
    for (position, symbol) in symbols.enumerate() {
        if position > 0 && position % GROUP_LENGTH == 0 {
            mailed.push('-');
        }
        mailed.push(symbol);
    }
    mailed.into()
}

fn meant(symbol: char) -> char {
    let pairs = LOOK_ALIKES.iter().flat_map(|(seen, meant)| seen.chars().zip(meant.chars()));
    pairs.into_iter().find(|(seen, _)| *seen == symbol).map_or(symbol, |(_, meant)| meant)
}

/// A salted SHA-256 of a temporary password, as text: `sha256$<salt>$<digest>`, both base64url.
///
/// A fast hash is enough here: 113 random bits can't be searched, whatever a guess costs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordDigest(String);

impl PasswordDigest {
    fn of(password: &str, salt: [u8; 16]) -> Self {
        let digest = Sha256::new().chain_update(salt).chain_update(password.as_bytes()).finalize();
        Self(format!("sha256${}${}", BASE64_URL_SAFE_NO_PAD.encode(salt), BASE64_URL_SAFE_NO_PAD.encode(digest)))
    }

    /// A digest of no password, to compare with where there is no recipient, so that the work is the same (guarantee
    /// 14).
    pub fn of_nothing() -> Self {
        Self::of("", [0; 16])
    }

    /// Whether this is the digest of `password`, in time that doesn't depend on how much of it is right.
    pub fn verifies(&self, password: &str) -> bool {
        let mut parts = self.0.split('$');
        let (Some("sha256"), Some(salt)) = (parts.next(), parts.next()) else { return false };
        let salt = BASE64_URL_SAFE_NO_PAD.decode(salt).ok().and_then(|salt| salt.try_into().ok());
        salt.is_some_and(|salt| Self::of(password, salt).0.as_bytes().ct_eq(self.0.as_bytes()).into())
    }

    /// The digest as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_password_has_at_least_112_bits_in_groups_without_look_alikes() {
        let bits = (ALPHABET.len() as f64).log2() * (GROUPS * GROUP_LENGTH) as f64;
        assert!(bits >= 112.0, "{bits}");
        let password = TemporaryPassword::generate(&mut StdRng::seed_from_u64(1));
        let groups: Vec<&str> = password.expose().expose_secret().split('-').collect();
        assert_eq!(groups.len(), GROUPS);
        assert!(groups.iter().all(|group| group.len() == GROUP_LENGTH));
        for look_alike in b"0O1IL2Z5S8BUlio" {
            assert!(!ALPHABET.contains(look_alike));
        }
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), ALPHABET.len());
    }

    #[test]
    fn no_password_comes_twice_in_many_and_every_symbol_is_as_frequent() {
        const MANY: u32 = 100_000;
        let mut random = StdRng::seed_from_u64(2);
        let mut seen = HashSet::new();
        let mut frequency = [0_u64; 256];
        for _ in 0..MANY {
            let password = TemporaryPassword::generate(&mut random);
            let text = password.expose().expose_secret();
            let mut packed = 0_u128;
            for byte in text.bytes().filter(|byte| *byte != b'-') {
                frequency[usize::from(byte)] += 1;
                let digit = ALPHABET.iter().position(|symbol| *symbol == byte).expect("only symbols of the alphabet");
                packed = packed * ALPHABET.len() as u128 + digit as u128;
            }
            assert!(seen.insert(packed));
        }
        let expected = f64::from(MANY) * (GROUPS * GROUP_LENGTH) as f64 / ALPHABET.len() as f64;
        for symbol in ALPHABET {
            let deviation = (frequency[usize::from(*symbol)] as f64 - expected).abs() / expected;
            // Five standard deviations. A byte modulo the length of the alphabet would make three symbols 0.078 off.
            assert!(deviation < 0.015, "{} deviates by {deviation}", char::from(*symbol));
        }
    }

    #[test]
    fn a_password_is_read_in_every_way_in_which_people_type_it() {
        let mailed = "3479A-CDEFG-HJKMN-PQRTV-WXY34";
        for typed in [
            mailed,
            "3479acdefghjkmnpqrtvwxy34",
            " 3479A CDEFG HJKMN PQRTV WXY34 ",
            "3479A–CDEFG—HJKMN‑PQRTV−WXY34",
            "3479A - CDEFG - HJKMN - PQRTV - WXY34.",
            "“3479A-CDEFG-HJKMN-PQRTV-WXY34”,",
            "3479A-CDEFG-\r\n    HJKMN-PQRTV-WXY34\t",
            "\u{feff}3479A\u{ad}-CD\u{200b}EFG-HJKMN-PQRTV\u{2060}-WXY34\u{a0}",
            "３４７９Ａ－ＣＤＥＦＧ－ＨＪＫＭＮ－ＰＱＲＴＶ－ＷＸＹ３４",
            "3479A_CDEFG_HJKMN_PQRTV_WXY34",
            // Cyrillic and Greek letters, and the look-alikes with only one meaning.
            "3479А-СDЕFG-НJКМN-РQRТV-WХУ34",
            "3479Α-CDΕFG-ΗJΚΜΝ-ΡQRΤV-WΧΥ34",
            "З479а-сdеf6-нjкмn-рqrтu-wху34",
        ] {
            assert_eq!(as_mailed(typed).expose_secret(), mailed, "{typed:?}");
        }
        for other in
            ["", "-", "3479A-CDEFG-HJKMN-PQRTV-WXY3", "3479A-CDEFG-HJKMN-PQRTV-WXY3O", "3479A-CDEFG-HJKMN-PQRTV-WXY344"]
        {
            assert_ne!(as_mailed(other).expose_secret(), mailed, "{other:?}");
        }
        assert!(as_mailed(&"\u{fdfa}".repeat(1_000_000)).expose_secret().len() < 100_000, "the work is bounded");
    }

    #[test]
    fn every_password_is_read_as_itself_and_no_two_as_one() {
        let mut random = StdRng::seed_from_u64(5);
        for _ in 0..1_000 {
            let password = TemporaryPassword::generate(&mut random);
            let clear = password.expose().expose_secret();
            assert_eq!(as_mailed(clear).expose_secret(), clear);
        }
        for (seen, meant) in LOOK_ALIKES {
            assert_eq!(seen.chars().count(), meant.chars().count());
            assert!(seen.chars().all(|c| !ALPHABET.iter().any(|symbol| char::from(*symbol) == c)), "{seen}");
            assert!(meant.bytes().all(|byte| ALPHABET.contains(&byte)), "{meant}");
        }
    }

    #[test]
    fn what_stands_for_a_password_has_its_shape() {
        let shown = [TemporaryPassword::dots(), TemporaryPassword::dummy()]
            .map(|shown| shown.expose().expose_secret().to_owned());
        assert_eq!(shown, ["•••••-•••••-•••••-•••••-•••••", "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX"]);
    }

    #[test]
    fn a_digest_verifies_its_password_and_no_other() {
        let mut random = StdRng::seed_from_u64(3);
        let (one, other) = (TemporaryPassword::generate(&mut random), TemporaryPassword::generate(&mut random));
        let digest = one.digest([7; 16]);
        assert!(digest.verifies(one.expose().expose_secret()));
        assert!(!digest.verifies(other.expose().expose_secret()));
        assert_ne!(digest, one.digest([8; 16]), "another salt, another digest");
    }

    #[test]
    fn neither_password_nor_digest_shows_in_debug_output() {
        let password = TemporaryPassword::generate(&mut StdRng::seed_from_u64(4));
        let shown = format!("{password:?} {:?}", password.digest([0; 16]));
        assert!(!shown.contains(password.expose().expose_secret()));
        assert!(!shown.contains(password.digest([0; 16]).as_str()));
    }
}
