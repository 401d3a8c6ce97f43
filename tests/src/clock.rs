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

/// Runs a test by a clock of its own, which is right when it begins.
pub async fn with_clock(test: impl AsyncFnOnce(Arc<Clock>)) {
    let clock = Arc::new(Clock { time: Time::starting_at(Timestamp::now()), ahead: Mutex::default() });
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
