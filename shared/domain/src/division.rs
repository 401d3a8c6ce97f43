//! A division: a business unit with its own portal, sender and time zone.

pub mod parse;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::FieldError;
use crate::search::folded;
use crate::{DivisionId, host};

/// A division as imported and as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DivisionItem")]
pub struct Division {
    /// Its id, as in filters.
    pub division: DivisionId,
    /// Its name, as customers know it.
    pub name: String,
    /// The sender that is offered first; a normalised address.
    pub email: String,
    /// Name of an IANA time zone, validated where it came in, such as `America/New_York`.
    pub time_zone: String,
    /// Address of the customer portal, https.
    pub portal_url: String,
    /// Address of its logo, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The allowed senders, normalised. Without a list, all addresses of its own address's domain are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<String>,
    /// Reply-to address, normalised; by default the division's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Servers that its e-mails may link to besides its own: names in ASCII and lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_hosts: Vec<String>,
}

/// Why an address can't be the sender now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderRefusal {
    /// The division has a list of senders, and this one is not on it.
    #[error("the sender is not on the division's list")]
    NotListed,
    /// The division has no list of senders, and this one is of another domain than its own address.
    #[error("the sender is of another domain than the division's address")]
    OtherDomain,
    /// SES has not verified the sender.
    #[error("SES has not verified the sender")]
    NotVerified,
    /// The SES account may not send now.
    #[error("sending is paused for the whole SES account")]
    SendingPaused,
}

impl Division {
    /// The fault of a field that names a division that there is not.
    pub fn unknown(field: &str) -> FieldError {
        FieldError::new(field, "is not a known division")
    }

    /// Its time zone; UTC if the zone is no longer known, so that an old division can still invite.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The division with this id or, regardless of case and white space, this name; `None` also if there are several.
    pub fn called(divisions: Vec<Self>, text: &str) -> Option<Self> {
        let wanted = folded(text);
        let is_called =
            |division: &Self| folded(division.division.as_str()) == wanted || folded(&division.name) == wanted;
        let mut found = divisions.into_iter().filter(is_called);
        found.next().filter(|_| found.next().is_none())
    }

    /// The address under which customers reach it.
    pub fn contact_address(&self) -> &str {
        self.reply_to.as_deref().unwrap_or(&self.email)
    }

    /// The servers that the text of its e-mails may link to: those of its portal, its logo and its addresses, and those
    /// that it lists.
    pub fn hosts(&self) -> BTreeSet<String> {
        let pages = [Some(&self.portal_url), self.logo_url.as_ref()].into_iter().flatten();
        let addresses = [Some(&self.email), self.reply_to.as_ref()].into_iter().flatten();
        let of_addresses = addresses.filter_map(|address| host::of_address(address)).map(str::to_owned);
        pages.filter_map(|page| host::of_url(page)).chain(of_addresses).chain(self.link_hosts.iter().cloned()).collect()
    }

    /// Why the division does not allow this normalised sender. Without a list, a domain verified by SES is not enough,
    /// because it may be another division's.
    pub fn refuses_sender(&self, address: &str) -> Option<SenderRefusal> {
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        match self.senders.is_empty() {
            true if domain(address) == domain(&self.email) => None,
            true => Some(SenderRefusal::OtherDomain),
            false if self.senders.iter().any(|sender| sender == address) => None,
            false => Some(SenderRefusal::NotListed),
        }
    }

    /// Warnings for the caller who stores it.
    pub fn warnings(&self) -> Vec<FieldError> {
        let path = |url: &String| url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let is_svg = |path: &String| path.ends_with(".svg") || path.ends_with(".svgz");
        let logo = self.logo_url.as_ref().map(path).filter(is_svg);
        let warning = "is an SVG picture, which Gmail and Outlook don't show: use a PNG, 80 pixels high";
        logo.into_iter().map(|_| FieldError::new("logoUrl", warning)).collect()
    }

