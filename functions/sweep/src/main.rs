//! Entry point of the Lambda function `sweep`.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use portal_aws::clock;
use portal_aws::settings::Settings;
use serde_json::Value;
use sweep::Sweep;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = portal_aws::config::load().await;
    let sweep = &Sweep::new(&config, &Settings::from_env())?;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        sweep.run(clock::now()).await.map_err(|error| Error::from(error.to_string()))
    }))
    .await
}
