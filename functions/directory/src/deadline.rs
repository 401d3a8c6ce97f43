//! When to stop, so that the answer still reaches the caller.

use axum::http::Extensions;
use jiff::{SignedDuration, Timestamp};
use lambda_http::Context;

/// How long before its deadline a function begins no more work: one contended transaction may take 5 seconds.
const MARGIN: SignedDuration = SignedDuration::from_secs(6);

/// When to begin no more work; `None` outside Lambda.
pub fn until(extensions: &Extensions) -> Option<Timestamp> {
    let deadline = i64::try_from(extensions.get::<Context>()?.deadline).ok()?;
    // A test's context has no deadline.
    (deadline > 0).then_some(Timestamp::from_millisecond(deadline).ok()? - MARGIN)
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
        assert_eq!(until(&with_deadline(1_795_381_829_000)), Timestamp::from_millisecond(1_795_381_823_000).ok());
    }

    #[test]
    fn outside_lambda_nothing_hurries() {
        assert_eq!(until(&Extensions::new()), None);
        assert_eq!(until(&with_deadline(0)), None);
        assert_eq!(until(&with_deadline(u64::MAX)), None);
    }
}
