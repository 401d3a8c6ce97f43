//! Entry point of the Lambda function `scheduled-send`.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use portal_aws::clock;
use portal_aws::settings::Settings;
use scheduled_send::ScheduledSend;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = portal_aws::config::load().await;
    let scheduled_send = &ScheduledSend::new(&config, &Settings::from_env())?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        scheduled_send.run(&event.payload, clock::now()).await.map_err(|error| Error::from(error.to_string()))
    }))
    .await
}
