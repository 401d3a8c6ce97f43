//! `templates`: stores notification templates, previews them, and mails a test to the operator who asks.

mod input;
mod keep;
mod routes;
mod show;
mod trial;

use portal_aws::audit::Audit;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::mail::Mailer;
use portal_aws::settings::InvalidSetting;

pub use routes::{router, routes};

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
