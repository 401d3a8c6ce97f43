//! `directory`: keeps divisions and accounts, and with them recipients and their links.

mod accounts;
mod answer;
mod deadline;
mod divisions;
mod erase;
mod posted;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, post, put};
use portal_aws::audit::Audit;
use portal_aws::context::Context;
use portal_aws::directory::write::DirectoryStore;
use portal_aws::erasure::Eraser;
use portal_aws::settings::InvalidSetting;
use portal_http::{Permission, require};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Directory {
    store: DirectoryStore,
    eraser: Eraser,
    audit: Audit,
}

impl Directory {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { store: DirectoryStore::new(context)?, eraser: Eraser::new(context)?, audit: Audit::new(context)? })
    }
}

/// The routes, guarded. Most exist twice, because a path of the gateway takes either ID tokens or access tokens: one
/// for people, one for machine clients.
pub fn router(directory: Directory) -> Router {
    let directory = Arc::new(directory);
    let routes = Router::new()
        .route("/divisions/{division}", put(divisions::store))
        .route("/accounts", post(accounts::post))
        .route("/accounts/{accountId}", delete(accounts::delete))
        .with_state(directory.clone());
    // Machine clients can't erase people.
    let of_people = Router::new()
        .route("/v1/recipients/{recipientId}/erase", post(erase::erase))
        .route("/v1/divisions/{division}/readmit", post(erase::readmit))
        .with_state(directory);
    let both = Router::new().nest("/v1", routes.clone()).nest("/v1/machine", routes);
    require(Permission::Directory, both.merge(of_people))
}