    /// The senders to offer, the default first, each once.
    pub fn offered_senders(&self) -> Vec<&str> {
        let allowed = self.refuses_sender(&self.email).is_none().then_some(self.email.as_str());
        let others = self.senders.iter().map(String::as_str).filter(|sender| *sender != self.email);
        allowed.into_iter().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division() -> Division {
        Division {
            division: DivisionId::new("DAYTON"),
            name: "Dayton".to_owned(),
            email: "a@example.com".to_owned(),
            time_zone: "America/New_York".to_owned(),
            portal_url: "https://portal.example.com".to_owned(),
            logo_url: None,
            senders: Vec::new(),
            reply_to: None,
            link_hosts: Vec::new(),
        }
    }

    #[test]
    fn a_division_is_found_by_its_id_or_name_if_no_other_is_called_so() {
        let named =
            |id: &str, name: &str| Division { division: DivisionId::new(id), name: name.to_owned(), ..division() };
        let divisions =
            || vec![named("DAYTON", "Dayton Müll & Co"), named("NORTH", "Haulers"), named("SOUTH", "Haulers")];
        let found = |text: &str| Division::called(divisions(), text).map(|division| division.division.to_string());
        for text in ["dayton", "Dayton Müll & Co", " DAYTON  MU\u{308}LL & CO\u{200b} "] {
            assert_eq!(found(text).as_deref(), Some("DAYTON"), "{text}");
        }
        assert_eq!(found("south").as_deref(), Some("SOUTH"));
        for text in ["Haulers", "Dayton Müll", "", "D"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_list_senders_of_the_divisions_domain_are_allowed() {
        assert_eq!(division().refuses_sender("x@example.com"), None);
        for other in
            ["x@example.org", "x@mail.example.com", "x@notexample.com", "x@com", "\"@example.com\"@example.org"]
        {
            assert_eq!(division().refuses_sender(other), Some(SenderRefusal::OtherDomain), "{other}");
        }
        assert_eq!(division().offered_senders(), ["a@example.com"]);
    }

    #[test]
    fn a_list_of_senders_excludes_all_others() {
        let listed = Division { senders: vec!["b@example.com".to_owned()], ..division() };
        assert_eq!(listed.refuses_sender("a@example.com"), Some(SenderRefusal::NotListed));
        assert_eq!(
            Division { senders: vec!["b@other.org".to_owned()], ..division() }.refuses_sender("b@other.org"),
            None
        );
        assert_eq!(listed.offered_senders(), ["b@example.com"]);
    }

    #[test]
    fn the_default_sender_is_offered_first_and_once() {
        let senders = vec!["b@example.com".to_owned(), "a@example.com".to_owned()];
        assert_eq!(Division { senders, ..division() }.offered_senders(), ["a@example.com", "b@example.com"]);
    }

    #[test]
    fn its_hosts_are_those_of_portal_logo_and_addresses_and_those_that_it_lists() {
        assert_eq!(Vec::from_iter(division().hosts()), ["example.com", "portal.example.com"]);
        let more = Division {
            logo_url: Some("https://cdn.example.net/logo.png".to_owned()),
            reply_to: Some("help@desk.example".to_owned()),
            link_hosts: vec!["maps.example.org".to_owned()],
            ..division()
        };
        let hosts = ["cdn.example.net", "desk.example", "example.com", "maps.example.org", "portal.example.com"];
        assert_eq!(Vec::from_iter(more.hosts()), hosts);
    }

    #[test]
    fn a_logo_that_mail_programs_do_not_show_is_warned_of() {
        for (logo, is_svg) in [
            (None, false),
            (Some("https://cdn.example.net/logo.png"), false),
            (Some("https://svg.example.net/svg"), false),
            (Some("https://cdn.example.net/logo.png?from=logo.svg"), false),
            (Some("https://cdn.example.net/logo.svg"), true),
            (Some("https://cdn.example.net/Logo.SVG?v=2#x"), true),
            (Some("https://cdn.example.net/logo.svgz"), true),
        ] {
            let division = Division { logo_url: logo.map(str::to_owned), ..division() };
            let fields: Vec<_> = division.warnings().into_iter().map(|warning| warning.field).collect();
            assert_eq!(fields, if is_svg { vec!["logoUrl"] } else { vec![] }, "{logo:?}");
        }
    }

    #[test]
    fn an_empty_optional_field_is_not_stored() -> Result<(), serde_json::Error> {
        let json = serde_json::to_value(division())?;
        assert!(["senders", "replyTo", "logoUrl", "linkHosts"].iter().all(|field| json.get(field).is_none()));
        assert_eq!(serde_json::from_value::<Division>(json)?, division());
        Ok(())
    }
}
