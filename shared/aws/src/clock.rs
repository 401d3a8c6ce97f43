//! The clock and the random source, which callers pass to the domain.
//!
//! The functions take all time and randomness from here, so that a simulation can replace the system's ([`with`]).

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use jiff::{Timestamp, Unit};
use portal_domain::{CampaignId, ClaimId, RecipientId, ScheduleId, TemplateId};
use rand::distr::{Distribution, StandardUniform};
use rand::{Rng, RngExt, TryCryptoRng, TryRng};
use ulid::Ulid;

/// A clock and a random source that replace the system's.
pub trait Source: fmt::Debug + Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Fills `bytes` with random data.
    fn fill(&self, bytes: &mut [u8]);
}

tokio::task_local! {
    static SOURCE: Arc<dyn Source>;
}

/// Runs `work` with this clock and random source, for simulations.
pub async fn with<F: Future>(source: Arc<dyn Source>, work: F) -> F::Output {
    SOURCE.scope(source, work).await
}

/// The time in whole milliseconds: a finer one would only make items longer.
pub fn now() -> Timestamp {
    let now = SOURCE.try_with(|source| source.now()).unwrap_or_else(|_| Timestamp::now());
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// The random source: the thread's cryptographically secure generator, which the system seeds.
pub fn rng() -> Random {
    Random
}

/// A random value, such as an array of bytes.
pub fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    rng().random()
}

/// See [`rng`].
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let replaced = SOURCE.try_with(|source| source.fill(bytes));
        if replaced.is_err() {
            rand::rng().fill_bytes(bytes);
        }
        Ok(())
    }
}

impl TryCryptoRng for Random {}

/// A new random recipient id.
pub fn new_recipient_id() -> RecipientId {
    RecipientId::from_random(random())
}

/// A new random claim id.
pub fn new_claim_id() -> ClaimId {
    ClaimId::from_random(random())
}

/// A new campaign id for a campaign that starts at `now`.
pub fn new_campaign_id(now: Timestamp) -> CampaignId {
    CampaignId::from_parts(now.as_millisecond().unsigned_abs(), random())
}

/// The id of a template that is made at `now`.
pub fn new_template_id(now: Timestamp) -> TemplateId {
    TemplateId::from_parts(now.as_millisecond().unsigned_abs(), random())
}

/// The id of a schedule that is made at `now`.
pub fn new_schedule_id(now: Timestamp) -> ScheduleId {
    ScheduleId::from_parts(now.as_millisecond().unsigned_abs(), random())
}

/// The id of something that happens at `now`: ids sort by time.
pub fn new_event_id(now: Timestamp) -> String {
    Ulid::from_parts(now.as_millisecond().unsigned_abs(), random()).to_string()
}

/// A new token by which AWS recognises a repeated request.
pub fn new_token() -> String {
    Ulid::from(random::<u128>()).to_string()
}

/// The smallest id of things that happen at `now` or later.
pub fn first_event_id(now: Timestamp) -> String {
    Ulid::from_parts(now.as_millisecond().unsigned_abs(), 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed;

    impl Source for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_microsecond(1_795_381_800_000_700).expect("a time")
        }

        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[tokio::test]
    async fn a_source_replaces_clock_and_randomness_inside_its_work_only() {
        let (now, bytes) = with(Arc::new(Fixed), async { (now(), random::<[u8; 4]>()) }).await;
        assert_eq!((now.as_microsecond(), bytes), (1_795_381_800_001_000, [7; 4]));
        assert!(super::now().duration_since(Timestamp::now()).abs() < jiff::SignedDuration::from_mins(1));
        assert_ne!(random::<[u8; 16]>(), random::<[u8; 16]>());
    }
}
