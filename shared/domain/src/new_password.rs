//! The password that a customer chooses: its rules, and its hash, which is all that is stored.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use passwords::analyzer::is_common_password;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

/// Fewest characters (Unicode code points). NIST SP 800-63B-4 requires 15 for a password alone, and 8 beside a second
/// factor. 12 lies between, and passwords that are guessed first are refused besides.
pub const FEWEST_CHARACTERS: usize = 12;

/// Most bytes. NIST SP 800-63B-4 wants 64 characters to be possible; this leaves room for whole sentences in any
/// script.
pub const MOST_BYTES: usize = 1024;

/// How many characters are judged by how soon they would be guessed. The work grows with the square of their number,
/// and with the characters that may stand for letters. For the worst of 10,000 generated passwords, 100 characters took
/// 1.07 s and 32 take 0.07 s, about as long as the hash (guarantee 14).
const JUDGED_CHARACTERS: usize = 32;

/// Memory, passes and lanes of Argon2id: OWASP's Password Storage Cheat Sheet names 19 MiB, 2 and 1 as the least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of salt (RFC 9106 recommends 16).
pub const SALT_BYTES: usize = 16;

/// A typed new password of an allowed length. Its memory is wiped when it is dropped, and its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct TypedPassword(SecretString);

/// A password that a customer chose, which meets the rules. Its memory is wiped when it is dropped, and its `Debug`
/// shows nothing.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

/// Why a password is refused. There are no composition rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has fewer characters than [`FEWEST_CHARACTERS`].
    #[error("must have at least {FEWEST_CHARACTERS} characters")]
    TooShort,
    /// It has more bytes than [`MOST_BYTES`].
    #[error("must have at most {MOST_BYTES} bytes")]
    TooLong,
    /// It is on a list of common passwords, or among the first hundred million that somebody would guess.
    #[error("is among those that are guessed first; several words that don't belong together make a good one")]
    Guessable,
}

impl TypedPassword {
    /// Takes a password, in Unicode's normal form NFKC, so that it is the same on every keyboard (NIST SP 800-63B-4).
    pub fn new(typed: &str) -> Result<Self, Unfit> {
        if typed.len() > MOST_BYTES {
            return Err(Unfit::TooLong);
        }
        let password = Self(ComposingNormalizerBorrowed::new_nfkc().normalize(typed).into_owned().into());
        // Normalising expands some characters to many that are no harder to guess, and contracts others.
        if typed.chars().count().min(password.0.expose_secret().chars().count()) < FEWEST_CHARACTERS {
            return Err(Unfit::TooShort);
        }
        Ok(password)
    }

    /// The password, unless it is among those that are guessed first.
    ///
    /// The sources for what is guessed first: a list of a hundred thousand common passwords
    /// ([passwords](https://docs.rs/passwords), MIT), lists of names and words, keyboard runs, repeats and dates
    /// ([zxcvbn](https://docs.rs/zxcvbn), MIT), and `about`, words that anyone connects with the person, such as the
    /// address and the company's name. A hundred million guesses is zxcvbn's limit for a password that is safe behind a
    /// slow hash; the next lower limit, a million, lets `Welcome2024!` pass. Judging the first 32 characters is enough:
    /// nobody guesses the whole without them.
    pub fn judge(self, about: &[&str]) -> Result<NewPassword, Unfit> {
        let text = self.0.expose_secret();
        let words: Vec<&str> = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).collect();
        let known: Vec<&str> = about.iter().copied().chain(words).filter(|word| !word.is_empty()).collect();
        let common = is_common_password(text) || is_common_password(text.to_lowercase());
        let end = text.char_indices().nth(JUDGED_CHARACTERS).map_or(text.len(), |(end, _)| end);
        if common || zxcvbn(&text[..end], &known).score() < Score::Three {
            return Err(Unfit::Guessable);
        }
        Ok(NewPassword(self.0))
    }
}

impl NewPassword {
    /// The hash to store: Argon2id as a PHC string. Takes 19 MiB and some tens of milliseconds of a whole processor.
    pub fn hash(&self, salt: [u8; SALT_BYTES]) -> PasswordHashed {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("within the bounds of Argon2");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = argon2
            .hash_password_with_salt(self.0.expose_secret().as_bytes(), &salt)
            .expect("password and salt are within the bounds of Argon2");
        PasswordHashed(hash.to_string())
    }
}

/// An Argon2id hash as a PHC string, `$argon2id$v=19$m=…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHashed(String);

