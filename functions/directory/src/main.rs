//! Entry point of the Lambda function `directory`.

use lambda_http::Error;
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = portal_aws::config::load().await;
    let directory = directory::Directory::new(&config, &Settings::from_env())?;
    portal_http::run(directory::router(directory)).await
}
