//! Style sheets and style attributes: they may not fetch anything, nor run anything.
//!
//! A style sheet that fetches can tell what is on the page: `a[href*="=A"] { background: url(…) }` would spell out the password in the
//! activation link. And what is fetched may change after it was checked. Pictures come from `img`.

use super::super::source::Source;

/// What may not occur, whatever its case.
const REFUSED: [(&str, &str); 13] = [
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
    // An escape could spell any of these.
    ("\\", "a backslash"),
];

/// Tells of everything in `css` that may not be in it; `place` turns an offset in it into one in the source.
pub(super) fn check(source: &mut Source<'_>, css: &str, place: impl Fn(usize) -> usize) {
    // As long as the text itself, so that offsets are the same.
    let lower = css.to_ascii_lowercase();
    for (refused, name) in REFUSED {
        for (at, _) in lower.match_indices(refused) {
            source.fault(place(at), format!("{name} is not possible in a style, which may not fetch or run anything"));
        }
    }
    // A browser takes it for style, but what rewrites e-mails on their way may take it for the tag that it looks like.
    let tag = lower
        .match_indices('<')
        .find(|(at, _)| lower[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)));
    if let Some((at, _)) = tag {
        source.fault(place(at), "a style has no tags or HTML comments inside");
    }
}
