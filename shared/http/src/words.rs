//! Files for people: the words of the operator's page in place of the API's names, and times on the division's clock.
//!
//! A caller asks for them with `columns=words`. Without it a file has the API's columns, for programs.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portal_domain::feedback::Standing;
use portal_domain::input::Fields;
use portal_domain::{Outcome, PortalStatus};

/// Words for the reasons why somebody got no e-mail or is undeliverable, as in the page's `words.js`.
const REASONS: [(&str, &str); 21] = [
    ("accepted", "Has accepted an invitation before"),
    ("noLongerSelected", "No account meets the filter"),
    ("recentlyInvited", "Invited in the last 24 hours"),
    ("undeliverable", "Undeliverable: mail bounced, or its owner complained"),
    ("bounced", "Mail to this address bounced"),
    ("complained", "The owner of this address complained"),
    ("empty", "No e-mail address"),
    ("malformed", "Not an e-mail address"),
    ("erased", "Erased on request"),
    ("nonAsciiLocalPart", "Letters before the @ that mail can not carry"),
    ("deadLettered", "Failed five times on our side"),
    ("notRenderable", "The e-mail could not be made from its template"),
    ("cancelled", "The campaign was cancelled"),
    ("neverRecorded", "Whoever was sending it broke off"),
    ("withdrawn", "The invitation was withdrawn after the campaign began"),
    ("noConnection", "SES could not be reached"),
    ("timeout", "SES did not answer in time"),
    ("connectionLost", "The connection to SES broke before its answer"),
    ("serverError", "SES answered with a fault of its own"),
    ("settled", "Somebody decided that it was not sent"),
    ("rejected", "SES took the e-mail and then did not send it"),
];

/// Whether a caller asks for a file for people.
pub fn asked_for(fields: &mut Fields<'_>) -> bool {
    fields.optional_choice("columns", "words", |name| (name == "words").then_some(())).is_some()
}

/// The clock of a file: a division's.
#[derive(Clone, Debug)]
pub struct Clock {
    name: String,
    zone: TimeZone,
}

impl Clock {
    /// The clock of the time zone with this name.
    pub fn new(name: &str, zone: TimeZone) -> Self {
        Self { name: name.to_owned(), zone }
    }

    /// The name of a column of times, with the clock's: `Expires (America/New_York)`.
    pub fn column(&self, label: &str) -> String {
        format!("{label} ({})", self.name)
    }

    /// A time to the minute, in a form that spreadsheets in any language read: `2026-11-27 09:30`. Empty for `None`.
    pub fn time(&self, at: Option<Timestamp>) -> String {
        let local = at.map(|at| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string());
        local.unwrap_or_default()
    }
}

/// A portal status.
pub fn status(status: PortalStatus) -> &'static str {
    match status {
        PortalStatus::NotSent => "Not sent",
        PortalStatus::Pending => "Pending",
        PortalStatus::Accepted => "Accepted",
    }
}

/// An outcome.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sent => "Sent",
        Outcome::Claimed => "Being sent",
        Outcome::Queued => "Waiting",
        Outcome::Skipped => "Skipped",
        Outcome::Unconfirmed => "Unconfirmed",
        Outcome::Failed => "Failed",
        Outcome::Unknown => "unknown",
    }
}

/// A standing.
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Delivered => "Delivered",
        Standing::Delayed => "Delayed",
        Standing::SoftBounced => "Came back for now",
        Standing::Bounced => "Bounced",
        Standing::Complained => "Complained",
        Standing::Rejected => "Rejected",
        Standing::Unknown => "unknown",
    }
}

/// Why somebody is undeliverable; an unknown name is returned as it is.
pub fn undeliverable(name: &str) -> &str {
    match name.parse() {
        Ok(known) => standing(known),
        Err(_) => name,
    }
}

/// Why there was no e-mail; an unknown name is returned as it is.
pub fn reason(name: &str) -> &str {
    REASONS.iter().find(|(known, _)| *known == name).map_or(name, |(_, words)| words)
}

