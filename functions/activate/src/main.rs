//! Entry point of the Lambda function `activate`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let activate = activate::Activate::new(&config, &Settings::from_env())?;
    portal_http::run(activate::router(activate)).await
}
