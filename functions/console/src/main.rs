//! Entry point of the Lambda function `console`.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_http::run(console::router()).await
}
