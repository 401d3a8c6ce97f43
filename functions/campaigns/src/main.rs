//! Entry point of the Lambda function `campaigns`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let campaigns = campaigns::Campaigns::new(&config, &Settings::from_env())?;
    portal_http::run(campaigns::router(campaigns)).await
}
