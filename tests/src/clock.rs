//! Time controlled by a test.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use portal_aws::clock::Source;
use rand::Rng;

use crate::sim::instance::Time;

/// A clock that follows tokio's: in a test with `start_paused` it advances only while all tasks wait, and then at once.
#[derive(Debug)]
pub struct Clock {
    time: Time,
    ahead: Mutex<SignedDuration>,
}

impl Clock {
    /// Advances it.
    pub fn put_ahead(&self, by: SignedDuration) {
        *self.ahead.lock().unwrap() += by;
    }
}

/// Runs a test with a clock of its own that begins at noon in New York, so that no day ends meanwhile.
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
