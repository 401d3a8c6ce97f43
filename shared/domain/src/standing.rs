//! What a decision needs to know of one recipient besides the filter, in whole hours.
//!
//! Derived numbers ([`crate::numbers`]) count people by their standing, so it holds whole hours of UTC, not times: a
//! decision about a recipient and a decision about everybody with the same standing are one function,
//! [`crate::selection::judge_standing`].

use jiff::{SignedDuration, Timestamp};

use crate::{PortalStatus, Recipient};

/// Nobody is invited twice within this time unless the request says so. Counted in whole hours: until the hour that
/// begins 24 to 25 hours after the invitation.
pub const RECENTLY: SignedDuration = SignedDuration::from_hours(24);

/// More reminders than this are told apart by no audience ([`crate::audience`]), and by no standing.
pub const MOST_REMINDERS: u32 = 100;

const SECONDS: i64 = 3_600;

/// An hour of UTC, by its number since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u32);

impl Hour {
    /// The first hour: all times before it count as in it.
    pub const FIRST: Self = Self(0);

    /// The hour with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The hour that a time is in.
    pub fn of(time: Timestamp) -> Self {
        Self(u32::try_from(time.as_second().div_euclid(SECONDS)).unwrap_or(0))
    }

    /// The first hour that does not begin before `time`.
    pub fn after(time: Timestamp) -> Self {
        let hour = Self::of(time);
        if hour.begin() < time { hour.plus(1) } else { hour }
    }

    /// Hours since 1970.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// So many hours later.
    #[must_use]
    pub const fn plus(self, hours: u32) -> Self {
        Self(self.0.saturating_add(hours))
    }

    /// When it begins.
    pub fn begin(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0) * SECONDS).unwrap_or(Timestamp::MAX)
    }
}

/// Why mail must not go to somebody, whoever selects them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Block {
    /// Mail to the address bounced, its owner complained, or the person is being erased.
    Undeliverable,
}

/// What a decision needs to know of a recipient besides the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing {
    /// Portal status.
    pub status: PortalStatus,
    /// Why no mail goes there at all. Nothing of those who have accepted.
    pub block: Option<Block>,
    /// Recently invited until this hour begins. Nothing of those who have accepted.
    pub recent_until: Option<Hour>,
    /// The invitation has expired when this hour begins; of the pending only.
    pub expires: Option<Hour>,
    /// The hour since which they are pending, if anybody knows.
    pub pending_since: Option<Hour>,
    /// Reminders, at most [`MOST_REMINDERS`]; of the pending only.
    pub reminders: u32,
}

impl Standing {
    /// Of somebody of this status to whom nothing has happened.
    pub const fn new(status: PortalStatus) -> Self {
        Self { status, block: None, recent_until: None, expires: None, pending_since: None, reminders: 0 }
    }

    /// The standing of a recipient, which depends on no clock.
    pub fn of(recipient: &Recipient) -> Self {
        let standing = Self::new(recipient.status);
        if recipient.status == PortalStatus::Accepted {
            return standing;
        }
        let standing = Self {
            block: recipient.undeliverable.is_some().then_some(Block::Undeliverable),
            recent_until: recent_until(recipient),
            ..standing
        };
        if recipient.status == PortalStatus::NotSent {
            return standing;
        }
        Self {
            expires: recipient.expires_at.map(Hour::after),
            pending_since: recipient.pending_since.map(Hour::of),
            reminders: recipient.reminders.min(MOST_REMINDERS),
            ..standing
        }
    }

    /// Whether they are kept back at `now` because they were invited recently.
    pub fn is_recent_at(&self, now: Timestamp) -> bool {
        self.recent_until.is_some_and(|until| now < until.begin())
    }

