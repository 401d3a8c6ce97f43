//! How the functions call AWS.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;

/// The limit for opening a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// The limit for one try of a call. DynamoDB and SQS answer in milliseconds. A function runs for at least 29 seconds,
/// and a call that hangs must leave it time to try again.
const TRY: Duration = Duration::from_secs(5);

/// The configuration of this process.
pub async fn load() -> SdkConfig {
    aws_config::from_env().timeout_config(timeouts()).load().await
}

/// The limits for calls: the SDK tries three times, each within these.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(TRY).build()
}
