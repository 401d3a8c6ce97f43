//! Campaigns for customers who ask for a new e-mail.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::InSeconds;

/// How long after the end of its day such a campaign stays open, so that a join at midnight is written by then.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Identifies one of a division's self-service campaigns: one for each day of the division's time zone, and, because
/// nobody is e-mailed twice in one campaign (guarantee 2), another for second and third requests of that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfService {
    /// The day.
    pub day: civil::Date,
    /// 1 for those who ask for the first time on that day.
    pub round: u32,
    /// The campaign doesn't end before this time although every row has an end state, because others may join.
    pub until: Timestamp,
}

impl SelfService {
    /// It for people.
    pub fn shown(self) -> Self {
        Self { until: self.until.in_seconds(), ..self }
    }

    /// The campaign for somebody who asks at `now`, and got e-mails by asking at these times before.
    pub fn of(asked: &[Timestamp], zone: &TimeZone, now: Timestamp) -> Self {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let today = day(now);
        let before = asked.iter().filter(|at| day(**at) == today).count();
        // Only the calendar's last day has no end.
        let end = now.to_zoned(zone.clone()).end_of_day().map_or(now, |end| end.timestamp());
        let round = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        Self { day: today, round, until: end + SLACK }
    }

    /// Whether somebody may still join at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_day_is_the_divisions_and_each_time_that_somebody_asks_is_a_round() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let late = at("2026-11-23T04:30:00Z");
        let first = SelfService::of(&[], &zone, late);
        assert_eq!((first.day.to_string().as_str(), first.round), ("2026-11-22", 1));
        assert_eq!(first.until.to_string(), "2026-11-23T05:04:59.999999999Z");
        assert!(first.is_open(late) && !first.is_open(at("2026-11-23T05:05:00Z")));
        let second = SelfService::of(&[late], &zone, at("2026-11-23T05:30:00Z"));
        assert_eq!((second.day.to_string().as_str(), second.round), ("2026-11-23", 1), "another day");
        let third = SelfService::of(&[late, at("2026-11-23T05:30:00Z")], &zone, at("2026-11-23T20:00:00Z"));
        assert_eq!((third.day, third.round), (second.day, 2));
    }

    #[test]
    fn a_day_ends_when_it_does_also_when_the_clocks_change() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let until = |now| SelfService::of(&[], &zone, at(now)).until.strftime("%FT%H:%M").to_string();
        assert_eq!(until("2026-11-01T05:00:00Z"), "2026-11-02T05:04", "25 hours");
        assert_eq!(until("2026-03-08T06:00:00Z"), "2026-03-09T04:04", "23 hours");
    }
}
