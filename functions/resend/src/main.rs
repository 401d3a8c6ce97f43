//! Entry point of the Lambda function `resend`.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use portal_aws::clock;
use portal_aws::settings::Settings;
use resend::Resend;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = portal_aws::config::load().await;
    let resend = &Resend::new(&config, &Settings::from_env())?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(resend.handle(event.payload, clock::now()).await)
    }))
    .await
}
