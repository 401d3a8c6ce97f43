//! Entry point of the Lambda function `resend`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::consume(resend::Resend::new).await
}
