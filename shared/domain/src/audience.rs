//! The part of its selection that a campaign addresses: those never invited, those still pending, or both.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::PortalStatus;
use crate::input::{FieldError, Fields};
use crate::standing::{self, Hour, Standing};

/// Most days that somebody may be required to have been pending.
const MOST_DAYS: u64 = 3_650;

/// Most reminders that may be allowed.
const MOST_REMINDERS: u64 = standing::MOST_REMINDERS as u64;

/// Which of those without access are addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// The rule for a campaign's audience, as an operator states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AudienceRule {
    /// Which of those without access.
    pub status: Addressees,
    /// Only those pending for at least this many days of the division's calendar: an invitation from any time of a
    /// Monday is 14 days old from the first minute of the second Monday after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_days: Option<u32>,
    /// Only those pending who had fewer reminders than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_reminders: Option<u32>,
}

impl AudienceRule {
    /// Who was invited and has not accepted.
    pub const PENDING: Self = Self { status: Addressees::Pending, pending_days: None, max_reminders: None };

    /// Those never invited: the default audience of a new schedule.
    pub const NEVER_INVITED: Self = Self { status: Addressees::NotSent, pending_days: None, max_reminders: None };

    /// Reads a rule for a recurring schedule, which needs both limits if it addresses pending recipients.
    pub fn limited(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let rule = Self::from_json(value, path)?;
        let missing = rule.missing_limits(path);
        if missing.is_empty() { Ok(rule) } else { Err(missing) }
    }

    /// The limits without which pending recipients would be reminded for ever.
    pub fn missing_limits(&self, path: &str) -> Vec<FieldError> {
        if self.status == Addressees::NotSent {
            return Vec::new();
        }
        let missing = |field, is_missing: bool, what| {
            is_missing
                .then(|| FieldError::new(format!("{path}.{field}"), format!("is required for the pending: {what}")))
        };
        let days = missing("pendingDays", self.pending_days.is_none(), "how many days ago they were invited, at least");
        let most =
            missing("maxReminders", self.max_reminders.is_none(), "how many reminders each of them gets, at most");
        days.into_iter().chain(most).collect()
    }

    /// Reads a rule: an object, or merely its status. One without a status is for the never invited; with a limit for
    /// the pending, it is for both.
    pub fn from_json(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let whole = value.as_str().map(|status| serde_json::json!({ "status": status }));
        let mut fields = Fields::of(whole.as_ref().unwrap_or(value), path).map_err(|fault| vec![fault])?;
        let status = fields.optional_choice("status", "notSent, pending, both", |name| match name {
            "notSent" => Some(Addressees::NotSent),
            "pending" => Some(Addressees::Pending),
            "both" => Some(Addressees::Both),
            _ => None,
        });
        let limited = value.get("pendingDays").is_some() || value.get("maxReminders").is_some();
        let status = status.unwrap_or(if limited { Addressees::Both } else { Addressees::NotSent });
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
        // A day before the calendar's first does not exist, so nobody has been pending for that long.
        let pending_before = self.pending_days.map(|days| {
            let day = now.to_zoned(zone.clone()).date().checked_sub(i64::from(days).days());
            let end = day.and_then(|day| day.to_zoned(zone.clone())).and_then(|day| day.end_of_day());
            end.map_or(Timestamp::MIN, |end| end.timestamp())
        });
        Audience { status: self.status, pending_before, max_reminders: self.max_reminders }
    }
}

/// Why an audience leaves somebody out who has not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaddressed {
    /// It is for the pending.
    NeverInvited,
    /// It is for the never invited.
    InvitedBefore,
    /// They have not been pending for as long as it asks.
    PendingTooShort,
    /// They have had as many reminders as it allows.
    RemindedEnough,
}

/// Whom a campaign addresses at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    status: Addressees,
    pending_before: Option<Timestamp>,
    max_reminders: Option<u32>,
}

impl Audience {
    /// Whether it asks since when people are pending, or how many reminders they had.
    pub fn has_limits(&self) -> bool {
        self.pending_before.is_some() || self.max_reminders.is_some()
    }

