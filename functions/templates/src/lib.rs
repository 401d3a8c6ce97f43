//! `templates`: stores notification templates, previews them, and mails a test to the operator who asks.

mod input;
mod keep;
mod show;
mod trial;

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::Router;
use axum::routing::{get, post};
use portal_aws::audit::Audit;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::mail::Mailer;
use portal_aws::settings::{InvalidSetting, Settings};
use portal_http::{Permission, require};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Templates {
    store: TemplateStore,
    directory: DirectoryReader,
    mailer: Mailer,
    audit: Audit,
}

impl Templates {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, InvalidSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let directory = settings.required("DIRECTORY_TABLE")?;
        Ok(Self {
            store: TemplateStore::new(dynamo.clone(), directory.clone()),
            audit: Audit::new(dynamo.clone(), settings)?,
            directory: DirectoryReader::new(dynamo, directory),
            mailer: Mailer::new(config).in_configuration_set(settings.required("CONFIGURATION_SET")?),
        })
    }
}

/// The routes, guarded.
pub fn router(templates: Templates) -> Router {
    let routes = Router::new()
        .route("/v1/templates", get(keep::list).post(keep::create))
        .route("/v1/templates/preview", post(show::preview_sources))
        .route("/v1/templates/{template_id}", get(keep::one).put(keep::save))
        .route("/v1/templates/{template_id}/versions", get(keep::versions))
        .route("/v1/templates/{template_id}/activate", post(keep::activate))
        .route("/v1/templates/{template_id}/deactivate", post(keep::deactivate))
        .route("/v1/templates/{template_id}/preview", post(show::preview_stored))
        .route("/v1/templates/{template_id}/test", post(trial::send))
        .with_state(Arc::new(templates));
    require(Permission::SendInvitations, routes)
}
