//! How a function runs as a Lambda: its `main` names what builds it, and how it is invoked.

mod consumer;

use axum::Router;
use lambda_runtime::{LambdaEvent, service_fn};
use portal_aws::context::Context;
use portal_aws::settings::InvalidSetting;
use serde::Serialize;
use serde_json::Value;

pub use consumer::Consumer;
pub use lambda_runtime::Error;

/// Serves the routes of a function behind API Gateway.
pub async fn serve<F>(
    new: impl FnOnce(&Context) -> Result<F, InvalidSetting>,
    router: impl FnOnce(F) -> Router,
) -> Result<(), Error> {
    portal_http::run(router(new(&Context::from_env().await)?)).await
}

/// Hands a function the messages of its queue.
pub async fn consume<F: Consumer>(new: impl FnOnce(&Context) -> Result<F, InvalidSetting>) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let function = &new(&Context::from_env().await)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(function.handle(event.payload, event.context.deadline).await)
    }))
    .await
}

/// Hands a function any other event.
pub async fn run<F, R: Serialize, E: std::error::Error>(
    new: impl FnOnce(&Context) -> Result<F, InvalidSetting>,
    handle: impl AsyncFn(&F, Value) -> Result<R, E>,
) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let function = &new(&Context::from_env().await)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        Box::pin(handle(function, event.payload)).await.map_err(|error| Error::from(error.to_string()))
    }))
    .await
}
