//! Entry point of the Lambda function `feedback`.

use aws_lambda_events::sqs::SqsEvent;
use feedback::Feedback;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use portal_aws::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = portal_aws::config::load().await;
    let feedback = &Feedback::new(&config, &Settings::from_env())?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(feedback.handle(event.payload).await)
    }))
    .await
}
