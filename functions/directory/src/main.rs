//! Entry point of the Lambda function `directory`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(directory::Directory::new, directory::router).await
}
