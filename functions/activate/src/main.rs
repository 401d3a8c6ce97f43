//! Entry point of the Lambda function `activate`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(activate::Activate::new, activate::router).await
}
