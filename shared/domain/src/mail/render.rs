//! Filling in a template. In strict mode: a placeholder without a value is an error, not an empty place.

use std::collections::BTreeSet;

use handlebars::{Handlebars, html_escape, no_escape};
use serde::Serialize;

use super::check::{Examined, compile, encloses_secret, examine, in_language, without_tracking};
use super::data::Data;
use super::template::built_in;
use super::{Invitation, Language, Rendered, Sources};
use crate::Division;
use crate::input::FieldError;

/// Why an e-mail could not be made. Says nothing about its recipient or the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// This part of the template is malformed, uses what templates can't, or names a value that there is not.
    #[error("the template's {0} can't be filled in")]
    Template(&'static str),
    /// A header value would have more than one line.
    #[error("the subject has a control character")]
    ControlCharacterInSubject,
    /// An address that the e-mail links to is neither http nor https.
    #[error("the division's {0} is not an http or https address")]
    Address(&'static str),
    /// The language can't write the time or a number.
    #[error("a date or number can't be written in the template's language")]
    Language,
    /// A name would make an address of what stands between brackets or quotes with the password.
    #[error("a name would put the password into an address")]
    Enclosed,
    /// The template names a server that is none of the division's ([`Division::hosts`]).
    #[error("the template links to a server that is none of the division's")]
    ForeignHost,
}

const SUBJECT: &str = "subject";
const HTML: &str = "HTML body";
const TEXT: &str = "text body";

/// One part of a template, ready to be filled in.
#[derive(Clone)]
pub(super) struct Body {
    registry: Handlebars<'static>,
    name: &'static str,
}

impl Body {
    /// The HTML body, as it is mailed: its values are escaped, and links in it are left alone by SES (see
    /// `ses:no-track`).
    pub fn html(source: &str) -> Result<Self, RenderError> {
        Self::new(HTML, &without_tracking(source), html_escape)
    }

    /// A part that is no HTML, and whose values are not escaped.
    pub fn plain(name: &'static str, source: &str) -> Result<Self, RenderError> {
        Self::new(name, source, no_escape)
    }

    fn new(name: &'static str, source: &str, escape: fn(&str) -> String) -> Result<Self, RenderError> {
        let template = compile(source).ok_or(RenderError::Template(name))?;
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(escape);
        registry.register_template(name, template);
        Ok(Self { registry, name })
    }

    /// Fills it in. The cause of an error is left out: it may quote values.
    pub fn fill(&self, data: &impl Serialize) -> Result<String, RenderError> {
        self.registry.render(self.name, data).map_err(|_| RenderError::Template(self.name))
    }
}

/// A template, ready to be filled in as often as needed.
#[derive(Clone)]
pub struct Compiled {
    subject: Body,
    html: Body,
    text: Body,
    /// The servers that it names literally.
    hosts: BTreeSet<String>,
    language: Language,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

impl Compiled {
    /// Makes a template ready, if nothing is wrong with it by the rules of today, whenever and by which rules it was
    /// saved.
    pub fn checked(sources: &Sources) -> Result<Self, Vec<FieldError>> {
        let Examined { faults, hosts } = examine(sources);
        if !faults.is_empty() {
            return Err(faults);
        }
        let compiled = Self::new(sources).map_err(|error| vec![FieldError::new("html", error.to_string())])?;
        Ok(Self { hosts, ..compiled })
    }

    /// Makes a version of the built-in template ready, if there is one of this number. It is code: the tests check it,
    /// and that it names no server.
    pub fn built_in(version: u32) -> Option<Self> {
        Self::new(&built_in(version)?.sources).ok()
    }

    pub(super) fn new(sources: &Sources) -> Result<Self, RenderError> {
        Ok(Self {
            html: match sources.language {
                Some(language) => Body::html(&in_language(&sources.html, language))?,
                None => Body::html(&sources.html)?,
            },
            text: Body::plain(TEXT, &sources.text)?,
            subject: Body::plain(SUBJECT, &sources.subject)?,
            hosts: BTreeSet::new(),
            language: sources.language.unwrap_or_default(),
        })
    }

    /// The servers that it names and that are none of this division's.
    pub fn foreign_hosts(&self, division: &Division) -> Vec<&str> {
        if self.hosts.is_empty() {
            return Vec::new();
        }
        let own = division.hosts();
        self.hosts.iter().filter(|host| !own.contains(*host)).map(String::as_str).collect()
    }

    /// Fills in the template, unless it names servers that are none of the division's.
    ///
    /// The HTML body is escaped so that a value can stand in text and in quoted attributes. Subject and text are not HTML, and
    /// not escaped; a subject with a control character (CR, LF and NUL among them) is refused.
    pub fn render(&self, invitation: &Invitation<'_>) -> Result<Rendered, RenderError> {
        if !self.foreign_hosts(invitation.division).is_empty() {
            return Err(RenderError::ForeignHost);
        }
        let data = Data::new(invitation, self.language)?;
        // The subject sees only a part of the values, without password and link, so that no template can put them there.
        let subject = self.subject.fill(data.public())?;
        if subject.chars().any(char::is_control) {
            return Err(RenderError::ControlCharacterInSubject);
        }
        let html = self.html.fill(&data)?;
        let mut text = self.text.fill(&data)?;
        // What the template may not do, names may not do either: whoever is called `<https://…` gets other brackets.
        if encloses_secret(&text, data.secrets()) {
            let data = data.without_brackets();
            text = self.text.fill(&data)?;
            if encloses_secret(&text, data.secrets()) {
                return Err(RenderError::Enclosed);
            }
        }
        Ok(Rendered { subject, html, text })
    }
}
