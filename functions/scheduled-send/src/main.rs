//! Entry point of the Lambda function `scheduled-send`.

use portal_aws::clock;
use portal_runtime::Error;
use scheduled_send::ScheduledSend;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::run(ScheduledSend::new, async |function, event| function.run(&event, clock::now()).await).await
}
