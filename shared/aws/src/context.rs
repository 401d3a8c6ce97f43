//! The context from which a function is built.

use aws_config::SdkConfig;

use crate::config;
use crate::queue::Queue;
use crate::settings::{InvalidSetting, Settings};
use crate::table::Table;

/// The settings of a function, and the clients that its parts share, since each client has its own connections.
#[derive(Clone, Debug)]
pub struct Context {
    /// The configuration of AWS clients.
    pub config: SdkConfig,
    /// The function's settings.
    pub settings: Settings,
    /// The client of SQS.
    pub sqs: aws_sdk_sqs::Client,
    dynamo: aws_sdk_dynamodb::Client,
}

impl Context {
    /// A context with clients of this configuration.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            config: config.clone(),
            settings: settings.clone(),
            sqs: aws_sdk_sqs::Client::new(config),
            dynamo: aws_sdk_dynamodb::Client::new(config),
        }
    }

    /// The context of this process.
    pub async fn from_env() -> Self {
        Self::new(&config::load().await, &Settings::from_env())
    }

    /// The table that a setting names.
    pub fn table(&self, setting: &'static str) -> Result<Table, InvalidSetting> {
        Ok(Table::new(self.dynamo.clone(), self.settings.required(setting)?))
    }

    /// The queue whose address is in a setting.
    pub fn queue(&self, setting: &'static str) -> Result<Queue, InvalidSetting> {
        Ok(Queue::new(self.sqs.clone(), self.settings.required(setting)?))
    }
}
