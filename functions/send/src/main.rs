//! Entry point of the Lambda function `send`.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let send = send::Send::from_env().await?;
    portal_http::run(send::router(send)).await
}
