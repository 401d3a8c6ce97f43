//! Filling in a template. In strict mode: a placeholder without a value is an error, not an empty place.

use std::sync::LazyLock;

use handlebars::{Handlebars, html_escape, no_escape};

use super::data::Data;
use super::{Invitation, Rendered, TEMPLATES, Template};

/// Why an e-mail could not be made. Says nothing about its recipient or the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template is not one of [`TEMPLATES`].
    #[error("there is no such template")]
    UnknownTemplate,
    /// The template names a value that there is not, or is malformed.
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
    let compiled = COMPILED.iter().find(|compiled| compiled.template == *template);
    let compiled = compiled.ok_or(RenderError::UnknownTemplate)?;
    let data = Data::new(invitation)?;
    // The subject is made of a part of the values that has no password and no link in it.
    let subject = fill(&compiled.plain, SUBJECT, &data.public())?.trim_end_matches('\n').to_owned();
    if subject.chars().any(char::is_control) {
        return Err(RenderError::ControlCharacterInSubject);
    }
    let data = data.cleaned();
    Ok(Rendered { subject, html: fill(&compiled.html, HTML, &data)?, text: fill(&compiled.plain, TEXT, &data)? })
}

fn fill(registry: &Handlebars<'_>, part: &'static str, data: &impl serde::Serialize) -> Result<String, RenderError> {
    // The cause is left out: it may quote values.
    registry.render(part, data).map_err(|_| RenderError::Template(part))
}

/// A template, parsed once for the life of the process.
struct Compiled {
    template: Template,
    html: Handlebars<'static>,
    plain: Handlebars<'static>,
}

static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| TEMPLATES.iter().map(Compiled::new).collect());

impl Compiled {
    fn new(template: &Template) -> Self {
        let mut html = strict();
        html.register_escape_fn(html_escape);
        let mut plain = strict();
        plain.register_escape_fn(no_escape);
        // A part that can't be parsed is not registered, and then can't be filled in; a test sees to it that all can.
        let _ = html.register_template_string(HTML, template.html);
        let _ = plain.register_template_string(TEXT, template.text);
        let _ = plain.register_template_string(SUBJECT, template.subject);
        Self { template: *template, html, plain }
    }
}

fn strict() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry
}
