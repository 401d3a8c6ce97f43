//! Entry point of the Lambda function `fan-out`.

use aws_lambda_events::sqs::SqsEvent;
use fan_out::FanOut;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = portal_aws::config::load().await;
    let fan_out = &FanOut::new(&config, &Settings::from_env())?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(fan_out.handle(event.payload, event.context.deadline).await)
    }))
    .await
}
