//! Reads a division from the body of a PUT, with all its faults.

use jiff::tz::TimeZone;
use serde_json::Value;
use url::Url;

use super::Division;
use crate::account::parse::NAME_CHARS;
use crate::input::{FieldError, Fields, id_fault};
use crate::text::clean_id;
use crate::{DivisionId, host};

/// Most senders that a division may list.
pub const SENDERS: usize = 50;

/// Most servers that a division may list.
pub const LINK_HOSTS: usize = 50;

/// Most characters of an address of a page or a picture.
pub const URL_CHARS: usize = 1_000;

/// Most characters of the name of a time zone; the longest that IANA has is 32.
const ZONE_CHARS: usize = 64;

impl Division {
    /// Reads the division named `id`, with warnings of what was cleaned. The body may leave out `division`, and may not
    /// name another.
    pub fn parse(id: &str, value: &Value) -> Result<(Self, Vec<FieldError>), Vec<FieldError>> {
        let mut fields = Fields::of(value, "").map_err(|fault| vec![fault])?;
        let division = Self {
            division: identity(&mut fields, id),
            name: fields.required_cleaned("name", NAME_CHARS),
            email: fields.required_address("email").map(String::from).unwrap_or_default(),
            time_zone: time_zone(&mut fields),
            portal_url: portal_url(&mut fields),
            logo_url: logo_url(&mut fields),
            senders: senders(&mut fields),
            reply_to: fields.optional_address("replyTo").map(String::from),
            link_hosts: link_hosts(&mut fields),
        };
        let mut warnings = Vec::new();
        let faults = fields.finish_into(&mut warnings);
        if faults.is_empty() { Ok((division, warnings)) } else { Err(faults) }
    }
}

/// The id, which is a part of keys, separated by `#` from other parts.
fn identity(fields: &mut Fields<'_>, id: &str) -> DivisionId {
    let id = clean_id(id).text;
    let separates = || id.contains('#').then(|| "must not contain #".to_owned());
    if let Some(fault) = id_fault(&id).or_else(separates) {
        fields.fault("division", fault);
    }
    let named = |value: &Value| value.as_str().is_some_and(|in_body| clean_id(in_body).text == id);
    if fields.optional("division").is_some_and(|in_body| !named(in_body)) {
        fields.fault("division", "must be the division that the path names");
    }
    DivisionId::new(id)
}

fn senders(fields: &mut Fields<'_>) -> Vec<String> {
    let mut senders = Vec::new();
    for (index, value) in fields.optional_list("senders", SENDERS).iter().enumerate() {
        let field = format!("senders[{index}]");
        match value.as_str() {
            Some(text) => senders.extend(fields.address(&field, text).map(String::from)),
            None => fields.fault(&field, "must be a string"),
        }
    }
    senders.sort_unstable();
    senders.dedup();
    senders
}

