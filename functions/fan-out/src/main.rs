//! Entry point of the Lambda function `fan-out`.

use aws_lambda_events::sqs::SqsEvent;
use fan_out::FanOut;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let fan_out = &FanOut::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(fan_out.handle(event.payload, event.context.deadline).await)
    }))
    .await
}
