//! Entry point of the Lambda function `sweep`.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::Value;
use sweep::Sweep;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sweep = &Sweep::from_env().await?;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move { sweep.run().await })).await
}
