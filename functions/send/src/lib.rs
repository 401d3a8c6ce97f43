//! `send`: checks a request to send, and starts a campaign.

mod http;
mod request;
mod start;

use aws_config::SdkConfig;
use portal_aws::campaigns::CampaignStore;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::mail::Mailer;
use portal_aws::queue::Queue;
use portal_aws::settings::{MissingSetting, Settings};

pub use http::router;
pub use request::SendRequest;

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Send {
    store: CampaignStore,
    directory: DirectoryReader,
    templates: TemplateStore,
    mailer: Mailer,
    fan_out: Queue,
}

impl Send {
    /// Builds the function from its settings.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Result<Self, MissingSetting> {
        let dynamo = aws_sdk_dynamodb::Client::new(config);
        let directory = settings.required("DIRECTORY_TABLE")?;
        Ok(Self {
            store: CampaignStore::new(dynamo.clone(), settings.required("CAMPAIGNS_TABLE")?, directory.clone()),
            templates: TemplateStore::new(dynamo.clone(), directory.clone()),
            directory: DirectoryReader::new(dynamo, directory),
            mailer: Mailer::new(config),
            fan_out: Queue::new(aws_sdk_sqs::Client::new(config), settings.required("FAN_OUT_QUEUE_URL")?),
        })
    }
}
