//! Entry point of the Lambda function `campaigns`.

use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let campaigns = campaigns::Campaigns::from_env().await?;
    portal_http::run(campaigns::router(campaigns)).await
}
