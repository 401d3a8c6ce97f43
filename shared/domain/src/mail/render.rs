//! Rendering of templates, in strict mode: a placeholder without a value is an error, not an empty text.

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
    /// This part of the template is malformed, uses an unknown feature, or names an unknown value.
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
    /// A name between brackets or quotes with the password would form an address.
    #[error("a name would put the password into an address")]
    Enclosed,
    /// The template names a server that the division does not list ([`Division::hosts`]).
    #[error("the template links to a server that is none of the division's")]
    ForeignHost,
}

const SUBJECT: &str = "subject";
const HTML: &str = "HTML body";
const TEXT: &str = "text body";

/// One compiled part of a template.
#[derive(Clone)]
pub(super) struct Body {
    registry: Handlebars<'static>,
    name: &'static str,
}

impl Body {
    /// The HTML body, with escaped values, and links that SES does not replace (see `ses:no-track`).
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

    /// Renders it. The cause of an error is dropped, because it may quote values.
    pub fn fill(&self, data: &impl Serialize) -> Result<String, RenderError> {
        self.registry.render(self.name, data).map_err(|_| RenderError::Template(self.name))
    }
}

/// A compiled template.
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
    /// Compiles a template if it passes today's rules, whichever rules it was saved under.
    pub fn checked(sources: &Sources) -> Result<Self, Vec<FieldError>> {
        let Examined { faults, hosts } = examine(sources);
        if !faults.is_empty() {
            return Err(faults);
        }
        let compiled = Self::new(sources).map_err(|error| vec![FieldError::new("html", error.to_string())])?;
        Ok(Self { hosts, ..compiled })
    }

    /// Compiles a version of the built-in template, if there is one with this number. It is code: tests check it, and
    /// that it names no server.
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

    /// The servers that it names and that this division does not list.
    pub fn foreign_hosts(&self, division: &Division) -> Vec<&str> {
        if self.hosts.is_empty() {
            return Vec::new();
        }
        let own = division.hosts();
        self.hosts.iter().filter(|host| !own.contains(*host)).map(String::as_str).collect()
    }

    /// Renders the template, unless it names servers that the division does not list.
    ///
    /// The HTML body is escaped so that a value can stand in text and in quoted attributes. Subject and text are not
    /// HTML, and not escaped; a subject with a control character (CR, LF and NUL among them) is refused.
    pub fn render(&self, invitation: &Invitation<'_>) -> Result<Rendered, RenderError> {
        if !self.foreign_hosts(invitation.division).is_empty() {
            return Err(RenderError::ForeignHost);
        }
        let data = Data::new(invitation, self.language)?;
        // The subject gets only a part of the values, without password and link, so that no template can put them there
        // (guarantee 10).
        let subject = self.subject.fill(data.public())?;
        if subject.chars().any(char::is_control) {
            return Err(RenderError::ControlCharacterInSubject);
        }
        let html = self.html.fill(&data)?;
        let mut text = self.text.fill(&data)?;
        // Names must not form addresses either: brackets in a name such as `<https://…` are replaced.
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
