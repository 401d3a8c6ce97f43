//! What styles and attributes hide. Anything that may hide counts as hiding: the rules only require that what everybody
//! must see is certainly not hidden.

use std::collections::BTreeSet;

use super::super::html::css::without_comments;

/// What the style sheets of an e-mail do to its elements.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    /// What it may hide.
    pub hidden: Selected,
    /// What it may put on one line with its neighbours.
    pub inline: Selected,
    /// Whether it sets a background.
    pub have_grounds: bool,
}

/// What selectors may select.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// Classes and ids, one of which stands in every selector.
    names: BTreeSet<String>,
    /// There are selectors that select whatever its class is.
    pub any: bool,
}

impl Sheets {
    /// Adds a sheet. Rules in `@media` and the like count as if they always held.
    pub fn add(&mut self, sheet: &str) {
        let sheet = without_comments(sheet);
        let mut rest = sheet.as_str();
        while let Some((selectors, after)) = rest.split_once('{') {
            let selectors = selectors.rsplit(['}', ';']).next().unwrap_or_default().trim();
            if selectors.starts_with('@') {
                rest = after;
                continue;
            }
            let (style, after) = after.split_once('}').unwrap_or((after, ""));
            let style = Style::of(style);
            if style.hides || style.is_small == Some(true) || style.colour.is_some() && style.colour == style.ground {
                selectors.split(',').for_each(|selector| self.hidden.add(selector));
            }
            if style.is_inline {
                selectors.split(',').for_each(|selector| self.inline.add(selector));
            }
            self.have_grounds |= style.ground.is_some();
            rest = after;
        }
    }
}

impl Selected {
    fn add(&mut self, selector: &str) {
        let names: Vec<_> =
            selector.split(['.', '#']).skip(1).map(name_at_start).filter(|name| !name.is_empty()).collect();
        // The meaning of these selectors depends on more than the surrounding elements.
        let is_plain = !selector.contains([':', '+', '~', '[', '(', '\\']);
        self.any |= names.is_empty() || !is_plain;
        self.names.extend(names);
    }

    /// Whether an element with these classes or this id may be selected, or what is in it.
    pub fn has(&self, names: &str) -> bool {
        self.any || names.split_ascii_whitespace().any(|name| self.names.contains(&name.to_lowercase()))
    }
}

fn name_at_start(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || "-_".contains(*c)).collect::<String>().to_lowercase()
}

/// The relevant effects of a style on its element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// It may hide the element.
    pub hides: bool,
    /// Whether its text is too small to be read, if it says how large text is. What is in it may be of another size.
    pub is_small: Option<bool>,
    /// It puts the element on one line with what stands around.
    pub is_inline: bool,
    /// The colour of its text, as [`colour`] writes it.
    pub colour: Option<String>,
    /// That of its ground.
    pub ground: Option<String>,
}

impl Style {
    /// Reads declarations; of a property that is declared twice, the last one counts.
    pub fn of(declarations: &str) -> Self {
        let mut style = Self::default();
        for declaration in without_comments(declarations).to_lowercase().split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let value = value.trim().trim_end_matches("important").trim_end().trim_end_matches('!').trim_end();
            style.declare(property.trim(), value);
        }
        style
    }

    fn declare(&mut self, property: &str, value: &str) {
        match property {
            "color" | "-webkit-text-fill-color" if !is_clear(value) => self.colour = Some(colour(value)),
            "background" | "background-color" if !value.contains("transparent") => self.ground = Some(colour(value)),
            "font-size" => self.is_small = Some(is_small(value)),
            // Lines without height overlap.
            "line-height" if is_flat(value) => self.is_small = Some(true),
            "font" => self.is_small = Some(value.split([' ', '/']).any(|part| number(part) == Some(0.0))),
            "display" => {
                self.is_inline |= ["inline", "contents", "run-in", "ruby"].contains(&value);
                self.hides |= value == "none" || value == "contents";
            }
            "float" => self.is_inline |= value != "none",
            _ => {}
        }
        self.is_inline |= property == "position" && hides(property, value);
        self.hides |= hides(property, value);
    }
}

fn is_small(size: &str) -> bool {
    let smallest = if size.contains("em") || size.ends_with('%') { 0.5 } else { 6.0 };
    number(size).is_some_and(|number| number < smallest * if size.ends_with('%') { 100.0 } else { 1.0 })
}

fn is_flat(height: &str) -> bool {
    number(height).is_some_and(|number| number < if height.ends_with("px") { 4.0 } else { 0.3 })
}

