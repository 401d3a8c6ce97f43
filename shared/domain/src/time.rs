//! Times as the API shows them.

use jiff::Timestamp;

/// Times in whole seconds, as every answer has them. Stored times are finer, because conditions compare them.
pub trait InSeconds {
    /// The same without fractions of a second.
    fn in_seconds(self) -> Self;
}

impl InSeconds for Timestamp {
    fn in_seconds(self) -> Self {
        Self::from_second(self.as_second()).unwrap_or(self)
    }
}

impl<T: InSeconds> InSeconds for Option<T> {
    fn in_seconds(self) -> Self {
        self.map(T::in_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_loses_its_fraction_and_is_never_later() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(at("2026-11-30T22:00:59.999Z").in_seconds().to_string(), "2026-11-30T22:00:59Z");
        assert_eq!(Some(at("2026-11-30T23:00:00+01:00")).in_seconds(), Some(at("2026-11-30T22:00:00Z")));
    }
}
