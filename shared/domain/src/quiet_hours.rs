//! Quiet hours: a campaign that keeps them sends only in a window of the day, on chosen weekdays.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::{FieldError, Fields};

/// The weekdays by name, as the API has them.
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// The most days until the next window: a week, and one day that a time zone may skip.
const DAYS_AHEAD: i32 = 8;

/// A weekday, in the order of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
struct Day(u8);

impl Day {
    fn parse(name: &str) -> Option<Self> {
        let index = WEEKDAYS.iter().position(|(known, _)| *known == name)?;
        u8::try_from(index).ok().map(Self)
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("{name} is no weekday"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        WEEKDAYS[usize::from(day.0)].0.to_owned()
    }
}

/// When a campaign may send: between two local times, on these weekdays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    /// The first local time at which it sends.
    #[serde(with = "minutes")]
    #[schemars(with = "String")]
    send_from: Time,
    /// The local time at which quiet hours begin; after `send_from`.
    #[serde(with = "minutes")]
    #[schemars(with = "String")]
    send_until: Time,
    /// The days on which it sends; never empty.
    weekdays: BTreeSet<Day>,
}

impl QuietHours {
    /// Reads quiet hours. The defaults are 08:00, 20:00 and every day.
    pub fn from_json(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(value, path).map_err(|fault| vec![fault])?;
        let send_from = read_time(&mut fields, "sendFrom").unwrap_or(Time::constant(8, 0, 0, 0));
        let send_until = read_time(&mut fields, "sendUntil").unwrap_or(Time::constant(20, 0, 0, 0));
        if send_from >= send_until {
            fields.fault("sendUntil", "must be later than sendFrom, on the same day");
        }
        let weekdays = read_weekdays(&mut fields);
        let faults = fields.finish();
        if faults.is_empty() { Ok(Self { send_from, send_until, weekdays }) } else { Err(faults) }
    }

    /// Whether it may send at `at`.
    pub fn allows(&self, at: Timestamp, zone: &TimeZone) -> bool {
        let local = at.to_zoned(zone.clone());
        self.sends_on(local.date()) && (self.send_from..self.send_until).contains(&local.time())
    }

    /// When it may send next, which may be `now`. `None` at the end of the calendar.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.allows(now, zone) {
            return Some(now);
        }
        let today = now.to_zoned(zone.clone()).date();
        (0..=DAYS_AHEAD).find_map(|days| {
            let date = today.checked_add(days.days()).ok().filter(|date| self.sends_on(*date))?;
            // A start that a clock change skips comes an hour later; a repeated one counts the first time.
            let start = date.to_datetime(self.send_from).to_zoned(zone.clone()).ok()?.timestamp();
            (start > now && self.allows(start, zone)).then_some(start)
        })
    }

    /// Until when it may send, if it may at `now`.
    pub fn end(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let date = now.to_zoned(zone.clone()).date();
        let end = date.to_datetime(self.send_until).to_zoned(zone.clone()).ok()?.timestamp();
        (self.allows(now, zone) && end > now).then_some(end)
    }

    fn sends_on(&self, date: Date) -> bool {
        self.weekdays.iter().any(|day| WEEKDAYS[usize::from(day.0)].1 == date.weekday())
    }
}

fn read_time(fields: &mut Fields<'_>, field: &'static str) -> Option<Time> {
    let value = fields.optional(field)?;
    let time = value.as_str().and_then(minutes::parse);
    if time.is_none() {
        fields.fault(field, "must be a local time such as 08:00");
    }
    time
}

fn read_weekdays(fields: &mut Fields<'_>) -> BTreeSet<Day> {
    let every = || (0..7).map(Day).collect();
    if fields.optional("weekdays").is_none() {
        return every();
    }
    let days: Vec<_> =
        fields.optional_list("weekdays", 7).iter().map(|day| day.as_str().and_then(Day::parse)).collect();
    if days.is_empty() || days.contains(&None) {
        fields.fault(
            "weekdays",
            "must be weekdays, at least one: monday, tuesday, wednesday, thursday, friday, saturday, sunday",
        );
        return every();
    }
    days.into_iter().flatten().collect()
}

