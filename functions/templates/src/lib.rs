//! `templates`: stores notification templates, previews them, and mails a test to the operator who asks.

mod input;
mod keep;
mod show;
mod trial;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use portal_aws::audit::Audit;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::mail::Mailer;
use portal_aws::settings::InvalidSetting;
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
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: TemplateStore::new(context)?,
            audit: Audit::new(context)?,
            directory: DirectoryReader::new(context)?,
            mailer: Mailer::new(context).in_configuration_set(context.settings.required("CONFIGURATION_SET")?),
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
