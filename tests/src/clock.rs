//! Time that a test moves on.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use portal_aws::clock::Source;
use rand::Rng;

use crate::sim::instance::Time;

/// A clock that goes on with tokio's: in a test with `start_paused` only while everybody waits, and then at once.
#[derive(Debug)]
pub struct Clock {
    time: Time,
    ahead: Mutex<SignedDuration>,
}

impl Clock {
    /// Puts it ahead.
    pub fn put_ahead(&self, by: SignedDuration) {
        *self.ahead.lock().unwrap() += by;
    }
}

/// Runs a test by a clock of its own: it begins at noon in New York, so that no day ends meanwhile.
pub async fn with_clock(test: impl AsyncFnOnce(Arc<Clock>)) {
    let noon = "2026-06-10T16:00:00Z".parse().unwrap();
    let clock = Arc::new(Clock { time: Time::starting_at(noon), ahead: Mutex::default() });
    portal_aws::clock::with(clock.clone(), test(clock)).await;
}

impl Source for Clock {
    fn now(&self) -> Timestamp {
        self.time.now() + *self.ahead.lock().unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
