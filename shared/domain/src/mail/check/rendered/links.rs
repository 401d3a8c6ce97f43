//! Links: what they show and where they lead.

use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::super::address::{self, Address, is_unseen};
use super::ADDRESSES;
use super::cases::{mark_of, path_of};
use crate::host;

/// Most addresses examined in one link; a link that shows more is refused with the first that is not its own.
const MOST: usize = 20;

/// A link, with marks for values.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Where it leads.
    pub target: String,
    /// Everything that may be shown of it: its text, and the descriptions of its pictures.
    pub shown: String,
    /// The text that everybody sees.
    pub seen: String,
    /// There is a picture in it that everybody sees.
    pub has_picture: bool,
    /// It is closed properly, so that its content is what it seems to be.
    pub is_whole: bool,
}

impl Link {
    /// Whether this is an activation link that everybody can see.
    pub fn shows_activation(&self) -> bool {
        let is_read = |c: char| path_of(c).is_some() || c.is_alphanumeric() && !is_unseen(c);
        let is_seen = self.has_picture || self.seen.contains(is_read);
        self.is_whole && is_seen && is_value(&self.target, "activationLink")
    }

    /// The fault if it shows one address and leads to another.
    pub fn lie(&self) -> Option<String> {
        let is_own = |path: &str| {
            let target =
                if path == "division.contactAddress" { self.target.strip_prefix("mailto:")? } else { &self.target };
            is_value(target, path).then_some(())
        };
        let foreign =
            self.shown.chars().filter_map(path_of).find(|path| ADDRESSES.contains(path) && is_own(path).is_none());
        let shown = foreign.map(str::to_owned).or_else(|| {
            let shown = address::find(&self.shown, MOST).into_iter().find(|address| !leads_to(&self.target, address));
            shown.map(|Address { host, rest, .. }| shortened(&(host + &rest)))
        })?;
        let target = self.target.chars().find_map(path_of).map_or_else(|| shortened(&self.target), str::to_owned);
        Some(format!("has a link that shows `{shown}` and leads to `{target}`: it must lead to what it shows"))
    }
}

fn is_value(text: &str, path: &str) -> bool {
    text.chars().eq([mark_of(path)])
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Whether a literal address leads to what is shown: to the same server, and if more than that is shown, to the same
/// page, regardless of spelling.
fn leads_to(target: &str, shown: &Address) -> bool {
    let Ok(url) = Url::parse(target) else { return false };
    if url.scheme() == "mailto" {
        let address = decoded(url.path()).to_lowercase();
        return shown.user.as_ref().is_some_and(|user| address == format!("{}@{}", user.to_lowercase(), shown.host));
    }
    if url.host_str() != Some(shown.host.as_str()) || shown.user.is_some() {
        return false;
    }
    let rest = shown.rest.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match rest.trim_end_matches('/') {
        "" => true,
        rest if rest.strip_prefix(':').is_some_and(is_port) => {
            url.port().is_some_and(|port| rest == format!(":{port}"))
        }
        _ => Url::parse(&format!("{}://{}{rest}", url.scheme(), shown.host)).is_ok_and(|page| {
            let of = |url: &Url| url[Position::BeforePort..].trim_end_matches('/').to_owned();
            of(&page) == of(&url)
        }),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The servers that a literal target names.
pub(super) fn hosts(target: &str) -> Vec<String> {
    if target.chars().any(|c| path_of(c).is_some()) {
        return Vec::new();
    }
    match target.split_once(':') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("mailto") => address::hosts(&decoded(target)),
        _ => host::of_url(target).into_iter().collect(),
    }
}

/// Whether this is the one attribute in which a secret may stand.
pub(super) fn may_be_target(element: &str, attribute: &str, value: &str) -> bool {
    element == "a" && attribute == "href" && is_value(value, "activationLink")
}
