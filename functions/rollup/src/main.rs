//! Entry point of the Lambda function `rollup`.

use portal_runtime::Error;
use rollup::Rollup;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::run(Rollup::new, async |rollup, event| rollup.handle(event).await).await
}
