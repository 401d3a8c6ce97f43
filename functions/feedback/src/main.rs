//! Entry point of the Lambda function `feedback`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::consume(feedback::Feedback::new).await
}
