//! When a schedule is due.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cron;
use crate::input::{FieldError, Fields};

/// Most minutes, hours or days of a rate.
const MOST_UNITS: u32 = 10_000;

/// When a schedule is due, in its division's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// Once, at a local time.
    At(DateTime),
    /// Whenever the six fields say.
    Cron(String),
    /// Repeatedly at a fixed interval: `7 days`. A day is 24 hours, whatever the clocks do.
    Rate(String),
}

/// A rule, and the bounds within which it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// When it is due.
    pub rule: Rule,
    /// Not before this local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime>,
    /// Not after this local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime>,
}

impl Rule {
    fn from_json(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(value, path).map_err(|fault| vec![fault])?;
        let at = fields.optional_text("at", 40);
        let cron = fields.optional_text("cron", 300);
        let rate = fields.optional_text("rate", 40);
        let rule = match (at, cron, rate) {
            (Some(at), None, None) => {
                let at = at.parse::<DateTime>().ok().filter(|_| is_local(&at));
                at.map(Self::At).ok_or(("at", "must be a local time such as 2026-12-01T09:00:00".to_owned()))
            }
            (None, Some(text), None) => {
                cron::parse(&text).map(|(fields, _)| Self::Cron(fields)).map_err(|fault| ("cron", fault.to_string()))
            }
            (None, None, Some(text)) => {
                let rate = Rate::parse(&text).map(|rate| Self::Rate(rate.to_string()));
                rate.ok_or(("rate", "must be a number of minutes, hours or days, such as 7 days".to_owned()))
            }
            _ => {
                let mut faults = fields.finish();
                if faults.is_empty() {
                    faults.push(FieldError::new(path, "must have exactly one of at, cron and rate"));
                }
                return Err(faults);
            }
        };
        match rule {
            Ok(rule) => match fields.finish() {
                faults if faults.is_empty() => Ok(rule),
                faults => Err(faults),
            },
            Err((field, message)) => {
                fields.fault(field, message);
                Err(fields.finish())
            }
        }
    }

    /// The expression for EventBridge Scheduler, except for `at`, whose time is known.
    pub fn expression(&self) -> Option<String> {
        match self {
            Self::At(_) => None,
            Self::Cron(fields) => Some(format!("cron({fields})")),
            Self::Rate(rate) => Some(format!("rate({rate})")),
        }
    }
}

impl Timing {
    /// Reads `rule`, `from` and `until`; `None` is a fault.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = fields.required_parsed("rule", Rule::from_json);
        let from = read_bound(fields, "from", Time::midnight());
        let until = read_bound(fields, "until", Time::constant(23, 59, 59, 0));
        if from.zip(until).is_some_and(|(from, until)| from > until) {
            fields.fault("until", "must not be before from");
        }
        Some(Self { rule: rule?, from, until })
    }

    /// The timing in a body, if it has no faults, whatever the other fields are.
    pub fn of(body: &Value) -> Option<Self> {
        let mut fields = Fields::of(body, "").ok()?;
        let timing = Self::read(&mut fields)?;
        let is_its_own = |fault: &FieldError| ["rule", "from", "until"].iter().any(|own| fault.field.starts_with(own));
        (!fields.finish().iter().any(is_its_own)).then_some(timing)
    }

    /// What is wrong with it in this time zone at `now`: it is never due.
    pub fn fault(&self, anchor: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<FieldError> {
        if let Rule::At(local) = self.rule
            && let AmbiguousOffset::Gap { .. } = zone.to_ambiguous_timestamp(local).offset()
        {
            let message = "does not exist in this time zone: the clocks are put forward over it";
            return Some(FieldError::new("rule.at", message));
        }
        let never = self.runs(anchor, now, zone).next().is_none();
        never.then(|| match self.rule {
            Rule::At(_) => FieldError::new("rule.at", "must be in the future, and within from and until"),
            Rule::Cron(_) | Rule::Rate(_) => FieldError::new("rule", "is never due between now, from and until"),
        })
    }

    /// When it is due after `now`. A rate counts from `from`, or else from `anchor`, which itself is not due.
    pub fn runs(&self, anchor: Timestamp, now: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Zoned> {
        let times: Box<dyn Iterator<Item = Timestamp> + '_> = match &self.rule {
            Rule::At(local) => {
                let once = (*local, zone.to_ambiguous_timestamp(*local));
                let within =
                    self.from.is_none_or(|from| from <= once.0) && self.until.is_none_or(|until| once.0 <= until);
                Box::new(once.1.compatible().ok().filter(|at| within && *at > now).into_iter())
            }
            Rule::Cron(text) => match cron::parse(text) {
                Ok((_, cron)) => {
                    let until = self.until;
                    let within = cron::after(cron, now, self.from, zone)
                        .take_while(move |(local, _)| until.is_none_or(|until| *local <= until));
                    Box::new(within.map(|(_, at)| at))
                }
                Err(_) => Box::new(std::iter::empty()),
            },
            Rule::Rate(text) => Box::new(self.rate_runs(Rate::parse(text), anchor, now, zone)),
        };
        let zone = zone.clone();
        times.map(move |at| at.to_zoned(zone.clone()))
    }

    fn rate_runs(
        &self,
        rate: Option<Rate>,
        anchor: Timestamp,
        now: Timestamp,
        zone: &TimeZone,
    ) -> impl Iterator<Item = Timestamp> + use<> {
        let bound = |local: DateTime| local.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
        let until = self.until.map_or(Some(Timestamp::MAX), bound).unwrap_or(Timestamp::MAX);
        let step = rate.map(|rate| rate.duration());
        let first = step.and_then(|step| match self.from {
            Some(from) => bound(from),
            None => anchor.checked_add(step).ok(),
        });
        // Whole steps between the first time and now are skipped at once.
        let start = first.zip(step).and_then(|(first, step)| {
            let passed = now.duration_since(first).as_secs().max(-1) / step.as_secs();
            let skipped = if now < first { 0 } else { passed + 1 };
            first.checked_add(SignedDuration::from_secs(step.as_secs().checked_mul(skipped)?)).ok()
        });
        std::iter::successors(start, move |at| at.checked_add(step?).ok()).take_while(move |at| *at <= until)
    }
}

