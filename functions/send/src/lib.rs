//! `send`: checks a request to send, and starts a campaign.

mod http;
mod request;
mod start;

use portal_aws::campaigns::CampaignStore;
use portal_aws::context::Context;
use portal_aws::idempotency::IdempotencyKeys;
use portal_aws::launch::Launcher;
use portal_aws::settings::InvalidSetting;

pub use http::{router, routes};
pub use request::SendRequest;

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Send {
    store: CampaignStore,
    keys: IdempotencyKeys,
    launcher: Launcher,
}

impl Send {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            keys: IdempotencyKeys::new(context)?,
            launcher: Launcher::new(context)?,
        })
    }
}
