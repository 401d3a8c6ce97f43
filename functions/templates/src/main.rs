//! Entry point of the Lambda function `templates`.

use portal_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portal_runtime::serve(templates::Templates::new, templates::router).await
}
