//! Checks of the pace: functions send no more than SES's rate allows, so that the limiter holds them back, not SES.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::Checks;

/// How much more than its rate SES may be asked for in a minute, in percent. A batch has slots for at most 5 seconds,
/// and is late if its claim was held up. At most ten batches are under way, and each sends in one minute or the next.
const MOST: u64 = 200;

/// E-mails that SES was asked to send.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last_minute: VecDeque<Timestamp>,
    busiest: u64,
}

impl Checks {
    /// A function asks SES for an e-mail. One that stood still meanwhile does not count, because it can't know the
    /// time.
    pub fn tries_to_send(&mut self, rate: f64, now: Timestamp) {
        let minute = &mut self.pace.last_minute;
        while minute.front().is_some_and(|first| *first <= now - SignedDuration::from_mins(1)) {
            minute.pop_front();
        }
        minute.push_back(now);
        let percent = (minute.len() as f64 * 100.0 / (rate * 60.0)).ceil() as u64;
        self.pace.busiest = self.pace.busiest.max(percent);
        if percent > MOST {
            self.broken(now, format!("the pace: {percent} % of what the rate allows in the last minute"));
        }
    }

    /// What SES was asked for in the busiest minute, in percent of what its rate allows.
    pub fn busiest_minute(&self) -> u64 {
        self.pace.busiest
    }
}
