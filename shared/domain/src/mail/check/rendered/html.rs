//! The visible content of an HTML e-mail with marked values.

use super::super::html::allowed::has_no_markup_inside;
use super::super::html::lines::Tables;
use super::super::html::tokens::{Token, filled, read, tokens};
use super::super::language::Parsed;
use super::cases::path_of;
use super::hidden::{Sheets, Style, colour};
use super::links::{Link, may_be_target};
use super::{SECRETS, Shown};

/// Elements without an end.
const VOID: [&str; 7] = ["br", "hr", "img", "wbr", "meta", "col", "link"];

/// Attributes whose text is shown or read aloud.
const DESCRIPTIONS: [&str; 3] = ["alt", "title", "aria-label"];

/// Reads an e-mail with these style sheets: its visible text, the targets of its links, and secrets in places that
/// people don't read.
pub(super) fn shown(html: &str, sheets: &Sheets) -> Shown {
    let mut reader = Reader::new(sheets);
    for (token, span) in tokens(html) {
        match token {
            Token::Open(name) => reader.tag = Tag { name, ..Tag::default() },
            // An attribute with a value comes without it first.
            Token::Attribute(name, None) => reader.tag.is_hidden |= name == "hidden",
            Token::Attribute(name, Some(value)) => reader.attribute(&name, value),
            Token::Opened => reader.open(),
            Token::Close(name) => reader.close(&name),
            Token::Text => reader.text(&html[span]),
            Token::Comment(_) => reader.refuse_secrets(&html[span], "a comment"),
            Token::Doctype | Token::Error(_) => {}
        }
    }
    reader.end_link(false);
    reader.shown
}

/// The style sheets in a source, in whichever blocks. They also apply to what stands before them.
pub(super) fn sheets(source: &str, parsed: &Parsed<'_>) -> Sheets {
    let mut sheets = Sheets::default();
    let mut in_style = false;
    for (token, span) in tokens(&filled(source, parsed.mustaches.iter().map(|mustache| &mustache.at))) {
        match token {
            Token::Open(name) => in_style = name == "style",
            Token::Close(_) => in_style = false,
            Token::Text if in_style => sheets.add(&source[span]),
            _ => {}
        }
    }
    sheets
}

/// A start tag.
#[derive(Debug, Default)]
struct Tag {
    name: String,
    is_hidden: bool,
    /// A style sheet may put it, or what is in it, on one line with what stands around.
    is_inline: bool,
    style: Style,
    target: String,
    source: String,
    descriptions: String,
}

/// An element that is open.
#[derive(Clone, Debug)]
struct Open {
    name: String,
    is_hidden: bool,
    /// A style sheet may put it, and what is in it, on one line with what stands around.
    is_inline: bool,
    /// Its own style does, to it alone.
    is_styled_inline: bool,
    is_small: bool,
    colour: String,
    /// If it is known: a style sheet may give it another.
    ground: Option<String>,
}

#[derive(Debug)]
struct Reader<'s> {
    shown: Shown,
    sheets: &'s Sheets,
    tables: Tables,
    tag: Tag,
    elements: Vec<Open>,
    /// A hiding element was not closed properly, so browsers differ from here on.
    is_lost: bool,
    link: Option<Link>,
    /// How many elements were open when the link began.
    link_depth: usize,
    without_markup: Option<String>,
}

impl<'s> Reader<'s> {
    fn new(sheets: &'s Sheets) -> Self {
        Self {
            shown: Shown::default(),
            sheets,
            tables: Tables::default(),
            tag: Tag::default(),
            elements: Vec::new(),
            is_lost: false,
            link: None,
            link_depth: 0,
            without_markup: None,
        }
    }

    /// Records secrets in a text where they are not allowed.
    fn refuse_secrets(&mut self, text: &str, place: &str) {
        let is_secret = |mark: &char| path_of(*mark).is_some_and(|path| SECRETS.contains(&path));
        self.shown.misplaced.extend(text.chars().filter(is_secret).map(|mark| (mark, place.to_owned())));
    }