/// A local time without a time zone, which must be checked because jiff would ignore an offset.
fn is_local(text: &str) -> bool {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

/// A date, at `time` on it, or a local time.
fn read_bound(fields: &mut Fields<'_>, field: &'static str, time: Time) -> Option<DateTime> {
    let text = fields.optional_text(field, 40)?;
    let date = text.parse::<Date>().ok().filter(|_| !text.contains('T')).map(|date| date.to_datetime(time));
    let bound = date.or_else(|| text.parse::<DateTime>().ok()).filter(|_| is_local(&text));
    if bound.is_none() {
        fields.fault(field, "must be a date such as 2026-12-01, or a local time such as 2026-12-01T09:00:00");
    }
    bound
}

/// The interval between two occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    count: u32,
    unit: &'static str,
    minutes: i64,
}

impl Rate {
    fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix("rate(").and_then(|text| text.strip_suffix(')')).unwrap_or(text);
        let (count, unit) = inner.trim().split_once(' ')?;
        let count = count.parse().ok().filter(|count| (1..=MOST_UNITS).contains(count))?;
        let (unit, minutes) = match unit.trim() {
            "minute" | "minutes" => ("minute", 1),
            "hour" | "hours" => ("hour", 60),
            "day" | "days" => ("day", 24 * 60),
            _ => return None,
        };
        Some(Self { count, unit, minutes })
    }

    fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(self.minutes * i64::from(self.count))
    }
}

