//! When a schedule is due.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::cron::Cron;

/// A start date may be past by this much.
const LATE_START: SignedDuration = SignedDuration::from_mins(5);

/// The smallest step of time.
const AN_INSTANT: SignedDuration = SignedDuration::from_nanos(1);

#[derive(Clone, Debug)]
enum Expression {
    At(DateTime),
    Cron(Box<Cron>),
    Rate(SignedDuration),
}

/// A schedule's expression with its time zone and bounds.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    expression: Expression,
    zone: TimeZone,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// When the schedule got this timing.
    told_at: Timestamp,
}

impl Timing {
    /// Reads the fields of a request; or says what is wrong with them.
    pub(super) fn read(body: &Value, now: Timestamp) -> Result<Self, String> {
        let text = body["ScheduleExpression"].as_str().unwrap_or_default();
        let expression = expression(text).ok_or_else(|| format!("Invalid Schedule Expression {text}."))?;
        let zone = body["ScheduleExpressionTimezone"].as_str().unwrap_or("UTC");
        let zone = TimeZone::get(zone).map_err(|_| format!("Invalid Schedule Expression Timezone {zone}."))?;
        let (start, end) = (date(body, "StartDate")?, date(body, "EndDate")?);
        if start.is_some_and(|start| start < now - LATE_START) {
            return Err("The StartDate you specify cannot be earlier than 5 minutes ago.".to_owned());
        }
        if end.zip(start).is_some_and(|(end, start)| end <= start) {
            return Err("The EndDate must be later than the StartDate.".to_owned());
        }
        Ok(Self { expression, zone, start, end, told_at: now })
    }

    /// The first due time. Times before or at the instant at which the schedule got its timing don't count; only a rate
    /// without a start begins at once.
    pub(super) fn first(&self) -> Option<Timestamp> {
        match self.expression {
            Expression::Rate(_) => self.from(self.told_at),
            _ => self.after(self.told_at),
        }
    }

    /// The next time that it is due after this one.
    pub(super) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        self.from(time + AN_INSTANT)
    }

    /// The first time at or after `from`. The bounds don't apply to a schedule that is due once.
    fn from(&self, from: Timestamp) -> Option<Timestamp> {
        let bounded = from.max(self.start.unwrap_or(from));
        let next = match &self.expression {
            Expression::At(local) => {
                let time = self.zone.to_ambiguous_timestamp(*local);
                let is_skipped = matches!(time.offset(), AmbiguousOffset::Gap { .. });
                return time.compatible().ok().filter(|time| !is_skipped && *time >= from);
            }
            Expression::Cron(cron) => cron.next(bounded, &self.zone),
            Expression::Rate(period) => {
                let anchor = self.start.unwrap_or(self.told_at);
                let (passed, period) = (bounded.as_nanosecond() - anchor.as_nanosecond(), period.as_nanos());
                let periods = passed / period + i128::from(passed % period > 0);
                Timestamp::from_nanosecond(anchor.as_nanosecond() + periods.max(0) * period).ok()
            }
        };
        next.filter(|next| self.end.is_none_or(|end| *next < end))
    }
}

fn expression(text: &str) -> Option<Expression> {
    let (kind, rest) = text.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    match kind {
        "at" if inner.len() == "2026-11-23T09:00:00".len() => inner.parse().ok().map(Expression::At),
        "cron" => Cron::parse(inner).map(|cron| Expression::Cron(Box::new(cron))),
        "rate" => {
            let (count, unit) = inner.split_once(' ')?;
            let count: i64 = count.parse().ok().filter(|count| (1..=100_000).contains(count))?;
            let period = match unit {
                "minute" | "minutes" => SignedDuration::from_mins(count),
                "hour" | "hours" => SignedDuration::from_hours(count),
                // A day is 24 hours, also where the clocks change.
                "day" | "days" => SignedDuration::from_hours(24 * count),
                _ => return None,
            };
            Some(Expression::Rate(period))
        }
        _ => None,
    }
}

/// A date of a request, in seconds.
fn date(body: &Value, field: &str) -> Result<Option<Timestamp>, String> {
    if body[field].is_null() {
        return Ok(None);
    }
    let seconds = body[field].as_f64().map(|seconds| (seconds * 1_000.0).round() as i64);
    let date = seconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    date.map(Some).ok_or_else(|| format!("{field} is no date."))
}
