//! Cron expressions as EventBridge Scheduler has them: minutes, hours, day of month, month, day of week, year.
//!
//! croner evaluates them on a clock without changes, and [`jiff`] turns local times into instants, so that clock
//! changes are handled here and not in the parser. As in EventBridge Scheduler (its user guide, "Daylight savings
//! time"), an occurrence at a skipped local time is skipped, and one at a repeated time runs once.

use std::ops::RangeInclusive;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Longest expression, in characters: EventBridge Scheduler takes 256 with `cron()` around it.
const MOST_CHARS: usize = 240;

/// Most occurrences tried until one exists in the time zone; no zone skips so many in a row.
const MOST_TRIES: usize = 10_000;

/// The years that EventBridge Scheduler has.
const YEARS: RangeInclusive<u32> = 1970..=2199;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Why an expression can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CronFault {
    #[error("must have six fields: minutes hours day-of-month month day-of-week year")]
    Fields,
    #[error("must have ? as day of month or as day of week, and only as one of them")]
    Days,
    #[error("is not a cron expression: {0}")]
    Malformed(String),
}

/// Reads an expression, with or without `cron()` around it; returns its six fields, separated by one space, and the
/// parsed form.
pub(super) fn parse(text: &str) -> Result<(String, Cron), CronFault> {
    let inner = text.trim().strip_prefix("cron(").and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let fields: Vec<_> = inner.split_whitespace().collect();
    let [_, _, day_of_month, _, day_of_week, _] = fields[..] else { return Err(CronFault::Fields) };
    if (day_of_month == "?") == (day_of_week == "?") {
        return Err(CronFault::Days);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "*?,-/#".contains(c);
    if inner.len() > MOST_CHARS || !fields.iter().all(|field| field.chars().all(plain)) {
        return Err(CronFault::Malformed("a field has characters that it can't have".to_owned()));
    }
    let expression = fields.join(" ").to_ascii_uppercase();
    if let Some(field) =
        expression.split(' ').enumerate().find_map(|(at, field)| (!is_known(at, field)).then_some(field))
    {
        return Err(CronFault::Malformed(format!("{field} can't stand there")));
    }
    // Weekdays are 1-7 from Sunday on, and 5/10 is from 5 on every 10, as in EventBridge Scheduler.
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required);
    let parser = parser.alternative_weekdays(true).sloppy_ranges(true).build();
    let cron = parser
        .parse(&format!("0 {}", as_croner_has_it(&expression)))
        .map_err(|error| CronFault::Malformed(error.to_string()))?;
    Ok((expression, cron))
}

/// Whether EventBridge Scheduler accepts a field (in capitals; the first is 0). croner also accepts names anywhere,
/// empty parts, any year and several `#`.
fn is_known(at: usize, field: &str) -> bool {
    let (month, day_of_week, year) = (3, 4, 5);
    let days = at == 2 || at == day_of_week;
    let names = |part: &str| {
        let names: &[&str] = match at {
            at if at == month => &MONTHS,
            at if at == day_of_week => &WEEKDAYS,
            _ => &[],
        };
        names.contains(&part)
    };
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (at != year || part.parse().is_ok_and(|year| YEARS.contains(&year)))
    };
    // L, LW, 15W, 6L, FRIL.
    let day = |part: &str| {
        let last = part.strip_suffix('L').is_some_and(|day| number(day) || names(day));
        days && (part == "L" || part == "LW" || last || part.strip_suffix('W').is_some_and(number))
    };
    let value = |part: &str| part == "*" || number(part) || names(part) || day(part);
    if field == "?" {
        return days;
    }
    if let Some((weekday, which)) = field.split_once('#') {
        return at == day_of_week && (number(weekday) || names(weekday)) && number(which);
    }
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let ends = range.split_once('-').map_or((range, None), |(first, last)| (first, Some(last)));
        let plain = |end: &str| number(end) || names(end);
        let known = match ends {
            (first, Some(last)) => plain(first) && plain(last),
            (only, None) => value(only),
        };
        let digits = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        known && step.is_none_or(|step| at != day_of_week && digits(step))
    })
}

