//! Entry point of the Lambda function `schedules`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(schedules::Schedules::new, schedules::router).await
}
