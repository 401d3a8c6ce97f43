//! The e-mail that invites a recipient: what it says, and how templates are filled in.

mod data;
mod render;

use std::fmt;

use crate::password::TemporaryPassword;
use crate::{Division, Recipient};

pub use render::{RenderError, render};

/// A notification template: Handlebars sources for subject and bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its id in the API.
    pub template_id: &'static str,
    /// Its name for operators.
    pub name: &'static str,
    /// Goes up with every change of the sources.
    pub version: u32,
    subject: &'static str,
    html: &'static str,
    text: &'static str,
}

/// The built-in template.
pub const PORTAL_INVITATION: Template = Template {
    template_id: "portal-invitation",
    name: "Portal Invitation",
    version: 1,
    subject: include_str!("mail/portal-invitation/subject.hbs"),
    html: include_str!("mail/portal-invitation/body.html.hbs"),
    text: include_str!("mail/portal-invitation/body.txt.hbs"),
};

/// What one invitation says.
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// Who is invited.
    pub recipient: &'a Recipient,
    /// Who invites.
    pub division: &'a Division,
    /// The fresh temporary password; rendering is where it is exposed.
    pub password: &'a TemporaryPassword,
    /// Address under which customers reach the activation page, without a trailing slash.
    pub public_url: &'a str,
    /// When the password expires.
    pub expires_at: jiff::Timestamp,
}

/// An e-mail in full. The bodies hold the temporary password, so that `Debug` doesn't show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line without control characters.
    pub subject: String,
    /// The HTML body.
    pub html: String,
    /// The plain-text body.
    pub text: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
