//! Functions that a queue invokes.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use portal_aws::clock;

/// A function that handles the messages of a queue.
pub trait Consumer {
    /// Why a message could not be handled; it will be received again.
    type Error: std::error::Error;

    /// Handles one message. Lambda ends the function at `deadline`.
    fn message(&self, body: &str, deadline: Timestamp) -> impl Future<Output = Result<(), Self::Error>>;

    /// Handles a batch of messages, each on its own, and says which of them failed. `deadline` is in milliseconds since
    /// 1970.
    fn handle(&self, event: SqsEvent, deadline: u64) -> impl Future<Output = SqsBatchResponse> {
        async move {
            let deadline = i64::try_from(deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
            let deadline = deadline.unwrap_or_else(clock::now);
            let mut response = SqsBatchResponse::default();
            for record in event.records {
                let id = record.message_id.unwrap_or_default();
                // Boxed, because the futures nest deeper than the compiler's recursion limit for layouts.
                let handled = Box::pin(self.message(record.body.as_deref().unwrap_or_default(), deadline));
                if let Err(error) = handled.await {
                    tracing::error!(message.id = id, error = %error, "message failed");
                    response.add_failure(id);
                }
            }
            response
        }
    }
}
