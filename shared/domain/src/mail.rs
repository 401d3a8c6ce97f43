//! The invitation e-mail: its content, and how templates are checked and rendered.

pub mod check;
mod data;
pub mod language;
mod names;
mod render;
pub mod sample;
pub mod template;

use std::fmt;

use crate::password::TemporaryPassword;
use crate::{Division, Recipient};

pub use language::Language;
pub use render::{Compiled, RenderError};
pub use template::Sources;

/// The data of one invitation.
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// Who is invited.
    pub recipient: &'a Recipient,
    /// Who invites.
    pub division: &'a Division,
    /// The fresh temporary password, exposed only by rendering.
    pub password: &'a TemporaryPassword,
    /// Address under which customers reach the activation page, without a trailing slash.
    pub public_url: &'a str,
    /// When the password expires.
    pub expires_at: jiff::Timestamp,
    /// Whether the recipient was mailed earlier passwords, which this one invalidates.
    pub earlier_passwords_end: bool,
}

/// A complete e-mail. The bodies contain the temporary password, so `Debug` doesn't show them.
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