/// Why somebody got no e-mail, or its standing with SES's code for the cause.
pub fn became<'a>(why: Option<&'a str>, said: Option<Standing>, detail: Option<&str>) -> Cow<'a, str> {
    match (why, said, detail) {
        (Some(why), _, _) => reason(why).into(),
        (None, Some(said), Some(detail)) => format!("{} ({detail})", standing(said)).into(),
        (None, Some(said), None) => standing(said).into(),
        (None, None, _) => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portal_domain::Reason;
    use portal_domain::campaign::StateReason;
    use portal_domain::email::Unusable;
    use portal_domain::recipient::ERASED;
    use portal_domain::schedule::{Failure, Miss, OffReason, Skip};
    use strum::VariantArray;

    use super::*;

    /// What operators read when something goes wrong.
    const RUNBOOK: &str = include_str!("../../../docs/operating.md");

    /// The words of the operator's page.
    const PAGE: &str = include_str!("../../../functions/console/page/shared/words.js");

    #[test]
    fn the_words_are_those_of_the_page() {
        let statuses = PortalStatus::VARIANTS.iter().map(|one| format!("{one}: '{}'", status(*one)));
        // The page shows names that it has no words for as they are.
        let outcomes = Outcome::VARIANTS.iter().filter(|one| **one != Outcome::Unknown);
        let outcomes = outcomes.map(|one| format!("{}: '{}'", <&str>::from(one), outcome(*one)));
        let standings = Standing::VARIANTS.iter().filter(|one| **one != Standing::Unknown);
        let standings = standings.map(|one| format!("{}: ['{}'", <&str>::from(one), standing(*one)));
        let reasons = REASONS.iter().map(|(name, words)| format!("{name}: '{words}'"));
        for written in statuses.chain(outcomes).chain(standings).chain(reasons) {
            assert!(PAGE.contains(&written), "words.js does not have {written}");
        }
        let (_, reasons) = PAGE.split_once("const REASONS = {").expect("the page has reasons");
        let (reasons, _) = reasons.split_once("};").expect("the end of them");
        assert_eq!(reasons.matches(": '").count(), REASONS.len());
    }

    /// Every name in these, as the docs write them.
    fn names<T: VariantArray + Copy + Into<&'static str>>() -> impl Iterator<Item = &'static str> {
        T::VARIANTS.iter().map(|reason| (*reason).into())
    }

    #[test]
    fn every_reason_for_no_e_mail_has_words() {
        let undeliverable = [Standing::Bounced.into(), Standing::Complained.into(), ERASED];
        let all: BTreeSet<_> = names::<Reason>().chain(names::<Unusable>()).chain(undeliverable).collect();
        assert_eq!(REASONS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), all);
    }

    #[test]
    fn the_page_says_what_to_do_for_every_reason_to_stop() {
        let (_, stops) = PAGE.split_once("const STOPS_IN_FULL = {").expect("the page has reasons to stop");
        let (stops, _) = stops.split_once("};").expect("the end of them");
        for name in names::<StateReason>() {
            assert!(stops.contains(&format!("  {name}: '")), "words.js lacks {name}");
        }
    }

    #[test]
    fn the_runbook_names_every_reason_for_no_e_mail_to_stop_and_to_start_nothing() {
        let of_schedules = names::<OffReason>().chain(names::<Miss>()).chain(names::<Skip>()).chain(names::<Failure>());
        for name in names::<Reason>().chain(names::<StateReason>()).chain(of_schedules) {
            assert!(RUNBOOK.contains(&format!("`{name}`")), "operating.md lacks {name}");
        }
    }

    #[test]
    fn a_time_is_that_of_the_divisions_clock() {
        let clock = Clock::new("America/New_York", TimeZone::get("America/New_York").expect("known"));
        assert_eq!(clock.column("Expires"), "Expires (America/New_York)");
        assert_eq!(clock.time("2026-11-27T04:59:30Z".parse().ok()), "2026-11-26 23:59");
        assert_eq!(clock.time(None), "");
    }

    #[test]
    fn what_became_of_somebody_is_why_not_or_what_ses_said() {
        assert_eq!(became(Some("cancelled"), Some(Standing::Delivered), None), "The campaign was cancelled");
        assert_eq!(became(Some("Throttling"), None, None), "Throttling");
        assert_eq!(became(None, Some(Standing::Bounced), Some("Permanent/NoEmail")), "Bounced (Permanent/NoEmail)");
        assert_eq!(became(None, None, None), "");
        assert_eq!((undeliverable("bounced"), undeliverable("new")), ("Bounced", "new"));
    }
}
