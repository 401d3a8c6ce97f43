//! The values that a template may name.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::names::shown;
use super::{Invitation, Language, RenderError};
use crate::Division;

/// Characters to percent-encode in the link's fragment: all but the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All values. They contain the password, so this is neither `Debug` nor `Clone` (guarantee 4).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data<'a> {
    #[serde(flatten)]
    public: Public,
    temporary_password: &'a str,
    activation_link: String,
    expires: String,
    accounts: Vec<AccountData>,
    /// How many accounts are not named, such as `19,980`; empty when all are.
    more_accounts: String,
    /// All accounts, such as `20,000`.
    account_total: String,
    one_account: bool,
    earlier_passwords_end: bool,
}

/// The values that a subject may name, too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Public {
    name: String,
    division: DivisionData,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DivisionData {
    name: String,
    contact_address: String,
    portal_url: String,
    logo_url: String,
}

#[derive(Serialize)]
struct AccountData {
    id: String,
    name: String,
}

impl<'a> Data<'a> {
    pub(super) fn new(invitation: &Invitation<'a>, language: Language) -> Result<Self, RenderError> {
        let Invitation { recipient, division, password, .. } = invitation;
        let links = &recipient.links;
        let accounts = links.accounts.iter();
        let foreign = BTreeSet::new();
        let of_customer = |name: &str| shown(name, &foreign);
        let accounts = accounts.map(|account| AccountData {
            id: of_customer(account.account_id.as_str()),
            name: of_customer(&account.account_name),
        });
        let total = u64::from(links.account_count);
        let number = |number| language.number(number).ok_or(RenderError::Language);
        let more = total.saturating_sub(links.accounts.len() as u64);
        Ok(Self {
            public: Public { name: of_customer(recipient.name()), division: DivisionData::new(division)? },
            temporary_password: password.expose().expose_secret(),
            activation_link: activation_link(invitation),
            expires: language.moment(invitation.expires_at, division.zone()).ok_or(RenderError::Language)?,
            accounts: accounts.collect(),
            more_accounts: if more == 0 { String::new() } else { number(more)? },
            account_total: number(total)?,
            one_account: total == 1,
            earlier_passwords_end: invitation.earlier_passwords_end,
        })
    }

    pub(super) fn public(&self) -> &Public {
        &self.public
    }

    /// Temporary password and activation link.
    pub(super) fn secrets(&self) -> [&str; 2] {
        [self.temporary_password, &self.activation_link]
    }

    /// The same with brackets and quotes in names replaced by some that delimit no address.
    pub(super) fn without_brackets(self) -> Self {
        self.with_names(|name| name.replace('<', "‹").replace('>', "›").replace('"', "”"))
    }

    fn with_names(mut self, change: impl Fn(&str) -> String) -> Self {
        let names = self.accounts.iter_mut().flat_map(|account| [&mut account.id, &mut account.name]);
        for name in names.chain([&mut self.public.name, &mut self.public.division.name]) {
            *name = change(name);
        }
        self
    }
}

impl DivisionData {
    fn new(division: &Division) -> Result<Self, RenderError> {
        Ok(Self {
            name: shown(&division.name, &division.hosts()),
            contact_address: division.contact_address().to_owned(),
            portal_url: web_address(&division.portal_url, "portalUrl")?,
            logo_url: division.logo_url.as_ref().map_or(Ok(String::new()), |url| web_address(url, "logoUrl"))?,
        })
    }
}

fn web_address(url: &str, field: &'static str) -> Result<String, RenderError> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = !url.contains(|c: char| c.is_control() || c.is_whitespace());
    if is_web && is_plain { Ok(url.to_owned()) } else { Err(RenderError::Address(field)) }
}

/// The page where the invitation is accepted. The values stand in the fragment, which a browser does not send.
fn activation_link(invitation: &Invitation<'_>) -> String {
    let encode = |value| utf8_percent_encode(value, ENCODED);
    format!(
        "{}/activate#division={}&email={}&temporaryPassword={}",
        invitation.public_url,
        encode(invitation.division.division.as_str()),
        encode(invitation.recipient.email.as_str()),
        // Dots occur in previews only, and stay readable.
        encode(invitation.password.expose().expose_secret()).to_string().replace("%E2%80%A2", "•"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_linked() {
        assert!(web_address("https://portal.example.com/a?b=c", "portalUrl").is_ok());
        for url in ["javascript:alert(1)", "//x", "", "https://x y", "http://x\r\n", "ftp://x", "data:text/html,x"] {
            assert_eq!(web_address(url, "portalUrl"), Err(RenderError::Address("portalUrl")), "{url}");
        }
    }
}