fn link_hosts(fields: &mut Fields<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for (index, value) in fields.optional_list("linkHosts", LINK_HOSTS).iter().enumerate() {
        match value.as_str().map(host::normalise) {
            Some(Some(host)) => hosts.push(host),
            _ => fields.fault(
                &format!("linkHosts[{index}]"),
                "must be the name of a server, such as help.example.com, without https://, path or port",
            ),
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

fn time_zone(fields: &mut Fields<'_>) -> String {
    let name = fields.required_text("timeZone", ZONE_CHARS);
    // jiff accepts a name in any case, and other programs may not, so the name is stored as IANA writes it.
    match TimeZone::get(&name) {
        _ if name.is_empty() => name,
        Ok(zone) => zone.iana_name().unwrap_or(&name).to_owned(),
        Err(_) => {
            fields.fault("timeZone", "must be the name of an IANA time zone, such as America/New_York");
            name
        }
    }
}

fn portal_url(fields: &mut Fields<'_>) -> String {
    let text = fields.required_text("portalUrl", URL_CHARS);
    https(fields, "portalUrl", Some(text)).unwrap_or_default()
}

fn logo_url(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.optional_text("logoUrl", URL_CHARS);
    https(fields, "logoUrl", text)
}

/// The address of a page, as [`Url`] writes it: ASCII, without space or quotes.
fn https(fields: &mut Fields<'_>, field: &'static str, text: Option<String>) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => Some(url.into()),
        _ => {
            fields.fault(field, "must be an https address without a user name, such as https://portal.example.com");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::ID_CHARS;

    fn valid() -> Value {
        json!({
            "division": "DSL", "name": "DSL customers", "email": "Success+DSL@simulator.amazonses.com",
            "timeZone": "america/new_york", "portalUrl": "https://portal.example.com/dsl", "logoUrl": "",
        })
    }

    fn parsed(body: &Value) -> Division {
        Division::parse("DSL", body).expect("it is valid").0
    }

    fn fields_at_fault(id: &str, body: &Value) -> Vec<String> {
        Division::parse(id, body).expect_err("it has faults").into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_division_is_normalised() {
        let division = parsed(&valid());
        assert_eq!(division.email, "success+dsl@simulator.amazonses.com");
        assert_eq!(division.time_zone, "America/New_York");
        assert_eq!(division.portal_url, "https://portal.example.com/dsl");
        assert_eq!((division.logo_url, division.reply_to, division.senders), (None, None, vec![]));
    }

    #[test]
    fn senders_are_listed_once_and_the_body_may_leave_out_the_division() {
        let mut body = valid();
        body.as_object_mut().expect("it is an object").remove("division");
        body["senders"] = json!(["B@example.com", "a@example.com", "b@example.com "]);
        body["replyTo"] = json!("help@example.com");
        let division = parsed(&body);
        assert_eq!(division.senders, ["a@example.com", "b@example.com"]);
        assert_eq!(division.contact_address(), "help@example.com");
    }

    #[test]
    fn hosts_are_listed_once_as_they_are_looked_up_and_are_names() {
        let mut body = valid();
        body["linkHosts"] = json!(["Help.Example.COM", "b\u{fc}cher.example", "help.example.com"]);
        let division = parsed(&body);
        assert_eq!(division.link_hosts, ["help.example.com", "xn--bcher-kva.example"]);
        body["linkHosts"] = json!(["https://a.example", "a.example", "localhost", 7, "*.example.com", "192.0.2.1", ""]);
        let expected = ["linkHosts[0]", "linkHosts[2]", "linkHosts[3]", "linkHosts[4]", "linkHosts[5]", "linkHosts[6]"];
        assert_eq!(fields_at_fault("DSL", &body), expected);
        for refused in [json!("a.example"), json!(vec!["a.example"; LINK_HOSTS + 1])] {
            body["linkHosts"] = refused;
            assert_eq!(fields_at_fault("DSL", &body), ["linkHosts"]);
        }
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let body = json!({
            "division": "PHONE", "name": "\r\n", "email": "x", "timeZone": "Mars/Olympus", "portalUrl": "http://example.com",
            "logoUrl": "javascript:alert(1)", "senders": ["a@example.com", 7, "b"], "replyTo": "a@exam\0ple.com", "x": 1,
        });
        let expected = [
            "division",
            "name",
            "email",
            "timeZone",
            "portalUrl",
            "logoUrl",
            "senders[1]",
            "senders[2]",
            "replyTo",
            "x",
        ];
        assert_eq!(fields_at_fault("DSL", &body), expected);
    }

    #[test]
    fn an_id_separates_from_what_stands_beside_it_in_keys() {
        let mut body = valid();
        body.as_object_mut().expect("it is an object").remove("division");
        for id in ["", " ", "A#1", "A\0", ".", "..", &"A".repeat(ID_CHARS + 1)] {
            assert_eq!(fields_at_fault(id, &body), ["division"], "{id:?}");
        }
        for id in ["A", "North & South", "Zürich/1", "a\\b", "...", "FZ?X", &"A".repeat(ID_CHARS)] {
            assert!(Division::parse(id, &body).is_ok(), "{id:?}");
        }
    }

    #[test]
    fn name_id_and_addresses_are_cleaned_and_what_was_done_is_told() {
        let mut body = valid();
        body["division"] = json!("A\u{a0}1 ");
        body["name"] = json!("Joe\u{92}s\tHauling");
        body["email"] = json!("\u{feff}a@example.com");
        body["senders"] = json!(["Ann <a@example.com>"]);
        let (division, warnings) = Division::parse(" A  1", &body).expect("it is valid");
        assert_eq!((division.division.as_str(), division.name.as_str()), ("A 1", "Joe’s Hauling"));
        assert_eq!(
            (division.email.as_str(), &division.senders[..]),
            ("a@example.com", &["a@example.com".to_owned()][..])
        );
        let told: Vec<_> = warnings.iter().map(|warning| warning.field.as_str()).collect();
        assert_eq!(told, ["name", "email", "senders[0]"]);
    }

    #[test]
    fn a_page_has_an_https_address_without_credentials() {
        for refused in
            ["portal.example.com", "https://", "//example.com", "https://user:pw@example.com", "ftp://example.com"]
        {
            let mut body = valid();
            body["portalUrl"] = json!(refused);
            assert_eq!(fields_at_fault("DSL", &body), ["portalUrl"], "{refused}");
        }
        let mut body = valid();
        body["portalUrl"] = json!("https://Portal.Example.com/a b\"c");
        let division = parsed(&body);
        assert_eq!(division.portal_url, "https://portal.example.com/a%20b%22c");
    }
}
