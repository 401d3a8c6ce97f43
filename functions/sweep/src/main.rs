//! Entry point of the Lambda function `sweep`.

use portal_aws::clock;
use portal_runtime::Error;
use sweep::Sweep;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::run(Sweep::new, async |sweep, _| sweep.run(clock::now()).await).await
}
