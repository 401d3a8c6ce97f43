//! Links that SES leaves alone.

use super::super::Part;
use super::super::language;
use super::super::source::Source;
use super::tokens::{Token, filled, tokens};

/// The attribute that keeps SES from replacing a link by one through its own server ("Click tracking", SES Developer
/// Guide). The activation link has the password in its fragment, and must be what the customer sees.
pub(super) const NO_TRACK: &str = "ses:no-track";

/// The same HTML source with [`NO_TRACK`] on every link that lacks it.
pub(in crate::mail) fn without_tracking(html: &str) -> String {
    let mut source = Source::new(Part::Html, html);
    let parsed = language::parse(&mut source);
    let seen = filled(html, parsed.mustaches.iter().map(|mustache| &mustache.at));
    let mut marked = String::with_capacity(html.len() + 200);
    let mut copied = 0;
    // Where the name of the link that is being read ends.
    let mut link = None;
    for (token, span) in tokens(&seen) {
        match token {
            Token::Open(name) => link = (name == "a").then_some(span.start + "<a".len()),
            Token::Attribute(name, _) if name == NO_TRACK => link = None,
            Token::Opened => {
                if let Some(at) = link.take() {
                    marked.push_str(&html[copied..at]);
                    marked.push(' ');
                    marked.push_str(NO_TRACK);
                    copied = at;
                }
            }
            _ => {}
        }
    }
    marked.push_str(&html[copied..]);
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_is_marked_once_and_nothing_else() {
        let table = [
            ("<a href=\"x\">y</a>", "<a ses:no-track href=\"x\">y</a>"),
            (
                "<A\nhref='{{activationLink}}'>é</A><a>",
                "<A ses:no-track\nhref='{{activationLink}}'>é</A><a ses:no-track>",
            ),
            ("<a href=\"x\" ses:no-track>y</a>", "<a href=\"x\" ses:no-track>y</a>"),
            ("<a href=x SES:NO-TRACK=''>y</a>", "<a href=x SES:NO-TRACK=''>y</a>"),
            (
                "<abbr title=\"<a href='x'>\"><!-- <a> --><p>&lt;a></abbr>",
                "<abbr title=\"<a href='x'>\"><!-- <a> --><p>&lt;a></abbr>",
            ),
            ("{{#if name}}<a href=\"x\">{{/if}}", "{{#if name}}<a ses:no-track href=\"x\">{{/if}}"),
            ("<title><a></title><style><a></style>", "<title><a></title><style><a></style>"),
            ("", ""),
        ];
        for (html, marked) in table {
            assert_eq!(without_tracking(html), marked);
            assert_eq!(without_tracking(marked), marked);
        }
    }
}