    fn attribute(&mut self, name: &str, value: String) {
        if !may_be_target(&self.tag.name, name, &value) {
            self.refuse_secrets(&value, &format!("the attribute `{name}`"));
        }
        let tag = &mut self.tag;
        match name {
            "class" | "id" => {
                tag.is_hidden |= self.sheets.hidden.has(&value);
                tag.is_inline |= self.sheets.inline.has(&value);
            }
            "width" | "height" => tag.is_hidden |= ["0", "0px", "0%"].contains(&value.trim()),
            "color" | "text" => tag.style.colour = tag.style.colour.take().or(Some(colour(&value.to_lowercase()))),
            "bgcolor" => tag.style.ground = tag.style.ground.take().or(Some(colour(&value.to_lowercase()))),
            "style" => {
                let Style { colour, ground, .. } = std::mem::replace(&mut tag.style, Style::of(&value));
                tag.style.colour = tag.style.colour.take().or(colour);
                tag.style.ground = tag.style.ground.take().or(ground);
            }
            "href" => tag.target = value,
            "src" => tag.source = value,
            _ if DESCRIPTIONS.contains(&name) => tag.descriptions.extend([" ", &value, " "]),
            _ => {}
        }
    }

    fn open(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        let around = self.around();
        let is_hidden = tag.is_hidden || tag.style.hides || around.is_hidden;
        let is_inline = tag.is_inline || around.is_inline;
        if self.tables.tag(&tag.name, false) && !is_inline && !tag.style.is_inline {
            self.begin_line(is_hidden);
        }
        if tag.name == "a" {
            self.end_link(false);
            self.link = Some(Link { target: tag.target, shown: tag.descriptions, ..Link::default() });
            self.link_depth = self.elements.len();
        } else if let Some(link) = &mut self.link {
            link.shown += &tag.descriptions;
            link.has_picture |= tag.name == "img" && !is_hidden && !self.is_lost;
        }
        if tag.name == "img" {
            self.shown.pictures.push(tag.source);
        }
        if has_no_markup_inside(&tag.name) {
            self.without_markup = Some(tag.name.clone());
        }
        if !VOID.contains(&tag.name.as_str()) {
            self.elements.push(Open {
                name: tag.name,
                is_hidden,
                is_inline,
                is_styled_inline: tag.style.is_inline,
                is_small: tag.style.is_small.unwrap_or(around.is_small),
                colour: tag.style.colour.unwrap_or(around.colour),
                ground: tag.style.ground.or(around.ground),
            });
        }
    }

    /// The innermost element that is open.
    fn around(&self) -> Open {
        let page = || Open {
            name: String::new(),
            is_hidden: self.sheets.hidden.any,
            is_inline: self.sheets.inline.any,
            is_styled_inline: false,
            is_small: false,
            colour: "#000000".to_owned(),
            ground: (!self.sheets.have_grounds).then(|| "#ffffff".to_owned()),
        };
        self.elements.last().cloned().unwrap_or_else(page)
    }

    fn close(&mut self, name: &str) {
        if self.without_markup.as_deref() == Some(name) {
            self.without_markup = None;
        }
        let index = self.elements.iter().rposition(|open| open.name == name);
        let ended = index.map_or_else(|| self.around(), |index| self.elements[index].clone());
        let is_inline = ended.is_inline || index.is_some() && ended.is_styled_inline;
        if self.tables.tag(name, true) && !is_inline {
            self.begin_line(ended.is_hidden);
        }
        if name == "a" {
            let is_whole = self.elements.len() == self.link_depth + 1;
            self.end_link(is_whole);
        }
        let Some(index) = index else { return };
        // In a browser, an end tag may close more than its element, less, or nothing, if elements in between are open.
        let hides = |open: &Open| open.is_hidden || open.is_unseen();
        self.is_lost |= index + 1 < self.elements.len() && self.elements[index..].iter().any(hides);
        self.elements.truncate(index);
    }

    fn end_link(&mut self, is_whole: bool) {
        if let Some(link) = self.link.take() {
            self.shown.links.push(Link { is_whole, ..link });
        }
    }

    fn begin_line(&mut self, is_hidden: bool) {
        self.shown.text.push('\n');
        if !is_hidden {
            self.shown.seen.push('\n');
        }
        if let Some(link) = &mut self.link {
            link.shown.push('\n');
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.without_markup.clone() {
            return self.refuse_secrets(text, &format!("`<{element}>`"));
        }
        let text = &*read(text);
        let around = self.around();
        let is_hidden = self.is_lost || around.is_hidden || around.is_unseen();
        self.shown.text += text;
        if !is_hidden {
            self.shown.seen += text;
        }
        if let Some(link) = &mut self.link {
            link.shown += text;
            if !is_hidden {
                link.seen += text;
            }
        }
    }
}

impl Open {
    /// Whether its text can't be read; what is in it may have another size or colour.
    fn is_unseen(&self) -> bool {
        self.is_small || self.ground.as_ref() == Some(&self.colour)
    }
}
