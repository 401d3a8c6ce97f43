//! Entry point of the Lambda function `deliver`.

use aws_lambda_events::sqs::SqsEvent;
use deliver::Deliver;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let deliver = &Deliver::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(deliver.handle(event.payload, event.context.deadline).await)
    }))
    .await
}
