//! How the functions call AWS.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// How long one try of a call may take. DynamoDB and SQS answer in milliseconds; a function lives for 29 seconds at least, and a
/// call that hangs must leave it the time to try again.
const TRY: Duration = Duration::from_secs(5);

/// The configuration of this process.
pub async fn load() -> SdkConfig {
    aws_config::from_env().timeout_config(timeouts()).load().await
}

/// How long calls may take: the SDK tries three times, each with a limit.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(TRY).build()
}
