//! Entry point of the Lambda function `campaigns`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(campaigns::Campaigns::new, campaigns::router).await
}
