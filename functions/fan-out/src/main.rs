//! Entry point of the Lambda function `fan-out`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::consume(fan_out::FanOut::new).await
}
