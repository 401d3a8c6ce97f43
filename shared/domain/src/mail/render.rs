//! Filling in a template. In strict mode: a placeholder without a value is an error, not an empty place.

use std::borrow::Cow;
use std::sync::LazyLock;

use handlebars::{Handlebars, html_escape, no_escape};
use serde::Serialize;

use super::data::Data;
use super::{Invitation, PORTAL_INVITATION, Rendered, Template};

/// Why an e-mail could not be made. Says nothing about its recipient or the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// This part of the template is malformed, or names a value that there is not.
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

/// Fills in `template`.
///
/// The HTML body is escaped so that a value can stand in text and in quoted attributes. Subject and text are not HTML, and
/// not escaped; a subject with a control character (CR, LF and NUL among them) is refused.
pub fn render(template: &Template, invitation: &Invitation<'_>) -> Result<Rendered, RenderError> {
    let compiled = Compiled::of(template)?;
    let data = Data::new(invitation)?;
    // The subject sees only a part of the values, without password and link, so that no template can put them there.
    let subject = fill(&compiled.plain, SUBJECT, data.public())?;
    if subject.chars().any(char::is_control) {
        return Err(RenderError::ControlCharacterInSubject);
    }
    let data = data.cleaned();
    Ok(Rendered { subject, html: fill(&compiled.html, HTML, &data)?, text: fill(&compiled.plain, TEXT, &data)? })
}

fn fill(registry: &Handlebars<'_>, part: &'static str, data: &impl Serialize) -> Result<String, RenderError> {
    // The cause is left out: it may quote values.
    registry.render(part, data).map_err(|_| RenderError::Template(part))
}

/// A template, parsed.
#[derive(Clone)]
struct Compiled {
    html: Handlebars<'static>,
    plain: Handlebars<'static>,
}

/// The built-in template, parsed once for the life of the process.
static BUILT_IN: LazyLock<Result<Compiled, RenderError>> = LazyLock::new(|| Compiled::new(&PORTAL_INVITATION));

impl Compiled {
    fn of(template: &Template) -> Result<Cow<'static, Self>, RenderError> {
        if *template == PORTAL_INVITATION {
            return BUILT_IN.as_ref().map(Cow::Borrowed).map_err(|error| *error);
        }
        Self::new(template).map(Cow::Owned)
    }

    fn new(template: &Template) -> Result<Self, RenderError> {
        let mut html = strict();
        html.register_escape_fn(html_escape);
        let mut plain = strict();
        plain.register_escape_fn(no_escape);
        register(&mut html, HTML, template.html)?;
        register(&mut plain, TEXT, template.text)?;
        register(&mut plain, SUBJECT, template.subject.trim_end_matches('\n'))?;
        Ok(Self { html, plain })
    }
}

fn strict() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry
}

fn register(registry: &mut Handlebars<'_>, part: &'static str, source: &str) -> Result<(), RenderError> {
    registry.register_template_string(part, source).map_err(|_| RenderError::Template(part))
}