    /// Whether their invitation has expired at `now`.
    pub fn has_expired_at(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires.begin() <= now)
    }

    /// The same for every time from the beginning of `horizon` on: hours that are over are one hour.
    #[must_use]
    pub fn seen_from(self, horizon: Hour) -> Self {
        Self {
            recent_until: self.recent_until.filter(|until| *until > horizon),
            expires: self.expires.map(|expires| if expires <= horizon { Hour::FIRST } else { expires }),
            ..self
        }
    }

    /// The same without what only the limits of an audience ask for.
    #[must_use]
    pub fn without_limits(self) -> Self {
        Self { pending_since: None, reminders: 0, ..self }
    }
}

/// Until when the newest invitation keeps others back, if it does.
fn recent_until(recipient: &Recipient) -> Option<Hour> {
    let invited = recipient.last_invited_at.filter(|_| !recipient.newest_bounced())?;
    // An invitation that lost its password before its time, since they were linked to nothing, keeps no other back. All
    // passwords are valid for longer than this (`INVITATION_LIFETIME`).
    let is_void = recipient.expires_at.is_some_and(|expires| expires.duration_since(invited) < RECENTLY);
    (!is_void).then(|| Hour::after(invited.saturating_add(RECENTLY).unwrap_or(Timestamp::MAX)))
}

const _: () = assert!(crate::campaign::INVITATION_LIFETIME.as_secs() > RECENTLY.as_secs());

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn hours_begin_and_end_where_those_of_utc_do() {
        let nine = Hour::of(at("2026-11-27T09:59:59.999Z"));
        assert_eq!(nine.begin(), at("2026-11-27T09:00:00Z"));
        assert_eq!(Hour::after(at("2026-11-27T09:00:00Z")), nine);
        assert_eq!(Hour::after(at("2026-11-27T09:00:00.001Z")), nine.plus(1));
        assert_eq!(Hour::of(at("1969-01-01T00:00:00Z")), Hour::FIRST);
        assert_eq!(Hour::new(u32::MAX).begin(), Timestamp::MAX, "as late as times go");
    }

    #[test]
    fn an_invitation_is_recent_for_24_to_25_hours_unless_it_bounced_or_lost_its_password() {
        let recipient = |invited: &str| Recipient {
            status: PortalStatus::Pending,
            last_invited_at: Some(at(invited)),
            ..Recipient::never_invited(
                crate::RecipientId::from_random([1; 16]),
                crate::DivisionId::new("D"),
                "a@example.com".to_owned(),
                crate::recipient::Links::default(),
            )
        };
        for (invited, until) in [
            ("2026-11-27T09:00:00Z", "2026-11-28T09:00:00Z"),
            ("2026-11-27T09:00:01Z", "2026-11-28T10:00:00Z"),
            ("2026-11-27T09:59:59Z", "2026-11-28T10:00:00Z"),
        ] {
            let standing = Standing::of(&recipient(invited));
            assert!(standing.is_recent_at(at(until) - SignedDuration::from_millis(1)), "{invited}");
            assert!(!standing.is_recent_at(at(until)), "{invited}");
        }
        let base = recipient("2026-11-27T09:10:00Z");
        let bounced = Recipient { cleared_bounce: base.last_invited_at, ..base.clone() };
        let unlinked = Recipient { expires_at: Some(at("2026-11-27T09:10:01Z")), ..base.clone() };
        for free in [bounced, unlinked] {
            assert_eq!(Standing::of(&free).recent_until, None);
        }
    }

    #[test]
    fn nothing_is_known_of_who_has_accepted_but_that() {
        let accepted = Recipient {
            status: PortalStatus::Accepted,
            last_invited_at: Some(at("2026-11-27T09:10:00Z")),
            expires_at: Some(at("2026-12-04T09:10:00Z")),
            undeliverable: Some("bounced".to_owned()),
            reminders: 3,
            ..Recipient::never_invited(
                crate::RecipientId::from_random([1; 16]),
                crate::DivisionId::new("D"),
                "a@example.com".to_owned(),
                crate::recipient::Links::default(),
            )
        };
        assert_eq!(Standing::of(&accepted), Standing::new(PortalStatus::Accepted));
    }
}
