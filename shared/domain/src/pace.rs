//! Slots: the times at which e-mails may leave, spaced to a rate.
//!
//! Times are microseconds since 1970: at 10,000 e-mails a second the slots are 100 apart.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Senders take slots for at most this time at once, so that a paused campaign stops soon.
const AT_ONCE: i64 = 5_000_000;

/// Slots begin at least this long after they are taken, because the claim comes in between, and a late sender would use
/// another's slots.
const LEAD: SignedDuration = SignedDuration::from_millis(200);

/// The time between two e-mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace {
    interval: i64,
}

impl Pace {
    /// The interval for this many e-mails a second; an unusable rate counts as one a minute.
    pub fn per_second(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.max(1.0 / 60.0) } else { 1.0 / 60.0 };
        Self { interval: ((1_000_000.0 / rate).ceil() as i64).max(1) }
    }

    /// The interval for this many e-mails a minute.
    pub fn per_minute(rate: u32) -> Self {
        Self { interval: i64::from(60_000_000_u32.div_ceil(rate.max(1))) }
    }

    /// How many slots to take at once, for `wanted` e-mails and an account that may send `room` more. Zero only if
    /// `room` or `wanted` is zero.
    pub fn at_once(self, wanted: usize, room: u64) -> usize {
        let worth = usize::try_from((AT_ONCE / self.interval).max(1)).unwrap_or(usize::MAX);
        wanted.min(worth).min(usize::try_from(room).unwrap_or(usize::MAX))
    }
}

/// Slots that one sender owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// When the first begins, in microseconds since 1970.
    pub first: i64,
    /// The time between them.
    pub pace: Pace,
    /// How many there are.
    pub count: usize,
}

impl Slots {
    /// The time that they take, in microseconds.
    pub fn span(&self) -> i64 {
        self.pace.interval.saturating_mul(i64::try_from(self.count).unwrap_or(i64::MAX))
    }

    /// The slots that two limiters have in common: the smaller number, at the slower pace, from the later beginning.
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), pace: self.pace.max(other.pace), count: self.count.min(other.count) }
    }

    /// When slot number `index`, from 0, begins, for a sender that starts at `now`. A late sender keeps the intervals.
    pub fn begin(&self, index: usize, now: Timestamp) -> Timestamp {
        let first = self.first.max(now.as_microsecond());
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        let begin = first.saturating_add(self.pace.interval.saturating_mul(index));
        Timestamp::from_microsecond(begin).unwrap_or(Timestamp::MAX)
    }
}

/// The time in which slots are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The time now.
    pub now: Timestamp,
    /// The longest wait for the first slot.
    pub patience: SignedDuration,
}

impl Window {
    /// No slot begins before this, in microseconds since 1970.
    pub fn earliest(&self) -> i64 {
        (self.now + LEAD).as_microsecond()
    }

    /// The first slot does not begin after this, in microseconds since 1970.
    pub fn latest(&self) -> i64 {
        self.earliest().saturating_add(i64::try_from(self.patience.as_micros()).unwrap_or(i64::MAX).max(0))
    }

    /// How long to wait before asking again when the next free slot begins at `next`; `None` if that is in the window.
    pub fn wait(&self, next: i64) -> Option<Duration> {
        let over = next.saturating_sub(self.latest());
        u64::try_from(over).ok().filter(|over| *over > 0).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).expect("a time")
    }

    #[test]
    fn a_pace_is_never_faster_than_its_rate() {
        for (pace, interval) in [
            (Pace::per_second(14.0), 71_429),
            (Pace::per_second(10_000.0), 100),
            (Pace::per_second(0.0), 60_000_000),
            (Pace::per_second(f64::NAN), 60_000_000),
            (Pace::per_minute(60), 1_000_000),
            (Pace::per_minute(7), 8_571_429),
            (Pace::per_minute(0), 60_000_000),
        ] {
            assert_eq!(pace.interval, interval);
        }
    }

    #[test]
    fn at_most_five_seconds_worth_is_taken_at_once_and_at_least_one() {
        let unlimited = u64::MAX;
        assert_eq!(Pace::per_second(14.0).at_once(40, unlimited), 40);
        assert_eq!(Pace::per_second(1.0).at_once(40, unlimited), 5);
        assert_eq!(Pace::per_minute(1).at_once(40, unlimited), 1);
        assert_eq!(Pace::per_second(14.0).at_once(40, 3), 3);
        assert_eq!(Pace::per_second(14.0).at_once(40, 0), 0);
    }

    #[test]
    fn two_limits_together_are_the_slower_and_later_one() {
        let ours = Slots { first: 5, pace: Pace::per_minute(60), count: 4 };
        let theirs = Slots { first: 9, pace: Pace::per_second(14.0), count: 3 };
        assert_eq!(ours.and(theirs), Slots { first: 9, pace: Pace::per_minute(60), count: 3 });
        assert_eq!(ours.and(theirs), theirs.and(ours));
    }

    #[test]
    fn who_is_late_keeps_the_distances() {
        let slots = Slots { first: 1_000, pace: Pace::per_second(1_000.0), count: 3 };
        assert_eq!([0, 1, 2].map(|index| slots.begin(index, time(0)).as_microsecond()), [1_000, 2_000, 3_000]);
        assert_eq!([0, 1, 2].map(|index| slots.begin(index, time(9_500)).as_microsecond()), [9_500, 10_500, 11_500]);
    }

    #[test]
    fn a_window_ends_where_patience_does() {
        let window = Window { now: time(1_000_000), patience: SignedDuration::from_secs(2) };
        assert_eq!((window.earliest(), window.latest()), (1_200_000, 3_200_000));
        assert_eq!(window.wait(3_200_000), None);
        assert_eq!(window.wait(3_700_000), Some(Duration::from_millis(500)));
    }
}
