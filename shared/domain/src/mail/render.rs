//! Filling in a template. In strict mode: a placeholder without a value is an error, not an empty place.

use handlebars::{Handlebars, html_escape, no_escape};
use serde::Serialize;

use super::check::{compile, without_tracking};
use super::data::Data;
use super::{Invitation, Rendered, Sources};

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
}

const SUBJECT: &str = "subject";
const HTML: &str = "HTML body";
const TEXT: &str = "text body";

/// A template, ready to be filled in as often as needed.
#[derive(Clone)]
pub struct Compiled {
    html: Handlebars<'static>,
    plain: Handlebars<'static>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

impl Compiled {
    /// Makes a template ready. Links in the HTML are left alone by SES: see `ses:no-track`.
    pub fn new(sources: &Sources) -> Result<Self, RenderError> {
        let mut html = strict();
        html.register_escape_fn(html_escape);
        let mut plain = strict();
        plain.register_escape_fn(no_escape);
        register(&mut html, HTML, &without_tracking(&sources.html))?;
        register(&mut plain, TEXT, &sources.text)?;
        register(&mut plain, SUBJECT, &sources.subject)?;
        Ok(Self { html, plain })
    }

    /// Fills in the template.
    ///
    /// The HTML body is escaped so that a value can stand in text and in quoted attributes. Subject and text are not HTML, and
    /// not escaped; a subject with a control character (CR, LF and NUL among them) is refused.
    pub fn render(&self, invitation: &Invitation<'_>) -> Result<Rendered, RenderError> {
        let data = Data::new(invitation)?;
        // The subject sees only a part of the values, without password and link, so that no template can put them there.
        let subject = fill(&self.plain, SUBJECT, data.public())?;
        if subject.chars().any(char::is_control) {
            return Err(RenderError::ControlCharacterInSubject);
        }
        let data = data.cleaned();
        Ok(Rendered { subject, html: fill(&self.html, HTML, &data)?, text: fill(&self.plain, TEXT, &data)? })
    }
}

fn fill(registry: &Handlebars<'_>, part: &'static str, data: &impl Serialize) -> Result<String, RenderError> {
    // The cause is left out: it may quote values.
    registry.render(part, data).map_err(|_| RenderError::Template(part))
}

fn strict() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry
}

fn register(registry: &mut Handlebars<'_>, part: &'static str, source: &str) -> Result<(), RenderError> {
    let template = compile(source).ok_or(RenderError::Template(part))?;
    registry.register_template(part, template);
    Ok(())
}
