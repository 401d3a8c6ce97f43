//! Entry point of the Lambda function `load`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let load = load::Load::new(&config, &Settings::from_env())?;
    portal_http::run(load::router(load)).await
}
