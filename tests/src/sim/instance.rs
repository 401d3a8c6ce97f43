//! One environment of a Lambda function: its clock, its random source, and its life, which may end or freeze anywhere.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use aws_smithy_async::time::TimeSource;
use jiff::{SignedDuration, Timestamp};
use portal_aws::clock::Source;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio::time::{Instant, Sleep};

/// The simulation's time, which begins at a date and follows tokio's paused clock.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    start: Timestamp,
    began: Instant,
}

impl Time {
    /// A time that begins now, inside a runtime, and is `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, began: Instant::now() }
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        self.start + self.began.elapsed()
    }

    /// This time on tokio's clock.
    pub fn instant(&self, at: Timestamp) -> Instant {
        let after = at.duration_since(self.start).max(SignedDuration::ZERO);
        self.began + after.unsigned_abs()
    }
}

/// An environment of a function. It serves one invocation after the other, until it dies.
#[derive(Debug)]
pub struct Instance {
    /// The function and a number, such as `deliver#3`.
    pub name: String,
    /// The function.
    pub function: &'static str,
    time: Time,
    skew: SignedDuration,
    random: Mutex<StdRng>,
    life: Mutex<Life>,
}

/// Controls of an environment from outside.
#[derive(Debug, Default)]
struct Life {
    killed: Option<String>,
    /// It stood still during this invocation.
    late: bool,
    frozen_until: Option<Timestamp>,
    waker: Option<Waker>,
}

impl Instance {
    /// A new environment whose clock is off by `skew`.
    pub fn new(function: &'static str, number: u64, time: Time, skew: SignedDuration, random: &mut StdRng) -> Self {
        Self {
            name: format!("{function}#{number}"),
            function,
            time,
            skew,
            random: Mutex::new(StdRng::from_rng(random)),
            life: Mutex::default(),
        }
    }

    /// Kills it at `place`: it does nothing more.
    pub fn kill(&self, place: String) {
        self.with_life(|life| life.killed.get_or_insert(place).len());
    }

    /// Freezes it until then.
    pub fn freeze(&self, until: Timestamp) {
        self.with_life(|life| {
            life.frozen_until = Some(until);
            life.late = true;
        });
    }

    /// Whether it was frozen during this invocation, so that it acts later than it intended.
    pub fn is_late(&self) -> bool {
        self.life().late
    }

    /// Whether it is dead.
    pub fn is_dead(&self) -> bool {
        self.life().killed.is_some()
    }

    /// Whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.life().frozen_until.is_some_and(|until| until > self.time.now())
    }

    /// Runs an invocation, with this environment's clock and randomness; the place where it was killed if it was.
    pub async fn run<F: Future>(self: &Arc<Self>, work: F) -> Result<F::Output, String> {
        self.life().late = false;
        let source: Arc<dyn Source> = self.clone();
        let work = portal_aws::clock::with(source, work);
        Living { instance: self.clone(), work: Box::pin(work), thaw: None }.await
    }

    fn with_life<T>(&self, change: impl FnOnce(&mut Life) -> T) {
        let mut life = self.life();
        change(&mut life);
        if let Some(waker) = life.waker.take() {
            waker.wake();
        }
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Instance {
    fn now(&self) -> Timestamp {
        self.time.now() + self.skew
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// The clock that the SDK signs by.
#[derive(Debug)]
pub struct SdkTime(pub Arc<Instance>);

impl TimeSource for SdkTime {
    fn now(&self) -> std::time::SystemTime {
        Source::now(&*self.0).into()
    }
}

/// An invocation, polled only while its environment is alive and not frozen.
struct Living<F> {
    instance: Arc<Instance>,
    work: Pin<Box<F>>,
    thaw: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Living<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            {
                let mut life = self.instance.life();
                if let Some(place) = &life.killed {
                    return Poll::Ready(Err(place.clone()));
                }
                life.waker = Some(context.waker().clone());
            }
            if self.instance.is_frozen() {
                let until = self.instance.life().frozen_until.unwrap_or(Timestamp::MIN);
                let at = self.instance.time.instant(until);
                let thaw = self.thaw.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
                thaw.as_mut().reset(at);
                if thaw.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.instance.life().frozen_until = None;
            }
            match self.work.as_mut().poll(context) {
                Poll::Ready(done) => return Poll::Ready(Ok(done)),
                // It may have been killed or frozen by what it just did.
                Poll::Pending if !self.instance.is_dead() && !self.instance.is_frozen() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }
}

/// Draws an event with this probability.
pub fn happens(random: &mut StdRng, probability: f64) -> bool {
    probability > 0.0 && random.random_bool(probability.min(1.0))
}
