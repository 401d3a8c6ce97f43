use proptest::prelude::*;

use super::*;

fn cleaned(text: &str) -> (String, String) {
    let Cleaned { text, changes } = clean(text);
    (text.into_owned(), told(&changes).unwrap_or_default())
}

#[test]
fn what_nobody_sees_goes_and_is_told() {
    let table = [
        ("Joe\u{92}s Diner", "Joe’s Diner", "control character U+0092 at character 4 was read as ’"),
        ("Joe\u{1}s", "Joes", "control character U+0001 at character 4 was left out"),
        (
            "\0Joe\u{7f}",
            "Joe",
            "control character U+0000 at the beginning was left out, control character U+007F at the end was left out",
        ),
        ("Joe\nDiner", "Joe Diner", "a line break at character 4 became a space"),
        ("Joe \r\n Diner", "Joe Diner", "a line break at character 5 became a space"),
        ("Joe\tDiner", "Joe Diner", "a tab at character 4 became a space"),
        ("\u{feff}Joe", "Joe", "hidden character U+FEFF at the beginning was left out"),
        ("Joe\u{200b}", "Joe", "hidden character U+200B at the end was left out"),
        ("J\u{ad}oe", "Joe", "hidden character U+00AD at character 2 was left out"),
        (
            "\u{202e}Joe\u{202c}",
            "Joe",
            "hidden character U+202E at the beginning was left out, hidden character U+202C at the end was left out",
        ),
        (
            "Joe \u{2067}Ltd\u{2069}.",
            "Joe Ltd.",
            "hidden character U+2067 at character 5 was left out, hidden character U+2069 at character 9 was left out",
        ),
        ("Joe\u{ffff}", "Joe", "hidden character U+FFFF at the end was left out"),
        ("Jo\u{fffd}", "Jo\u{fffd}", "U+FFFD at character 3 stands for a character that was lost before"),
        (
            "\u{1}\u{2}a\u{3}\u{4}",
            "a",
            "control character U+0001 at the beginning was left out, control character U+0002 at the beginning was left out, control character U+0003 at the end was left out, and 1 more",
        ),
    ];
    for (text, expected, told) in table {
        assert_eq!(cleaned(text), (expected.to_owned(), format!("was cleaned: {told}")), "{text:?}");
    }
}

#[test]
fn space_and_normal_form_are_set_right_without_a_word() {
    let table = [
        ("COMMERCIAL ", "COMMERCIAL"),
        ("\u{a0} \tA \u{3000} B\r\n", "A B"),
        ("Zoe\u{308}", "Zoë"),
        ("Joe’s", "Joe’s"),
        ("", ""),
        (" ", ""),
        // Persian, Devanagari, emoji and Japanese need invisible characters.
        ("علی\u{200c}رضا", "علی\u{200c}رضا"),
        ("क्\u{200d}ष", "क्\u{200d}ष"),
        ("❤\u{fe0f}\u{200d}🔥", "❤\u{fe0f}\u{200d}🔥"),
        ("葛\u{e0100}城", "葛\u{e0100}城"),
    ];
    for (text, expected) in table {
        assert_eq!(cleaned(text), (expected.to_owned(), String::new()), "{text:?}");
    }
}

#[test]
fn text_that_is_plainly_misread_is_repaired() {
    let table = [
        ("JOS\u{c3}\u{89}", "JOSÉ"),
        ("JOSÃ‰ PÃ©rez", "JOSÉ Pérez"),
        ("JosÃ\u{192}Â©", "José"),
        ("MÃ¼ller & SÃ¶hne", "Müller & Söhne"),
        ("Joeâ€™s", "Joe’s"),
        ("KovÃ¡cs ErnÅ\u{91}", "Kovács Ernő"),
        ("Ð\u{98}Ð²Ð°Ð½", "Иван"),
    ];
    for (text, expected) in table {
        let (text, told) = cleaned(text);
        assert_eq!(text, expected);
        assert!(told.contains("repaired"), "{text} {told}");
    }
}

#[test]
fn text_that_somebody_wrote_is_not_repaired() {
    let table = [
        "José",
        "IRMÃ”",
        "Spaß–Laden",
        "Groß“",
        "Å\u{a0}Kommune",
        "ÉCOLE",
        "Ã",
        "Café™",
        "Straße №1",
        "Søren Ærø",
        "Ÿ",
        "Œuvre",
        "ÄÖÜ",
    ];
    for text in table {
        assert_eq!(cleaned(text), (text.replace('\u{a0}', " "), String::new()));
    }
    // A single letter of another alphabet may be chance: the control character is removed, the letter stays.
    assert_eq!(cleaned("Spaß\u{96}Laden").0, "Spaß–Laden");
}

#[test]
fn ids_that_differ_in_white_space_or_normal_form_only_are_the_same() {
    let table = [
        (" A  1\t", "A 1"),
        ("\u{feff}A1", "A1"),
        ("A\u{200b}1", "A1"),
        ("Zu\u{308}rich\n1", "Zürich 1"),
        ("JOSÃ©", "JOSÃ©"),
        ("a\u{92}b", "a\u{92}b"),
        ("a\0", "a\0"),
    ];
    for (id, expected) in table {
        assert_eq!(clean_id(id).text, expected, "{id:?}");
    }
}

#[test]
fn only_what_is_more_than_space_is_told_of_the_ends() {
    let ends = |text: &'static str| without_unseen_ends(text);
    assert_eq!(ends(" \t a b \n"), Cleaned { text: "a b".into(), changes: Vec::new() });
    let told = told(&ends(" \u{202a} a\u{200b}b \u{202c}\0").changes).unwrap_or_default();
    assert_eq!(
        told,
        "was cleaned: hidden character U+202A at the beginning was left out, hidden character U+202C at the end was left out"
    );
    assert_eq!(ends("\u{feff}").text, "");
}

/// Generated text: letters, wrongly decoded ones, and invisible characters.
fn dirty() -> impl Strategy<Value = String> {
    let odd =
        "Ã©â€™‰\u{89}\u{92}\u{85}\u{200b}\u{200d}\u{fe0f}\u{202e}\u{feff}\u{308}\u{303} \t\r\n\0\u{ffff}\u{958}ñÐ²";
    let odd: Vec<char> = odd.chars().collect();
    let char = prop_oneof![4 => prop::sample::select(odd), 1 => any::<char>(), 1 => prop::char::range('A', 'z')];
    prop::collection::vec(char, 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn cleaning_again_changes_nothing_and_nothing_unseen_is_left(text in dirty()) {
        let once = clean(&text).text.into_owned();
        prop_assert_eq!(&clean(&once).text, &once);
        prop_assert!(!once.chars().any(|c| c.is_control() || is_no_character(c)), "{:?}", once);
        prop_assert!(once.trim() == once && !once.contains("  "), "{:?}", once);
    }

    #[test]
    fn an_id_that_was_cleaned_stays_as_it_is(text in dirty()) {
        let once = clean_id(&text).text.into_owned();
        prop_assert_eq!(&clean_id(&once).text, &once);
        prop_assert!(once.trim() == once && !once.contains("  "), "{:?}", once);
    }

    #[test]
    fn a_name_that_was_misread_comes_back(name in "[A-Za-zà-öø-ÿ' ]{1,20}[äéñ]") {
        let misread: String = name.bytes().map(char::from).collect();
        prop_assert_eq!(&clean(&misread).text, &clean(&name).text);
    }
}
