//! `directory`: keeps divisions and accounts, and with them recipients and their links.

mod accounts;
mod answer;
mod deadline;
mod divisions;
mod erase;
mod posted;
mod routes;

use portal_aws::audit::Audit;
use portal_aws::context::Context;
use portal_aws::directory::write::DirectoryStore;
use portal_aws::people::erasure::Eraser;
use portal_aws::settings::InvalidSetting;

pub use routes::{router, routes};

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
