//! The declared language of the HTML, by which a screen reader speaks and a mail program translates.

use super::super::Part;
use super::super::language;
use super::super::source::Source;
use super::tokens::{Token, filled, tokens};
use crate::mail::Language;

/// The same HTML source with this language in the attribute `lang` of its first tag `html`, whether it had another, or
/// none; where there is no such tag, with one.
pub(in crate::mail) fn in_language(html: &str, language: Language) -> String {
    let mut source = Source::new(Part::Html, html);
    let parsed = language::parse(&mut source);
    let seen = filled(html, parsed.mustaches.iter().map(|mustache| &mustache.at));
    let attribute = format!(" lang=\"{language}\"");
    // After the doctype, where `<html>` may be left out.
    let (mut at, mut tag) = (0, format!("<html{attribute}>"));
    let mut inside = false;
    for (token, span) in tokens(&seen) {
        match token {
            Token::Doctype => at = span.end,
            Token::Open(name) if name == "html" => {
                inside = true;
                (at, tag) = (span.start + "<html".len(), attribute.clone());
            }
            Token::Attribute(name, Some(_)) if inside && name == "lang" => {
                return format!("{}{language}{}", &html[..span.start], &html[span.end..]);
            }
            Token::Opened if inside => break,
            _ => {}
        }
    }
    format!("{}{tag}{}", &html[..at], &html[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_stands_on_the_first_html_tag_and_nothing_else_changes() {
        let table = [
            ("<html lang=\"en\" dir=\"ltr\"><p lang=\"it\">x", "<html lang=\"fr-CA\" dir=\"ltr\"><p lang=\"it\">x"),
            ("<!DOCTYPE html>\n<HTML\nLANG='en-US'><p>", "<!DOCTYPE html>\n<HTML\nLANG='fr-CA'><p>"),
            ("<html dir=\"ltr\"><p>", "<html lang=\"fr-CA\" dir=\"ltr\"><p>"),
            ("<html>", "<html lang=\"fr-CA\">"),
            ("<!DOCTYPE html><p lang=\"en\">x", "<!DOCTYPE html><html lang=\"fr-CA\"><p lang=\"en\">x"),
            ("<p>{{name}} &lt;html>", "<html lang=\"fr-CA\"><p>{{name}} &lt;html>"),
            ("<html lang=\"{{name}}\"><p>", "<html lang=\"fr-CA\"><p>"),
            // If there are two, the first one counts.
            ("<html lang=\"\"><p>", "<html lang=\"fr-CA\" lang=\"\"><p>"),
            ("", "<html lang=\"fr-CA\">"),
        ];
        let language = "fr-CA".parse().expect("a language");
        for (html, marked) in table {
            assert_eq!(in_language(html, language), marked);
            assert_eq!(in_language(marked, language), marked);
        }
    }
}
