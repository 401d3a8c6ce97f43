//! Whom a campaign addresses within its selection: who was never invited, who is still pending, or both.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::{FieldError, Fields};
use crate::{PortalStatus, Recipient};

/// Most days that somebody may be required to have been pending.
const MOST_DAYS: u64 = 3_650;

/// Most reminders that may be allowed.
const MOST_REMINDERS: u64 = 100;

/// Which of those without access are addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Addressees {
    /// Who was never invited.
    NotSent,
    /// Who was invited and has not accepted.
    Pending,
    /// Both.
    #[default]
    Both,
}

/// Whom a campaign addresses, as a person says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudienceRule {
    /// Which of those without access.
    pub status: Addressees,
    /// Of the pending only who has been so for this many days, in days of the division's calendar: whoever was invited at any
    /// time of a Monday has been pending for 14 days from the first minute of the second Monday after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_days: Option<u32>,
    /// Of the pending only who has had fewer reminders than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_reminders: Option<u32>,
}

impl AudienceRule {
    /// Who was invited and has not accepted.
    pub const PENDING: Self = Self { status: Addressees::Pending, pending_days: None, max_reminders: None };

    /// Reads a rule: an object, or merely its status.
    pub fn from_json(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let whole = value.as_str().map(|status| serde_json::json!({ "status": status }));
        let mut fields = Fields::of(whole.as_ref().unwrap_or(value), path).map_err(|fault| vec![fault])?;
        let status = fields.optional_choice("status", "notSent, pending, both", |name| match name {
            "notSent" => Some(Addressees::NotSent),
            "pending" => Some(Addressees::Pending),
            "both" => Some(Addressees::Both),
            _ => None,
        });
        let status = status.unwrap_or_default();
        let mut of_pending = |field, range| {
            let number = fields.optional_number(field, range)?;
            if status == Addressees::NotSent {
                fields.fault(field, "is about the pending, whom this audience leaves out");
            }
            u32::try_from(number).ok()
        };
        let pending_days = of_pending("pendingDays", 0..=MOST_DAYS);
        let max_reminders = of_pending("maxReminders", 1..=MOST_REMINDERS);
        let faults = fields.finish();
        if faults.is_empty() { Ok(Self { status, pending_days, max_reminders }) } else { Err(faults) }
    }

    /// Whether it leaves nobody out.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// What it means at `now`, in the division's time zone.
    pub fn at(&self, now: Timestamp, zone: &TimeZone) -> Audience {
        // Days before all calendars were never: nobody has been pending for so long.
        let pending_before = self.pending_days.map(|days| {
            let day = now.to_zoned(zone.clone()).date().checked_sub(i64::from(days).days());
            let end = day.and_then(|day| day.to_zoned(zone.clone())).and_then(|day| day.end_of_day());
            end.map_or(Timestamp::MIN, |end| end.timestamp())
        });
        Audience { status: self.status, pending_before, max_reminders: self.max_reminders }
    }
}

/// Whom a campaign addresses at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    status: Addressees,
    pending_before: Option<Timestamp>,
    max_reminders: Option<u32>,
}

impl Audience {
    /// Whether this recipient, who has not accepted, is addressed. Who is pending since nobody knows when (a status that was
    /// imported) has been so for long enough.
    pub fn includes(&self, recipient: &Recipient) -> bool {
        match recipient.status {
            PortalStatus::NotSent => self.status != Addressees::Pending,
            PortalStatus::Pending => {
                let waited =
                    self.pending_before.zip(recipient.pending_since).is_none_or(|(before, since)| since <= before);
                let reminded = self.max_reminders.is_some_and(|most| recipient.reminders >= most);
                self.status != Addressees::NotSent && waited && !reminded
            }
            PortalStatus::Accepted => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(value: Value) -> Result<AudienceRule, Vec<String>> {
        let faults = |faults: Vec<FieldError>| faults.into_iter().map(|fault| fault.field).collect();
        AudienceRule::from_json(&value, "audience").map_err(faults)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_rule_is_an_object_or_a_word_and_says_nothing_of_whom_it_leaves_out() {
        let pending = AudienceRule { status: Addressees::Pending, ..AudienceRule::default() };
        assert_eq!(rule(json!("pending")), Ok(pending));
        assert_eq!(rule(json!({})), Ok(AudienceRule::default()));
        let both = AudienceRule { pending_days: Some(14), max_reminders: Some(3), ..AudienceRule::default() };
        assert_eq!(rule(json!({"pendingDays": 14, "maxReminders": 3})), Ok(both));
        for (wrong, field) in [
            (json!("accepted"), "audience.status"),
            (json!({"status": "notSent", "pendingDays": 14}), "audience.pendingDays"),
            (json!({"status": "notSent", "maxReminders": 1}), "audience.maxReminders"),
            (json!({"maxReminders": 0}), "audience.maxReminders"),
            (json!({"days": 14}), "audience.days"),
            (json!(14), "audience"),
        ] {
            assert_eq!(rule(wrong.clone()), Err(vec![field.to_owned()]), "{wrong}");
        }
    }

    #[test]
    fn the_table_of_who_is_addressed() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now = at("2026-11-23T14:00:00Z");
        let includes =
            |value: Value, recipient: &Recipient| rule(value).expect("a rule").at(now, &zone).includes(recipient);
        let never = Recipient::never_invited(
            crate::RecipientId::from_random([1; 16]),
            crate::DivisionId::new("D"),
            "a@example.com".to_owned(),
            crate::recipient::Links::default(),
        );
        let pending = |since: Option<&str>, reminders| Recipient {
            status: PortalStatus::Pending,
            pending_since: since.map(at),
            reminders,
            ..never.clone()
        };
        for (status, of_never, of_pending) in [("notSent", true, false), ("pending", false, true), ("both", true, true)]
        {
            assert_eq!(includes(json!(status), &never), of_never, "{status}");
            assert_eq!(includes(json!(status), &pending(None, 9)), of_pending, "{status}");
        }
        // The second Monday after the Monday on which they were invited, which began at 05:00 UTC and ended a day later.
        let two_weeks = json!({"pendingDays": 14});
        for (since, waited) in [
            (Some("2026-11-09T05:00:00Z"), true),
            (Some("2026-11-10T04:59:59Z"), true),
            (Some("2026-11-10T05:00:00Z"), false),
            (None, true),
        ] {
            assert_eq!(includes(two_weeks.clone(), &pending(since, 0)), waited, "{since:?}");
        }
        assert!(includes(two_weeks, &never), "who was never invited has nothing to wait for");
        for (reminders, reminded_again) in [(0, true), (1, true), (2, false), (3, false)] {
            assert_eq!(includes(json!({"maxReminders": 2}), &pending(None, reminders)), reminded_again, "{reminders}");
        }
    }
}
