//! Style sheets and style attributes, which may not fetch or run anything.
//!
//! A style sheet that fetches can leak the page's content: `a[href*="=A"] { background: url(…) }` would spell out the
//! password in the activation link. What is fetched may also change after the check. Pictures come from `img`.

use super::super::source::Source;

/// Forbidden text, in any case.
const REFUSED: [(&str, &str); 17] = [
    ("url(", "`url(…)`"),
    ("src(", "`src(…)`"),
    ("image(", "`image(…)`"),
    ("image-set(", "`image-set(…)`"),
    ("cross-fade(", "`cross-fade(…)`"),
    ("@import", "`@import`"),
    ("@font-face", "`@font-face`"),
    ("@namespace", "`@namespace`"),
    ("expression(", "`expression(…)`"),
    ("javascript:", "`javascript:`"),
    ("behavior:", "`behavior:`"),
    ("-moz-binding", "`-moz-binding`"),
    ("progid:", "`progid:…`"),
    ("alphaimageloader", "`AlphaImageLoader`"),
    ("//", "an address"),
    // It would reverse the reading direction of an address.
    ("unicode-bidi", "`unicode-bidi`"),
    // An escape could spell any of these.
    ("\\", "a backslash"),
];

/// Reports everything in `css` that is not allowed; `place` maps an offset in it to one in the source.
pub(super) fn check(source: &mut Source<'_>, css: &str, place: impl Fn(usize) -> usize) {
    // As long as the text itself, so that offsets are the same.
    let lower = css.to_ascii_lowercase();
    let message = |name| format!("{name} is not possible in a style, which may not fetch or run anything");
    for (refused, name) in REFUSED {
        for (at, _) in lower.match_indices(refused) {
            source.fault(place(at), message(name));
        }
    }
    // Some readers ignore a comment within a word.
    let plain = without_comments(&lower);
    for (refused, name) in REFUSED {
        if plain.contains(refused) && !lower.contains(refused) {
            source.fault(place(0), message(name));
        }
    }
    // Generated text could show an address that leads elsewhere.
    let properties = plain.split(['{', '}', ';']).filter_map(|declaration| declaration.split_once(':'));
    if properties.into_iter().any(|(property, _)| property.trim() == "content") {
        source.fault(
            place(lower.find("content").unwrap_or_default()),
            "`content` is not possible in a style, which adds no text",
        );
    }
    // A browser treats it as style, but programs that rewrite e-mails on their way may treat it as the tag that it
    // looks like.
    let tag = lower
        .match_indices('<')
        .find(|(at, _)| lower[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)));
    if let Some((at, _)) = tag {
        source.fault(place(at), "a style has no tags or HTML comments inside");
    }
}

/// A style without its comments.
pub(in super::super) fn without_comments(css: &str) -> String {
    let mut text = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text + rest
}
