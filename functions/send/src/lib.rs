//! `send`: checks a request to send, and starts a campaign.

mod http;
mod request;
mod start;

use aws_config::SdkConfig;
use portal_aws::campaigns::CampaignStore;
use portal_aws::launch::Launcher;
use portal_aws::settings::{InvalidSetting, Settings};

pub use http::router;
pub use request::SendRequest;

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Send {
    store: CampaignStore,
    launcher: Launcher,
}

impl Send {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, InvalidSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        Ok(Self { store: CampaignStore::new(dynamo, settings)?, launcher: Launcher::new(config, settings)? })
    }
}
