//! When to stop, so that the answer still reaches the caller.

use std::time::{Duration, Instant};

use axum::http::Extensions;
use jiff::Timestamp;
use lambda_http::Context;

/// How long before its deadline a function begins no more work: one contended transaction may take 5 seconds.
const MARGIN: Duration = Duration::from_secs(6);

/// When to begin no more work; `None` outside Lambda.
pub fn until(extensions: &Extensions) -> Option<Instant> {
    let deadline = extensions.get::<Context>()?.deadline;
    let now = Timestamp::now().as_millisecond().unsigned_abs();
    let left = Duration::from_millis(deadline.saturating_sub(now));
    // A test's context has no deadline.
    (deadline > 0).then(|| Instant::now() + left.saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_deadline(deadline: u64) -> Extensions {
        let mut context = Context::default();
        context.deadline = deadline;
        let mut extensions = Extensions::new();
        extensions.insert(context);
        extensions
    }

    #[test]
    fn work_stops_some_seconds_before_the_deadline() {
        let in_29_seconds = Timestamp::now().as_millisecond().unsigned_abs() + 29_000;
        let left = until(&with_deadline(in_29_seconds)).map(|until| until - Instant::now());
        assert!(left.is_some_and(|left| left > Duration::from_secs(21) && left < Duration::from_secs(24)), "{left:?}");
        assert!(until(&with_deadline(1)).is_some_and(|until| until <= Instant::now()));
    }

    #[test]
    fn outside_lambda_nothing_hurries() {
        assert_eq!(until(&Extensions::new()), None);
        assert_eq!(until(&with_deadline(0)), None);
    }
}