    /// Why it leaves out recipients with this standing; `None` if it addresses them or they have accepted. A pending
    /// status without a time, such as an imported one, counts as old enough. The time is known to the hour of UTC: if
    /// the division's days begin in the middle of one, that hour counts as the day before.
    pub fn leaves_out(&self, standing: &Standing) -> Option<Unaddressed> {
        let since = standing.pending_since.map(Hour::begin);
        let waits = || self.pending_before.zip(since).is_some_and(|(before, since)| since > before);
        let reminded = || self.max_reminders.is_some_and(|most| standing.reminders >= most);
        match (standing.status, self.status) {
            (PortalStatus::NotSent, Addressees::Pending) => Some(Unaddressed::NeverInvited),
            (PortalStatus::Pending, Addressees::NotSent) => Some(Unaddressed::InvitedBefore),
            (PortalStatus::Pending, _) if waits() => Some(Unaddressed::PendingTooShort),
            (PortalStatus::Pending, _) if reminded() => Some(Unaddressed::RemindedEnough),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Recipient;

    fn rule(value: Value) -> Result<AudienceRule, Vec<String>> {
        let faults = |faults: Vec<FieldError>| faults.into_iter().map(|fault| fault.field).collect();
        AudienceRule::from_json(&value, "audience").map_err(faults)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_rule_is_an_object_or_a_word_and_says_nothing_of_whom_it_leaves_out() {
        assert_eq!(rule(json!("pending")), Ok(AudienceRule::PENDING));
        assert_eq!(rule(json!("both")), Ok(AudienceRule::default()));
        assert_eq!(rule(json!({})), Ok(AudienceRule::NEVER_INVITED));
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
    fn whoever_is_pending_is_addressed_again_and_again_only_with_both_limits() {
        let faults = |value: Value| {
            let read = AudienceRule::limited(&value, "audience");
            read.err().unwrap_or_default().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let (days, most) = ("audience.pendingDays", "audience.maxReminders");
        for (value, expected) in [
            (json!("notSent"), vec![]),
            (json!({}), vec![]),
            (json!("pending"), vec![days, most]),
            (json!("both"), vec![days, most]),
            (json!({"pendingDays": 7}), vec![most]),
            (json!({"status": "pending", "maxReminders": 3}), vec![days]),
            (json!({"status": "both", "pendingDays": 0, "maxReminders": 3}), vec![]),
        ] {
            assert_eq!(faults(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn the_table_of_who_is_addressed() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now = at("2026-11-23T14:00:00Z");
        let left_out = |value: Value, recipient: &Recipient| {
            rule(value).expect("a rule").at(now, &zone).leaves_out(&Standing::of(recipient))
        };
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
        let (never_invited, before) = (Some(Unaddressed::NeverInvited), Some(Unaddressed::InvitedBefore));
        for (status, of_never, of_pending) in
            [("notSent", None, before), ("pending", never_invited, None), ("both", None, None)]
        {
            assert_eq!(left_out(json!(status), &never), of_never, "{status}");
            assert_eq!(left_out(json!(status), &pending(None, 9)), of_pending, "{status}");
        }
        // The second Monday after the Monday on which they were invited, which began at 05:00 UTC and ended a day
        // later.
        let two_weeks = json!({"pendingDays": 14});
        for (since, waits) in [
            (Some("2026-11-09T05:00:00Z"), None),
            (Some("2026-11-10T04:59:59Z"), None),
            (Some("2026-11-10T05:00:00Z"), Some(Unaddressed::PendingTooShort)),
            (None, None),
        ] {
            assert_eq!(left_out(two_weeks.clone(), &pending(since, 0)), waits, "{since:?}");
        }
        assert_eq!(left_out(two_weeks, &never), None, "who was never invited has nothing to wait for");
        let enough = Some(Unaddressed::RemindedEnough);
        for (reminders, expected) in [(0, None), (1, None), (2, enough), (3, enough)] {
            assert_eq!(left_out(json!({"maxReminders": 2}), &pending(None, reminders)), expected, "{reminders}");
        }
        let accepted = Recipient { status: PortalStatus::Accepted, ..never };
        assert_eq!(left_out(json!("pending"), &accepted), None, "that they have accepted is reason enough");
    }
}
