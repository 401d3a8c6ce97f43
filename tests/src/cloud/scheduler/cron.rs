//! Cron expressions of EventBridge Scheduler
//! (docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html), read and matched on their own: nothing here
//! comes from the domain, whose reading of them is tested against this one.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::civil::{Date, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The years that an expression may name.
const YEARS: RangeInclusive<i16> = 1970..=2199;

/// A cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Vec<Days>,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Some days of a month. Days of the week count from 1, Sunday.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i16>),
    LastOfMonth,
    /// The weekday (Monday to Friday) nearest to a day, in the same month.
    WeekdayNear(i16),
    LastWeekday,
    OfWeek(BTreeSet<i16>),
    /// `3#2`: the second Tuesday.
    NthOfWeek(i16, i16),
    /// `3L`: the last Tuesday.
    LastOfWeek(i16),
}

impl Cron {
    /// Reads the six fields between the brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields[..] else { return None };
        let days = match (days, weekdays) {
            ("?", "?") => return None,
            // Days of the week have no steps, and `#` stands alone.
            ("?", weekdays) if weekdays.contains('/') || weekdays.contains('#') && weekdays.contains(',') => {
                return None;
            }
            ("?", weekdays) => weekdays.split(',').map(days_of_week).collect::<Option<_>>()?,
            (days, "?") => days.split(',').map(days_of_month).collect::<Option<_>>()?,
            _ => return None,
        };
        Some(Self {
            minutes: values(minutes, 0..=59, &[])?,
            hours: values(hours, 0..=23, &[])?,
            days,
            months: values(months, 1..=12, &MONTHS)?,
            years: values(years, YEARS, &[])?,
        })
    }

    /// The first time at or after `from`. A local time that a change of the clocks leaves out is skipped, and of one
    /// that comes twice the first counts.
    pub(super) fn next(&self, from: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let first = zone.to_datetime(from).date();
        let dates = first.series(1.day()).take_while(|date| date.year() <= *YEARS.end());
        let mut times = dates.filter(|date| self.has(*date)).flat_map(|date| self.times(date, zone));
        times.find(|time| *time >= from)
    }

    fn has(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && self.days.iter().any(|days| days.have(date))
    }

    fn times(&self, date: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let clock =
            self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour as i8, *minute as i8)));
        clock.filter_map(move |(hour, minute)| {
            let time = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
            match time.offset() {
                AmbiguousOffset::Gap { .. } => None,
                AmbiguousOffset::Fold { .. } | AmbiguousOffset::Unambiguous { .. } => time.compatible().ok(),
            }
        })
    }
}

impl Days {
    fn have(&self, date: Date) -> bool {
        let (day, last) = (i16::from(date.day()), i16::from(date.days_in_month()));
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => day == last,
            Self::WeekdayNear(near) => nearest_weekday(date, *near) == Some(date),
            Self::LastWeekday => {
                let weekdays = (1..=date.days_in_month()).rev().filter_map(|day| with_day(date, i16::from(day)));
                weekdays.filter(|date| is_weekday(*date)).max() == Some(date)
            }
            Self::OfWeek(weekdays) => weekdays.contains(&weekday),
            Self::NthOfWeek(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
            Self::LastOfWeek(wanted) => weekday == *wanted && day + 7 > last,
        }
    }
}

fn is_weekday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn with_day(date: Date, day: i16) -> Option<Date> {
    Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok()
}

fn nearest_weekday(month: Date, day: i16) -> Option<Date> {
    with_day(month, day)?;
    [0, -1, 1, -2, 2].iter().filter_map(|step| with_day(month, day + step)).find(|date| is_weekday(*date))
}

fn days_of_month(part: &str) -> Option<Days> {
    match (part, part.strip_suffix('W')) {
        ("L", _) => Some(Days::LastOfMonth),
        ("LW", _) => Some(Days::LastWeekday),
        (_, Some(near)) => value(near, &(1..=31), &[]).map(Days::WeekdayNear),
        _ => values(part, 1..=31, &[]).map(Days::OfMonth),
    }
}

fn days_of_week(part: &str) -> Option<Days> {
    let week = 1..=7;
    if let Some((weekday, nth)) = part.split_once('#') {
        return Some(Days::NthOfWeek(value(weekday, &week, &WEEKDAYS)?, value(nth, &(1..=5), &[])?));
    }
    match part.strip_suffix('L') {
        Some("") => Some(Days::OfWeek([7].into())),
        Some(weekday) => value(weekday, &week, &WEEKDAYS).map(Days::LastOfWeek),
        None => values(part, week, &WEEKDAYS).map(Days::OfWeek),
    }
}

/// The values of a field: `*`, `a`, `a-b`, each with `/step`, and lists of them.
fn values(field: &str, all: RangeInclusive<i16>, names: &[&str]) -> Option<BTreeSet<i16>> {
    let mut values = BTreeSet::new();
    for part in field.split(',') {
        let (base, step) = match part.split_once('/') {
            Some((base, step)) => (base, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match base.split_once('-') {
            _ if base == "*" => (*all.start(), *all.end()),
            Some((first, last)) => (value(first, &all, names)?, value(last, &all, names)?),
            None => {
                let first = value(base, &all, names)?;
                (first, if step.is_some() { *all.end() } else { first })
            }
        };
        if first > last {
            return None;
        }
        values.extend((first..=last).step_by(step.unwrap_or(1)));
    }
    Some(values)
}

fn value(text: &str, all: &RangeInclusive<i16>, names: &[&str]) -> Option<i16> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some(index) => *all.start() + index as i16,
        None => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??,
    };
    all.contains(&value).then_some(value)
}

#[cfg(test)]
mod tests;