impl PasswordHashed {
    /// The hash as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this stored hash is that of `typed`.
    pub fn verifies(stored: &str, typed: &str) -> bool {
        let typed = ComposingNormalizerBorrowed::new_nfkc().normalize(typed);
        let verify = |hash| Argon2::default().verify_password(typed.as_bytes(), &hash);
        PasswordHash::new(stored).is_ok_and(|hash| verify(hash).is_ok())
    }
}

impl std::fmt::Debug for PasswordHashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHashed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(typed: &str, about: &[&str]) -> Result<NewPassword, Unfit> {
        TypedPassword::new(typed)?.judge(about)
    }

    fn unfit(typed: &str) -> Option<Unfit> {
        choose(typed, &["ann.baker@example.com", "Dayton Hauling"]).err()
    }

    #[test]
    fn twelve_characters_are_asked_for_whatever_they_are() {
        assert_eq!(unfit("xkfqwzhplvm"), Some(Unfit::TooShort));
        for fit in [
            "xkfqwzhplvmr",
            "correct horse battery staple",
            "kühle Nächte im Mai",
            "私の秘密の言葉はとても長い",
            "7141 2093 8866",
        ] {
            assert_eq!(unfit(fit), None, "{fit}");
        }
        // 12 bytes, but 6 characters.
        assert_eq!(unfit("öäüöäü"), Some(Unfit::TooShort));
        // One character that normalises to 18, and 12 that normalise to 6.
        assert_eq!(unfit("\u{FDFA}"), Some(Unfit::TooShort));
        assert_eq!(unfit("o\u{308}a\u{308}u\u{308}x\u{308}e\u{301}i\u{301}"), Some(Unfit::TooShort));
    }

    #[test]
    fn the_longest_has_1024_bytes() {
        let words = "a long sentence about nothing ".repeat(40);
        assert_eq!(unfit(&words[..MOST_BYTES]), None);
        assert_eq!(unfit(&words[..MOST_BYTES + 1]), Some(Unfit::TooLong));
    }

    #[test]
    fn as_much_is_judged_of_the_longest_as_of_one_of_32_characters() {
        let guessed = "a".repeat(JUDGED_CHARACTERS);
        let strong = "correct horse battery staple rivers";
        assert_eq!(unfit(&format!("{guessed}{strong}")), Some(Unfit::Guessable));
        assert_eq!(unfit(&format!("{}{strong}", &guessed[1..])), Some(Unfit::Guessable));
        assert_eq!(unfit(&format!("{strong}{guessed}")), None);
        // Cut between characters.
        assert_eq!(unfit(&format!("4@8({{[<3691!|0$5+7%2{}", "😀".repeat(80))), None);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for bad in [
            "password1234",
            "P@ssw0rd1234",
            "123456789012",
            "aaaaaaaaaaaa",
            "qwertyuiopas",
            "1qaz2wsx3edc",
            "letmeinletmein",
            "iloveyouforever",
            "administrator1",
            "ann.baker@example.com",
            "daytonhauling",
            "Password@1234",
            "Welcome2024!",
            "zaq12wsxcde3",
            "winniethepooh",
            "ThisIsMyPassword",
        ] {
            assert_eq!(unfit(bad), Some(Unfit::Guessable), "{bad}");
        }
    }

    #[test]
    fn a_hash_is_argon2id_with_owasps_parameters_and_verifies_its_password_alone() {
        let password = choose("correct horse battery staple", &[]).expect("fit");
        let hash = password.hash([7; SALT_BYTES]);
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(PasswordHashed::verifies(hash.as_str(), "correct horse battery staple"));
        assert!(!PasswordHashed::verifies(hash.as_str(), "correct horse battery stapler"));
        assert_ne!(hash, password.hash([8; SALT_BYTES]));
    }

    #[test]
    fn the_same_password_typed_in_another_unicode_form_is_the_same() {
        let composed = choose("caf\u{e9} au lait vanille", &[]).expect("fit");
        let hash = composed.hash([1; SALT_BYTES]);
        assert!(PasswordHashed::verifies(hash.as_str(), "cafe\u{301} au lait vanille"));
    }

    #[test]
    fn neither_password_nor_hash_shows_in_debug_output() {
        let password = choose("correct horse battery staple", &[]).expect("fit");
        let shown = format!("{password:?} {:?}", password.hash([0; SALT_BYTES]));
        assert!(!shown.contains("horse") && !shown.contains("argon2"), "{shown}");
    }
}
