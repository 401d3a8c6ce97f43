//! Entry point of the Lambda function `send`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let send = send::Send::new(&config, &Settings::from_env())?;
    portal_http::run(send::router(send)).await
}
