//! Entry point of the Lambda function `load`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(load::Load::new, load::router).await
}
