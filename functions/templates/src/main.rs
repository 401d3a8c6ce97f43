//! Entry point of the Lambda function `templates`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let templates = templates::Templates::new(&config, &Settings::from_env())?;
    portal_http::run(templates::router(templates)).await
}
