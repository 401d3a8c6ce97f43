//! The language of a template: the format of dates and numbers, and the `lang` of its HTML.

use std::fmt;
use std::str::FromStr;

use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::YMDET;
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::options::TimePrecision;
use icu_decimal::DecimalFormatter;
use icu_locale_core::subtags::{Language as Subtag, Region, language};
use icu_locale_core::{LanguageIdentifier, Locale};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The languages, all written from left to right and with the same calendar. Removing one makes templates saved with it
/// unusable (guarantee 17).
const LANGUAGES: [Subtag; 16] = [
    language!("cs"),
    language!("da"),
    language!("de"),
    language!("en"),
    language!("es"),
    language!("fi"),
    language!("fr"),
    language!("hu"),
    language!("it"),
    language!("nb"),
    language!("nl"),
    language!("pl"),
    language!("pt"),
    language!("ro"),
    language!("sk"),
    language!("sv"),
];

/// The tags to offer: every language, and its regions with other formats of dates or numbers.
pub const OFFERED: [&str; 30] = [
    "cs", "da", "de", "de-AT", "de-CH", "en", "en-AU", "en-CA", "en-GB", "en-IE", "es", "es-MX", "es-US", "fi", "fr",
    "fr-BE", "fr-CA", "fr-CH", "hu", "it", "it-CH", "nb", "nl", "nl-BE", "pl", "pt", "pt-BR", "ro", "sk", "sv",
];

/// A language, perhaps with a region: a tag of BCP 47, such as `en` or `fr-CA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    language: Subtag,
    region: Option<Region>,
}

/// A tag names none of the languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a language that templates can have; there are {}, each also with a region, such as fr-CA", known())]
pub struct UnknownLanguage;

fn known() -> String {
    LANGUAGES.map(|language| language.to_string()).join(", ")
}

impl Default for Language {
    fn default() -> Self {
        Self::ENGLISH
    }
}

impl Language {
    /// American English, the language of templates that name none.
    pub const ENGLISH: Self = Self { language: language!("en"), region: None };

    /// A time in words, to the minute, such as `Monday, November 30, 2026 at 9:15 AM EST`.
    pub(super) fn moment(self, time: Timestamp, zone: TimeZone) -> Option<String> {
        let fields = YMDET::long().with_time_precision(TimePrecision::Minute);
        let formatter = FixedCalendarDateTimeFormatter::try_new(Locale::from(self).into(), fields).ok()?;
        let time = time.to_zoned(zone);
        let part = |value: i8| u8::try_from(value).ok();
        let date = Date::try_new_gregorian(i32::from(time.year()), part(time.month())?, part(time.day())?).ok()?;
        let clock = Time::try_new(part(time.hour())?, part(time.minute())?, 0, 0).ok()?;
        let written = formatter.format(&DateTime { date, time: clock }).to_string();
        // Some fonts of mail programs lack the narrow space.
        let written = written.replace(['\u{202f}', '\u{a0}'], " ");
        // Zones without a letter abbreviation would be `-03`, which most people don't understand.
        let abbreviation = time.strftime("%Z").to_string();
        let utc = if abbreviation.starts_with(['+', '-']) { "UTC" } else { "" };
        Some(format!("{written} {utc}{abbreviation}"))
    }

    /// A number with its digits in groups, such as `19,980`.
    pub(super) fn number(self, number: u64) -> Option<String> {
        let formatter = DecimalFormatter::try_new(Locale::from(self).into(), Default::default()).ok()?;
        Some(formatter.format(&number.into()).to_string().replace('\u{202f}', "\u{a0}"))
    }
}

