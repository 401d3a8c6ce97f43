//! The SDK's own HTTP client, whose calls are answered in this process.

use std::fmt;
use std::sync::Arc;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

use super::{Call, Reply, Service};

type Answer = dyn Fn(&Call) -> Reply + Send + Sync;

/// Configuration of AWS clients whose calls `answer` answers at once, after other tasks that are ready have run.
pub fn config(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> SdkConfig {
    let connector = Connector(Arc::new(answer));
    // A region of its own, because clients of one process and region share their retry quota.
    let region = Region::new(uuid::Uuid::new_v4().to_string());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url("http://aws.invalid")
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .timeout_config(portal_aws::config::timeouts())
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone())))
        .build()
}

#[derive(Clone)]
struct Connector(Arc<Answer>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.clone();
        HttpConnectorFuture::new(async move {
            let call = read(request).await?;
            tokio::task::yield_now().await;
            Ok(response(&call, answer(&call)))
        })
    }
}

/// The call of an SDK request.
pub async fn read(mut request: HttpRequest) -> Result<Call, ConnectorError> {
    let body = request.take_body();
    // Read as it is sent, because the SDK monitors the upload.
    let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::other(error.into(), None))?;
    let (body, path) = (body.to_vec(), path(&request).to_owned());
    let target = request.headers().get("x-amz-target");
    let called = called(request.method(), &path, target, &body);
    let (service, operation) = called.ok_or_else(|| {
        ConnectorError::user(format!("no service in memory answers {} {path} {target:?}", request.method()).into())
    })?;
    let agent = request.headers().get("user-agent").unwrap_or_default();
    let function = agent.split(' ').find_map(|part| part.strip_prefix("app/")).map(str::to_owned);
    Ok(Call { function, service, operation, path, body })
}

/// The same configuration with the name under which a function makes its calls, as `AWS_SDK_UA_APP_ID` gives it.
pub fn named(config: &SdkConfig, function: &str) -> SdkConfig {
    let name = AppName::new(function.to_owned()).expect("functions have plain names");
    config.clone().into_builder().app_name(name).build()
}

/// The path and query of a request.
fn path(request: &HttpRequest) -> &str {
    let uri = request.uri();
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    path.find('/').map_or("/", |start| &path[start..])
}

/// The operation of a request, or its path if no service is known that has it.
pub fn operation(request: &HttpRequest) -> String {
    let (path, body) = (path(request), request.body().bytes().unwrap_or_default());
    let called = called(request.method(), path, request.headers().get("x-amz-target"), body);
    called.map_or_else(|| path.to_owned(), |(_, operation)| operation)
}

/// The service and the operation of a request: services that speak JSON name it in a header, those that speak REST in
/// method and path, and SNS in the form.
fn called(method: &str, path: &str, target: Option<&str>, body: &[u8]) -> Option<(Service, String)> {
    if let Some((service, operation)) = target.and_then(|target| target.split_once('.')) {
        let service = match service {
            "DynamoDB_20120810" => Service::DynamoDb,
            "AmazonSQS" => Service::Sqs,
            "AWSEvents" => Service::EventBridge,
            "AWSCognitoIdentityProviderService" => Service::Cognito,
            _ => return None,
        };
        return Some((service, operation.to_owned()));
    }
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (service, operation) = match (method, &parts[..]) {
        ("POST", ["v2", "email", "outbound-emails"]) => (Service::Ses, "SendEmail"),
        ("GET", ["v2", "email", "account"]) => (Service::Ses, "GetAccount"),
        ("GET", ["v2", "email", "identities", _]) => (Service::Ses, "GetEmailIdentity"),
        ("POST", ["schedules", _]) => (Service::Scheduler, "CreateSchedule"),
        ("PUT", ["schedules", _]) => (Service::Scheduler, "UpdateSchedule"),
        ("DELETE", ["schedules", _]) => (Service::Scheduler, "DeleteSchedule"),
        ("GET", ["schedules", _]) => (Service::Scheduler, "GetSchedule"),
        ("POST", [""]) => {
            let action = form_urlencoded::parse(body).find(|(name, _)| name == "Action");
            return action.map(|(_, action)| (Service::Sns, action.into_owned()));
        }
        _ => return None,
    };
    Some((service, operation.to_owned()))
}

/// The answer as the SDK reads it.
pub fn response(call: &Call, reply: Reply) -> HttpResponse {
    let content_type = match call.service {
        Service::Sns => "text/xml",
        Service::Ses | Service::Scheduler => "application/json",
        Service::DynamoDb | Service::Sqs => "application/x-amz-json-1.0",
        Service::EventBridge | Service::Cognito => "application/x-amz-json-1.1",
    };
    let code = Some(&reply).filter(|reply| reply.status >= 400).and_then(|reply| code(&reply.body));
    let status = reply.status.try_into().expect("a status of HTTP");
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
    let headers = response.headers_mut();
    headers.insert("content-type", content_type);
    match (call.service, code) {
        (Service::Ses | Service::Scheduler, Some(code)) => {
            headers.insert("x-amzn-errortype", code);
        }
        (Service::Sqs, Some(code)) => {
            headers.insert("x-amzn-query-error", format!("{};Sender", query_code(&code)));
        }
        _ => {}
    }
    response
}

/// The code of an error, without what stands before it.
fn code(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let code = body["__type"].as_str()?;
    Some(code.rsplit('#').next().unwrap_or(code).to_owned())
}

/// The code that SQS gave an error before it spoke JSON, which SDKs still show
/// (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html).
fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "EmptyBatchRequest"
        | "TooManyEntriesInBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "InvalidBatchEntryId"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}
