//! `load`: what an operator sees before sending. What the filters may be set to, the five counts, and the lists behind them.

mod counts;
mod filters;
mod recipients;

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::Router;
use axum::routing::get;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::settings::{MissingSetting, Settings};
use portal_domain::input::FieldError;
use portal_domain::{Division, DivisionId};
use portal_http::{Permission, Problem, require};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Load {
    directory: DirectoryReader,
}

impl Load {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        Ok(Self { directory: DirectoryReader::new(dynamo, settings.required("DIRECTORY_TABLE")?) })
    }

    /// The division that a query names; one that doesn't exist is a fault of the query.
    async fn division(&self, id: &DivisionId) -> Result<Division, Problem> {
        let division = self.directory.division(id).await?;
        division.ok_or_else(|| FieldError::new("division", "is not a known division").into())
    }
}

/// The routes, guarded.
pub fn router(load: Load) -> Router {
    let routes = Router::new()
        .route("/v1/filters", get(filters::list))
        .route("/v1/counts", get(counts::count))
        .route("/v1/recipients", get(recipients::list))
        .with_state(Arc::new(load));
    require(Permission::SendInvitations, routes)
}
