//! Entry point of the Lambda function `send`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(send::Send::new, send::router).await
}
