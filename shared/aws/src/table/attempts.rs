//! Attempts at work that conflicts with others'.

use std::time::Duration;

use rand::RngExt;

use crate::clock;

/// Most attempts: with the pauses in between, for about 3 seconds.
pub(super) const MOST_ATTEMPTS: u32 = 10;

/// Attempts at a call that may be throttled, or at a change on the condition that what was read is unchanged: after a
/// refusal the caller reads and decides again.
#[derive(Debug, Default)]
pub struct Attempts(u32);

impl Attempts {
    /// Begins an attempt; each but the first after a pause. `false` if enough were made.
    pub async fn begin(&mut self) -> bool {
        if self.0 == MOST_ATTEMPTS {
            return false;
        }
        if self.0 > 0 {
            back_off(self.0).await;
        }
        self.0 += 1;
        true
    }

    /// Whether this is the first attempt.
    pub fn is_first(&self) -> bool {
        self.0 == 1
    }
}

/// Waits before try number `attempt` (from 1), with full jitter, at most a second.
pub async fn back_off(attempt: u32) {
    let ceiling = 25_u64.saturating_mul(1 << attempt.min(10)).min(1_000);
    tokio::time::sleep(Duration::from_millis(clock::rng().random_range(0..=ceiling))).await;
}
