//! Errors of tables.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use portal_domain::{Tell, Told};

/// A call to a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A call to DynamoDB failed.
    #[error("DynamoDB could not {what}: {cause}")]
    Call {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        cause: Box<dyn Error + Send + Sync>,
        /// Whether nothing is wrong with the call: no answer came, or DynamoDB itself failed.
        passing: bool,
    },
    /// The call was throttled, or other transactions held the items, until the retries were used up.
    #[error("DynamoDB is busy: gave up trying to {0}")]
    Busy(&'static str),
    /// An item does not have the form that this version writes. The cause may quote the item, and so is not in the
    /// message.
    #[error("an item of the table is not in the expected form")]
    Form(#[from] serde_dynamo::Error),
    /// Derived numbers do not have the form that this version writes.
    #[error(transparent)]
    Damaged(#[from] portal_domain::numbers::Damaged),
    /// Derived numbers and changes do not belong together.
    #[error(transparent)]
    Inconsistent(#[from] portal_domain::numbers::Inconsistent),
    /// The address of a recipient is none by the rules of this version.
    #[error("the address of a recipient is not in the expected form")]
    NoAddress,
}

impl Tell for StoreError {
    fn tell(self) -> Told {
        if self.is_transient() { Told::Busy(self.into()) } else { Told::Broken(self.into()) }
    }
}

impl StoreError {
    /// Whether the error is transient: the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Call { passing: true, .. })
    }

    /// The error of a request that lacks a member that the SDK requires.
    pub fn request(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Call { what: "build a request", cause: Box::new(error), passing: false }
    }

    /// The error of a failed call; throttling becomes [`StoreError::Busy`].
    pub fn of<E>(what: &'static str, error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        if error.code().is_some_and(is_throttle) {
            return Self::Busy(what);
        }
        let passing = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(answer) => answer.raw().status().is_server_error(),
            _ => false,
        };
        Self::Call { what, cause: Box::new(Chain(error)), passing }
    }
}

/// Shows an SDK error with its causes, which its own `Display` omits. Neither this nor `Debug` shows the body of the
/// answer, as the SDK does: the answer to a cancelled transaction contains items with addresses.
struct Chain<E>(E);

impl<E: Error> fmt::Display for Chain<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl<E: Error> fmt::Debug for Chain<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: Error> Error for Chain<E> {}

pub(super) fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "TransactionInProgressException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Answer {
        source: fmt::Error,
        _body: &'static str,
    }

    #[test]
    fn an_error_shows_its_causes_and_nothing_of_an_answers_body() {
        let shown = Chain(Answer { source: fmt::Error, _body: "ann@example.com" });
        let expected = format!("service error: {}", fmt::Error);
        assert_eq!((format!("{shown}"), format!("{shown:?}")), (expected.clone(), expected));
    }
}