/// As EventBridge Scheduler has it: `1 day`, `2 days`.
impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}{}", self.count, self.unit, if self.count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Timing, Vec<String>> {
        let mut fields = Fields::of(&value, "").expect("an object");
        let timing = Timing::read(&mut fields);
        let faults: Vec<_> = fields.finish().into_iter().map(|fault| fault.field).collect();
        timing.filter(|_| faults.is_empty()).ok_or(faults)
    }

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn runs(value: Value, now: &str) -> Vec<String> {
        let timing = read(value).expect("nothing is wrong");
        let anchor = "2026-11-23T12:00:00Z".parse().expect("a time");
        let now = now.parse().expect("a time");
        timing.runs(anchor, now, &new_york()).take(3).map(|run| run.timestamp().to_string()).collect()
    }

    #[test]
    fn a_rule_is_one_of_three_and_every_fault_has_its_field() {
        for (wrong, field) in [
            (json!({}), "rule"),
            (json!({"rule": {}}), "rule"),
            (json!({"rule": "daily"}), "rule"),
            (json!({"rule": {"at": "2026-12-01T09:00:00", "rate": "1 day"}}), "rule"),
            (json!({"rule": {"at": "2026-12-01T09:00:00Z"}}), "rule.at"),
            (json!({"rule": {"at": "2026-12-01T09:00:00-05:00"}}), "rule.at"),
            (json!({"rule": {"at": "tomorrow"}}), "rule.at"),
            (json!({"rule": {"cron": "* * * * *"}}), "rule.cron"),
            (json!({"rule": {"rate": "0 days"}}), "rule.rate"),
            (json!({"rate": "1 day", "rule": {"rate": "1 week"}}), "rule.rate"),
            (json!({"rule": {"rate": "1 day", "every": 2}}), "rule.every"),
            (json!({"rule": {"every": 2}}), "rule.every"),
            (json!({"rule": {"rate": "1 day"}, "from": "2026-13-01"}), "from"),
            (json!({"rule": {"rate": "1 day"}, "until": "2026-12-01T09:00:00Z"}), "until"),
            (json!({"rule": {"rate": "1 day"}, "from": "2026-12-02", "until": "2026-12-01"}), "until"),
        ] {
            let faults = read(wrong.clone()).expect_err("wrong");
            assert!(faults.contains(&field.to_owned()), "{wrong}: {faults:?}");
        }
        let once = read(json!({"rule": {"at": "2026-12-01T09:00"}})).expect("without seconds");
        assert_eq!(serde_json::to_value(&once).expect("serialises"), json!({"rule": {"at": "2026-12-01T09:00:00"}}));
        let rate = read(json!({"rule": {"rate": "rate(1 days)"}})).expect("as Scheduler writes it, nearly");
        assert_eq!(rate.rule.expression().as_deref(), Some("rate(1 day)"));
    }

    #[test]
    fn once_is_once() {
        let at = json!({"rule": {"at": "2026-12-01T09:00:00"}});
        assert_eq!(runs(at.clone(), "2026-11-23T12:00:00Z"), ["2026-12-01T14:00:00Z"]);
        assert!(runs(at, "2026-12-01T14:00:00Z").is_empty());
        let outside = json!({"rule": {"at": "2026-12-01T09:00:00"}, "until": "2026-11-30"});
        assert!(runs(outside, "2026-11-23T12:00:00Z").is_empty());
        let twice = json!({"rule": {"at": "2026-11-01T01:30:00"}});
        assert_eq!(runs(twice, "2026-10-23T12:00:00Z"), ["2026-11-01T05:30:00Z"], "the first of two");
    }

    #[test]
    fn a_rate_counts_from_its_beginning_in_real_hours() {
        let days = json!({"rule": {"rate": "1 day"}});
        assert_eq!(
            runs(days.clone(), "2026-11-23T12:00:00Z"),
            ["2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z", "2026-11-26T12:00:00Z"]
        );
        assert_eq!(runs(days, "2026-12-24T12:00:00Z")[0], "2026-12-25T12:00:00Z", "after itself");
        let from = json!({"rule": {"rate": "12 hours"}, "from": "2027-03-13T21:00:00", "until": "2027-03-14T22:00:00"});
        assert_eq!(
            runs(from.clone(), "2026-11-23T12:00:00Z"),
            ["2027-03-14T02:00:00Z", "2027-03-14T14:00:00Z", "2027-03-15T02:00:00Z"],
            "the last is at 22:00, an hour later on the clock than the first"
        );
        assert_eq!(runs(from, "2027-03-14T14:00:00Z"), ["2027-03-15T02:00:00Z"]);
    }

    #[test]
    fn bounds_are_dates_or_times_and_inclusive() {
        let weekly = |from: &str, until: &str| {
            let timing = json!({"rule": {"cron": "0 9 ? * MON *"}, "from": from, "until": until});
            runs(timing, "2026-11-23T12:00:00Z")
        };
        assert_eq!(weekly("2026-12-07", "2026-12-14"), ["2026-12-07T14:00:00Z", "2026-12-14T14:00:00Z"]);
        assert_eq!(weekly("2026-12-07T09:00:00", "2026-12-14T09:00:00").len(), 2);
        assert_eq!(weekly("2026-12-07T09:01:00", "2026-12-14T08:59:00").len(), 0);
    }

    #[test]
    fn what_is_never_due_is_a_fault() {
        let now = "2026-11-23T12:00:00Z".parse().expect("a time");
        let fault = |timing: Value| {
            let timing = read(timing).expect("well-formed");
            timing.fault(now, now, &new_york()).map(|fault| fault.field)
        };
        let table = [
            (json!({"rule": {"at": "2026-11-23T07:01:00"}}), None),
            (json!({"rule": {"at": "2026-11-23T07:00:00"}}), Some("rule.at")),
            (json!({"rule": {"at": "2027-03-14T02:30:00"}}), Some("rule.at")),
            (json!({"rule": {"cron": "0 9 31 2 ? *"}}), Some("rule")),
            (json!({"rule": {"cron": "0 9 * * ? *"}, "until": "2026-11-22"}), Some("rule")),
            (json!({"rule": {"rate": "7 days"}, "until": "2026-11-25"}), Some("rule")),
            (json!({"rule": {"rate": "1 day"}, "from": "9999-12-31T23:59:59"}), Some("rule")),
        ];
        for (timing, field) in table {
            assert_eq!(fault(timing.clone()).as_deref(), field, "{timing}");
        }
    }
}
