//! `directory`: keeps divisions and accounts, and with them recipients and their links.

mod accounts;
mod answer;
mod deadline;
mod divisions;
mod posted;

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::Router;
use axum::routing::{delete, post, put};
use portal_aws::audit::Audit;
use portal_aws::directory::write::DirectoryStore;
use portal_aws::settings::{InvalidSetting, Settings};
use portal_http::{Permission, require};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Directory {
    store: DirectoryStore,
    audit: Audit,
}

impl Directory {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, InvalidSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let (table, events) = (settings.required("DIRECTORY_TABLE")?, settings.required("CAMPAIGNS_TABLE")?);
        let audit = Audit::new(dynamo.clone(), settings)?;
        Ok(Self { store: DirectoryStore::new(dynamo, table, events), audit })
    }
}

/// The routes, guarded.
pub fn router(directory: Directory) -> Router {
    let routes = Router::new()
        .route("/v1/divisions/{division}", put(divisions::store))
        .route("/v1/accounts", post(accounts::post))
        .route("/v1/accounts/{accountId}", delete(accounts::delete))
        .with_state(Arc::new(directory));
    require(Permission::Directory, routes)
}