impl From<Language> for Locale {
    fn from(Language { language, region }: Language) -> Self {
        LanguageIdentifier { language, region, ..LanguageIdentifier::UNKNOWN }.into()
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Whatever the case of the tag.
    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        let tag = LanguageIdentifier::try_from_str(tag).map_err(|_| UnknownLanguage)?;
        let LanguageIdentifier { language, script, region, variants } = tag;
        let is_known = LANGUAGES.contains(&language) && script.is_none() && variants.is_empty();
        if is_known { Ok(Self { language, region }) } else { Err(UnknownLanguage) }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Locale::from(*self).fmt(f)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(tag: &str) -> Language {
        tag.parse().expect("a language")
    }

    #[test]
    fn a_moment_and_a_number_are_written_as_in_the_language() {
        let table = [
            ("en", "Monday, November 30, 2026 at 3:05 PM CET", "1,234,567"),
            ("en-GB", "Monday, 30 November 2026 at 15:05 CET", "1,234,567"),
            ("en-CA", "Monday, November 30, 2026 at 3:05 p.m. CET", "1,234,567"),
            ("es", "lunes, 30 de noviembre de 2026 a las 15:05 CET", "1.234.567"),
            ("es-MX", "lunes, 30 de noviembre de 2026 a las 03:05 p.m. CET", "1,234,567"),
            ("fr", "lundi 30 novembre 2026 à 15:05 CET", "1\u{a0}234\u{a0}567"),
            ("fr-CA", "lundi 30 novembre 2026 à 15 h 05 CET", "1\u{a0}234\u{a0}567"),
            ("de", "Montag, 30. November 2026 um 15:05 CET", "1.234.567"),
            ("it", "lunedì 30 novembre 2026 alle ore 15:05 CET", "1.234.567"),
            ("nl", "maandag 30 november 2026 om 15:05 CET", "1.234.567"),
            ("pt-BR", "segunda-feira, 30 de novembro de 2026 às 15:05 CET", "1.234.567"),
            ("pl", "poniedziałek, 30 listopada 2026 15:05 CET", "1\u{a0}234\u{a0}567"),
            ("sv", "måndag 30 november 2026 kl. 15:05 CET", "1\u{a0}234\u{a0}567"),
        ];
        let time = "2026-11-30T14:05:42Z".parse().expect("a time");
        for (tag, moment, number) in table {
            let zone = TimeZone::get("Europe/Berlin").expect("a zone");
            assert_eq!(language(tag).moment(time, zone).as_deref(), Some(moment), "{tag}");
            assert_eq!(language(tag).number(1_234_567).as_deref(), Some(number), "{tag}");
        }
    }

    #[test]
    fn every_language_writes_every_month_day_and_hour_in_one_line_of_its_own() {
        let start: Timestamp = "2026-01-01T00:30:00Z".parse().expect("a time");
        let mut spring = std::collections::BTreeSet::new();
        for language in LANGUAGES {
            let language = Language { language, region: None };
            for days in 0..365 {
                let time = start + jiff::SignedDuration::from_hours(days * 25);
                let written = language.moment(time, TimeZone::UTC).expect("written");
                assert!(written.contains(&time.strftime("%Y").to_string()) && written.ends_with(" UTC"), "{written}");
                assert!(written.chars().all(|c| c.is_alphanumeric() || " .,:".contains(c) || c == '-'), "{written}");
            }
            assert!(spring.insert(language.moment(start + jiff::SignedDuration::from_hours(2_000), TimeZone::UTC)));
        }
    }

    #[test]
    fn a_language_is_read_in_any_case_and_an_unknown_one_is_refused_with_the_list() {
        for (tag, read) in [("en", "en"), ("EN-us", "en-US"), ("De-aT", "de-AT"), ("es-419", "es-419"), ("fr_CA", "")] {
            assert_eq!(tag.parse::<Language>().map(|language| language.to_string()).unwrap_or_default(), read, "{tag}");
        }
        for tag in ["", "xx", "ar", "english", "de-Latn", "de-DE-1996", "de-u-ca-buddhist", "*", "d\u{e9}"] {
            assert_eq!(tag.parse::<Language>(), Err(UnknownLanguage), "{tag}");
        }
        let told = UnknownLanguage.to_string();
        assert!(LANGUAGES.iter().all(|language| told.contains(language.as_str())), "{told}");
        let json = serde_json::to_value(language("fr-CA")).expect("serialises");
        assert_eq!(
            (json.as_str(), serde_json::from_value(json.clone()).ok()),
            (Some("fr-CA"), Some(language("fr-CA")))
        );
    }

    #[test]
    fn every_language_is_offered_and_what_is_offered_is_known() {
        let offered = OFFERED.map(language);
        assert_eq!(offered.map(|language| language.to_string()), OFFERED);
        assert!(OFFERED.is_sorted());
        let all = LANGUAGES.map(|language| Language { language, region: None });
        assert!(all.iter().all(|language| offered.contains(language)));
    }
}