/// Times as hours and minutes: `08:00`.
mod minutes {
    use jiff::civil::Time;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn parse(text: &str) -> Option<Time> {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| {
            (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).ok()
    }

    pub(super) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.strftime("%H:%M"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| de::Error::custom("not a time of day"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<QuietHours, Vec<String>> {
        let fields = |faults: Vec<FieldError>| faults.into_iter().map(|fault| fault.field).collect();
        QuietHours::from_json(&value, "quietHours").map_err(fields)
    }

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn what_is_absent_is_the_day_and_what_is_wrong_is_named() {
        let stored = json!({"sendFrom": "08:00", "sendUntil": "20:00", "weekdays":
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]});
        let hours = read(json!({})).expect("nothing is wrong");
        assert_eq!(serde_json::to_value(&hours).expect("serialises"), stored);
        assert_eq!(serde_json::from_value::<QuietHours>(stored).expect("reads"), hours);
        for (wrong, field) in [
            (json!({"sendFrom": "8:00"}), "quietHours.sendFrom"),
            (json!({"sendFrom": "24:00"}), "quietHours.sendFrom"),
            (json!({"sendFrom": "+8:00"}), "quietHours.sendFrom"),
            (json!({"sendUntil": 20}), "quietHours.sendUntil"),
            (json!({"sendFrom": "20:00"}), "quietHours.sendUntil"),
            (json!({"sendFrom": "20:00", "sendUntil": "08:00"}), "quietHours.sendUntil"),
            (json!({"weekdays": []}), "quietHours.weekdays"),
            (json!({"weekdays": ["Monday"]}), "quietHours.weekdays"),
            (json!({"weekdays": "monday"}), "quietHours.weekdays"),
            (json!({"days": []}), "quietHours.days"),
        ] {
            let faults = read(wrong.clone()).expect_err("wrong");
            assert!(faults.contains(&field.to_owned()), "{wrong}: {faults:?}");
        }
    }

    #[test]
    fn it_sends_from_the_first_minute_to_before_the_last_on_its_days() {
        let hours = read(json!({"weekdays": ["monday", "friday"]})).expect("nothing is wrong");
        let zone = new_york();
        for (time, allowed) in [
            ("2026-11-23T12:59:59Z", false),
            ("2026-11-23T13:00:00Z", true),
            ("2026-11-24T00:59:59.999Z", true),
            ("2026-11-24T01:00:00Z", false),
            ("2026-11-24T15:00:00Z", false),
            ("2026-11-27T15:00:00Z", true),
        ] {
            assert_eq!(hours.allows(at(time), &zone), allowed, "{time}");
        }
        let next = |time| hours.next(at(time), &zone).map(|next| next.to_string());
        assert_eq!(next("2026-11-23T15:00:00Z").as_deref(), Some("2026-11-23T15:00:00Z"), "now");
        assert_eq!(next("2026-11-23T03:00:00Z").as_deref(), Some("2026-11-23T13:00:00Z"), "this morning");
        assert_eq!(next("2026-11-24T01:00:00Z").as_deref(), Some("2026-11-27T13:00:00Z"), "on Friday");
        assert_eq!(next("2026-11-28T01:00:00Z").as_deref(), Some("2026-11-30T13:00:00Z"), "next week");
    }

    #[test]
    fn a_window_follows_the_clock_through_skipped_and_repeated_hours() {
        let zone = new_york();
        let spring = read(json!({"sendFrom": "02:30", "sendUntil": "04:00"})).expect("nothing is wrong");
        let next = spring.next(at("2026-03-08T05:00:00Z"), &zone).map(|next| next.to_string());
        assert_eq!(next.as_deref(), Some("2026-03-08T07:30:00Z"), "03:30, there is no 02:30");
        let gone = read(json!({"sendFrom": "02:00", "sendUntil": "02:30"})).expect("nothing is wrong");
        let next = gone.next(at("2026-03-08T05:00:00Z"), &zone).map(|next| next.to_string());
        assert_eq!(next.as_deref(), Some("2026-03-09T06:00:00Z"), "the whole window is left out on that day");
        let autumn = read(json!({"sendFrom": "01:00", "sendUntil": "01:30"})).expect("nothing is wrong");
        let allowed = |time| autumn.allows(at(time), &zone);
        assert!(allowed("2026-11-01T05:15:00Z") && allowed("2026-11-01T06:15:00Z"));
        assert!(!allowed("2026-11-01T05:45:00Z"));
    }
}
