//! Templates as stored, and the built-in one.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Language;
use crate::{InSeconds, TemplateId};

/// Handlebars sources of subject and bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sources {
    /// One line.
    pub subject: String,
    /// The HTML body.
    pub html: String,
    /// The plain-text body.
    pub text: String,
    /// The language. Without one, as in versions of earlier releases, dates and numbers are English, and the HTML's
    /// `lang` is left as it is (guarantee 17).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub language: Option<Language>,
}

/// One version of a template. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The template.
    pub template_id: TemplateId,
    /// Counts from 1.
    pub version: u32,
    /// Its name for operators.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub sources: Sources,
    /// When it was saved; the built-in one never was.
    pub updated_at: Option<Timestamp>,
    /// Who saved it, by name.
    pub updated_by: Option<String>,
}

/// A template as lists show it: which version is the newest, and whether it may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TemplateHead")]
pub struct Head {
    /// The template.
    pub template_id: TemplateId,
    /// The newest version's name.
    pub name: String,
    /// It is code, and can't be changed.
    #[serde(default)]
    pub built_in: bool,
    /// New campaigns may use it.
    pub active: bool,
    /// The newest version.
    pub version: u32,
    /// When the newest version was saved.
    pub updated_at: Option<Timestamp>,
    /// Who saved it, by name.
    pub updated_by: Option<String>,
    /// When it was activated or deactivated last, if ever.
    #[serde(default)]
    pub active_changed_at: Option<Timestamp>,
    /// Who did that, by name.
    #[serde(default)]
    pub active_changed_by: Option<String>,
}

impl Head {
    /// The head for people.
    pub fn shown(self) -> Self {
        let (updated_at, active_changed_at) = (self.updated_at.in_seconds(), self.active_changed_at.in_seconds());
        Self { updated_at, active_changed_at, ..self }
    }

    /// The head of a template whose newest version is this one, and which is active.
    pub fn of(version: &Version) -> Self {
        Self {
            template_id: version.template_id.clone(),
            name: version.name.clone(),
            built_in: version.template_id.is_built_in(),
            active: true,
            version: version.version,
            updated_at: version.updated_at,
            updated_by: version.updated_by.clone(),
            active_changed_at: None,
            active_changed_by: None,
        }
    }
}

/// The built-in template's name.
pub const BUILT_IN_NAME: &str = "Portal Invitation";

/// A version of the built-in template, if there is one of this number.
///
/// Its logo stands on a white plate, because in dark mode a transparent picture with a dark logo is unreadable. The
/// plate is also a gradient, which mail programs that invert colours leave as it is. Outlook for Windows pads no link,
/// so the button's cell has the padding for it (`mso-padding-alt`), which others pass over.
///
/// A change of its text is a new version here; the others stay, because running campaigns keep theirs.
pub fn built_in(version: u32) -> Option<Version> {
    let sources = match version {
        1 => Sources {
            subject: include_str!("portal-invitation/1/subject.hbs").trim_end().to_owned(),
            html: include_str!("portal-invitation/1/body.html.hbs").to_owned(),
            text: include_str!("portal-invitation/1/body.txt.hbs").to_owned(),
            language: Some(Language::ENGLISH),
        },
        2 => Sources {
            subject: include_str!("portal-invitation/1/subject.hbs").trim_end().to_owned(),
            html: include_str!("portal-invitation/2/body.html.hbs").to_owned(),
            text: include_str!("portal-invitation/2/body.txt.hbs").to_owned(),
            language: Some(Language::ENGLISH),
        },
        _ => return None,
    };
    let (template_id, name) = (TemplateId::built_in(), BUILT_IN_NAME.to_owned());
    Some(Version { template_id, version, name, sources, updated_at: None, updated_by: None })
}

/// The newest version of the built-in template.
pub fn newest_built_in() -> Version {
    built_in(NEWEST_BUILT_IN).expect("the newest version is one of those above")
}

const NEWEST_BUILT_IN: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_built_in_version_is_the_last_one() {
        assert_eq!(newest_built_in().version, NEWEST_BUILT_IN);
        assert_eq!((built_in(0), built_in(NEWEST_BUILT_IN + 1)), (None, None));
        let head = Head::of(&newest_built_in());
        assert!(head.built_in && head.active);
        assert_eq!((head.template_id.as_str(), head.name.as_str()), ("portal-invitation", "Portal Invitation"));
    }
}
