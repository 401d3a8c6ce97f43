//! Entry point of the Lambda function `schedules`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let schedules = schedules::Schedules::new(&config, &Settings::from_env())?;
    portal_http::run(schedules::router(schedules)).await
}
