//! Entry point of the Lambda function `deliver`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::consume(deliver::Deliver::new).await
}