/// The same expression for croner: the last day of a week is Saturday, and years count from the first possible one.
fn as_croner_has_it(expression: &str) -> String {
    let fields = expression.split(' ').enumerate().map(|(at, field)| match (at, field) {
        (4, "L") => "7".to_owned(),
        (5, field) => field.replace("*/", &format!("{}/", YEARS.start())),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join(" ")
}

/// The occurrences after `now`, and not before `from`, in this time zone.
pub(super) fn after(
    cron: Cron,
    now: Timestamp,
    from: Option<DateTime>,
    zone: &TimeZone,
) -> impl Iterator<Item = (DateTime, Timestamp)> {
    let local = now.to_zoned(zone.clone()).datetime();
    let mut next = unchanging(from.map_or(local, |from| from.max(local)));
    let mut inclusive = true;
    let local_times = std::iter::from_fn(move || {
        let found = cron.find_next_occurrence(next.as_ref()?, inclusive).ok()?;
        inclusive = false;
        next = Some(found.clone());
        Some(found.datetime())
    });
    let times = local_times.take(MOST_TRIES).filter_map(|local| Some((local, occurrence(local, zone)?)));
    times.filter(move |(_, at)| *at > now)
}

/// A local time as one of a clock that never changes.
fn unchanging(local: DateTime) -> Option<Zoned> {
    local.to_zoned(TimeZone::UTC).ok()
}

/// The instant of a local time: none if the clocks skip it, the first if it is repeated.
fn occurrence(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(expression: &str, now: &str, zone: &str, count: usize) -> Vec<String> {
        let (_, cron) = parse(expression).expect(expression);
        let zone = TimeZone::get(zone).expect("known");
        let now = now.parse().expect("a time");
        after(cron, now, None, &zone).take(count).map(|(_, at)| at.to_string()).collect()
    }

    #[test]
    fn the_examples_of_eventbridge_schedulers_guide() {
        let table = [
            ("0 10 * * ? *", ["2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"]),
            ("15 12 * * ? *", ["2026-11-23T12:15:00Z", "2026-11-24T12:15:00Z", "2026-11-25T12:15:00Z"]),
            ("0 18 ? * MON-FRI *", ["2026-11-23T18:00:00Z", "2026-11-24T18:00:00Z", "2026-11-25T18:00:00Z"]),
            ("0 8 1 * ? *", ["2026-12-01T08:00:00Z", "2027-01-01T08:00:00Z", "2027-02-01T08:00:00Z"]),
            ("0/15 * * * ? *", ["2026-11-23T09:45:00Z", "2026-11-23T10:00:00Z", "2026-11-23T10:15:00Z"]),
            ("0/5 8-17 ? * MON-FRI *", ["2026-11-23T09:35:00Z", "2026-11-23T09:40:00Z", "2026-11-23T09:45:00Z"]),
            ("15 10 ? * 6L 2026-2027", ["2026-11-27T10:15:00Z", "2026-12-25T10:15:00Z", "2027-01-29T10:15:00Z"]),
            ("0 9 ? * 2#1 *", ["2026-12-07T09:00:00Z", "2027-01-04T09:00:00Z", "2027-02-01T09:00:00Z"]),
            ("0 9 L * ? *", ["2026-11-30T09:00:00Z", "2026-12-31T09:00:00Z", "2027-01-31T09:00:00Z"]),
            ("0 9 15W * ? *", ["2026-12-15T09:00:00Z", "2027-01-15T09:00:00Z", "2027-02-15T09:00:00Z"]),
            ("0 9 ? * 1 *", ["2026-11-29T09:00:00Z", "2026-12-06T09:00:00Z", "2026-12-13T09:00:00Z"]),
            ("0 9 ? * L *", ["2026-11-28T09:00:00Z", "2026-12-05T09:00:00Z", "2026-12-12T09:00:00Z"]),
            ("0 9 ? * FRIL *", ["2026-11-27T09:00:00Z", "2026-12-25T09:00:00Z", "2027-01-29T09:00:00Z"]),
            ("0 9 1 JAN,JUL ? *", ["2027-01-01T09:00:00Z", "2027-07-01T09:00:00Z", "2028-01-01T09:00:00Z"]),
            ("0 9 1 1 ? */2", ["2028-01-01T09:00:00Z", "2030-01-01T09:00:00Z", "2032-01-01T09:00:00Z"]),
            ("0 9 29 2 ? *", ["2028-02-29T09:00:00Z", "2032-02-29T09:00:00Z", "2036-02-29T09:00:00Z"]),
        ];
        for (expression, expected) in table {
            assert_eq!(runs(expression, "2026-11-23T09:30:00Z", "UTC", 3), expected, "{expression}");
        }
    }

    #[test]
    fn an_occurrence_is_skipped_in_a_skipped_hour_and_runs_once_in_a_repeated_one() {
        let spring = runs("30 2 * * ? *", "2026-03-07T05:00:00Z", "America/New_York", 3);
        assert_eq!(spring, ["2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"]);
        let autumn = runs("30 1 * * ? *", "2026-10-31T04:00:00Z", "America/New_York", 3);
        assert_eq!(autumn, ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
        // From between the first 01:30 and the second, and from after the second.
        for now in ["2026-11-01T05:45:00Z", "2026-11-01T06:45:00Z"] {
            assert_eq!(runs("30 1 * * ? *", now, "America/New_York", 1), ["2026-11-02T06:30:00Z"], "{now}");
        }
        // Half an hour is what Lord Howe Island's clocks change by.
        let half = runs("15 2 * * ? *", "2026-10-03T00:00:00Z", "Australia/Lord_Howe", 2);
        assert_eq!(half, ["2026-10-04T15:15:00Z", "2026-10-05T15:15:00Z"], "02:15 on the 4th is left out");
    }

    #[test]
    fn a_time_is_local_whatever_the_season() {
        let mondays = runs("0 9 ? * MON *", "2026-10-26T12:00:00Z", "America/New_York", 3);
        assert_eq!(mondays, ["2026-10-26T13:00:00Z", "2026-11-02T14:00:00Z", "2026-11-09T14:00:00Z"]);
    }

    #[test]
    fn only_the_dialect_of_eventbridge_scheduler_is_read() {
        for wrong in [
            "",
            "0 9 * * 1",
            "0 0 9 ? * MON *",
            "0 9 * * * *",
            "0 9 ? * ? *",
            "@daily",
            "60 9 * * ? *",
            "0 24 * * ? *",
            "0 9 ? * MON *)",
            "0 9 ? * FOO *",
            "0 9 0 * ? *",
            "0 9 32 * ? *",
            "0 9 ? 13 MON *",
            "? 9 * * ? *",
            "0 9 1 * ? +*",
            "0 9 ? * 8 *",
            "0 9 ? * +MON *",
            "0 9 ? * 0 *",
            "0 9 MON * ? *",
            "0 TUE * * ? *",
            "0 9 1 MON ? *",
            "0 9 ? * JAN *",
            "0 9 1 1 ? 2500",
            "0 9 1 1 ? 1969",
            "0 9 ? * 3#1,6#3 *",
            "0 9 ? * MON-FRI#2 *",
            "0 9 ? * 2/2 *",
            "0 9 ?/2 * ? *",
            "0 9 1,,15 * ? *",
            "0 9 1, * ? *",
            "5- 9 * * ? *",
            "0/ 9 * * ? *",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let (expression, _) = parse(" cron(0  9 ? * mon *)").expect("with a space too many");
        assert_eq!(expression, "0 9 ? * MON *");
    }

    #[test]
    fn what_never_comes_has_no_occurrences() {
        assert!(runs("0 9 31 2 ? *", "2026-11-23T09:30:00Z", "UTC", 1).is_empty());
        assert!(runs("0 9 1 1 ? 2020", "2026-11-23T09:30:00Z", "UTC", 1).is_empty());
    }
}