fn hides(property: &str, value: &str) -> bool {
    let is_below = |below: f64| value.split(' ').any(|part| number(part).is_some_and(|number| number < below));
    match property {
        "visibility" | "content-visibility" => value != "visible",
        "opacity" => is_below(if value.ends_with('%') { 50.0 } else { 0.5 }),
        "max-height" | "max-width" | "height" | "width" | "zoom" | "scale" => is_below(1.0) && !value.contains("em"),
        "color" | "-webkit-text-fill-color" => is_clear(value),
        "text-indent" | "letter-spacing" | "left" | "right" | "top" | "bottom" | "inset" => is_below(-20.0),
        "margin" | "margin-left" | "margin-right" | "margin-top" | "margin-bottom" => is_below(-20.0),
        "position" => value != "static" && value != "relative",
        "clip" | "clip-path" | "transform" | "mask" | "mask-image" | "filter" | "mso-hide" => {
            value != "none" && value != "auto"
        }
        _ => false,
    }
}

/// The number that a value begins with.
fn number(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !c.is_ascii_digit() && !".-+".contains(c)).unwrap_or(value.len());
    value[..end].parse().ok()
}

fn is_clear(colour: &str) -> bool {
    let alpha = colour.trim_end_matches(')').rsplit([',', '/']).next().map(str::trim);
    colour == "transparent"
        || colour.contains('a') && colour.contains('(') && alpha.and_then(number).is_some_and(|alpha| alpha < 0.3)
}

/// A colour such that the same ones are equal, as far as they are written with hexadecimal digits, as black or as
/// white.
pub(super) fn colour(written: &str) -> String {
    match written.trim() {
        "white" => "#ffffff".to_owned(),
        "black" => "#000000".to_owned(),
        short if short.chars().count() == 4 && short.starts_with('#') => {
            short.chars().flat_map(|c| [c, c]).skip(1).collect()
        }
        other => other.replace(' ', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_hide_is_taken_to() {
        let hiding = [
            "display:none",
            "DISPLAY : NONE !important",
            "display:/**/none",
            "color:red;visibility:hidden",
            "opacity:0",
            "opacity:.1",
            "font-size:0",
            "font-size:1px",
            "font-size:0.1em",
            "font:0/0 a",
            "max-height:0;overflow:hidden",
            "width:0",
            "height:0px",
            "line-height:0",
            "text-indent:-9999px",
            "margin-left:-999em",
            "position:absolute",
            "transform:scale(0)",
            "clip-path:circle(0)",
            "color:transparent",
            "color:rgba(0,0,0,0)",
            "color:#fff;background:#FFFFFF",
            "background-color:white;color:#fff",
            "mso-hide:all",
            "filter:opacity(0)",
        ];
        let is_hidden = |style: &str| {
            let style = Style::of(style);
            style.hides || style.is_small == Some(true) || style.colour.is_some() && style.colour == style.ground
        };
        for style in hiding {
            assert!(is_hidden(style), "{style}");
        }
        let fine = [
            "",
            "display:block",
            "display:inline-block; padding:14px 28px; font-size:16px; line-height:20px; color:#ffffff; background-color:#1d4ed8",
            "margin:0 0 20px 0; font-size:22px; max-width:100%; overflow-wrap:anywhere; opacity:1; line-height:0.9",
            "position:relative; letter-spacing:-0.5px; color:rgb(0,0,0); width:auto; font-size:0.9em; margin:-10px",
        ];
        for style in fine {
            assert!(!is_hidden(style), "{style}");
        }
    }

    #[test]
    fn a_sheet_hides_by_class_or_anything() {
        let names = |sheet: &str, names: &str| {
            let mut sheets = Sheets::default();
            sheets.add(sheet);
            sheets.hidden.has(names)
        };
        let sheet = "a { color: red } @media (max-width: 9px) { .B, td#c .d a { display: none } } /* .x{display:none} */ .y { }";
        for (classes, hidden) in
            [("b", true), ("x a B", true), ("c", true), ("d", true), ("x", false), ("y", false), ("", false)]
        {
            assert_eq!(names(sheet, classes), hidden, "{classes}");
        }
        for sheet in [
            "a{display:none}",
            "*{opacity:0}",
            "[hidden]{display:none}",
            ".x:not(.y){display:none}",
            ".x+a{display:none}",
        ] {
            assert!(names(sheet, ""), "{sheet}");
        }
        assert!(!names(
            "@media (prefers-color-scheme: dark) { body, .page { background-color: #111827 !important; } }",
            "page"
        ));
    }
}
