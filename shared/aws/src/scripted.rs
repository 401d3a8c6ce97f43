//! For unit tests: AWS clients that give scripted answers and keep the requests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

use crate::context::Context;

/// Answers with these statuses and bodies in order. The last one answers all further requests.
pub struct Scripted {
    answers: Mutex<VecDeque<(u16, String)>>,
    requests: Mutex<Vec<Request>>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation for JSON services, the path for REST services.
    pub operation: String,
    /// The body; null if there was none.
    pub body: Value,
}

impl Scripted {
    /// A context whose clients get these answers, and their requests.
    pub fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> (Context, Arc<Self>) {
        let answers = answers.into_iter().map(|(status, body)| (status, body.to_string())).collect();
        let scripted = Arc::new(Self { answers: Mutex::new(answers), requests: Mutex::default() });
        let connector = Connector(scripted.clone());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone())))
            .build();
        let settings =
            [("CAMPAIGNS_TABLE", "Campaigns"), ("DIRECTORY_TABLE", "Directory"), ("LEDGER_RETENTION_DAYS", "100")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        (Context::new(&config, &settings), scripted)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics in here").clone()
    }

    fn answer(&self) -> (u16, String) {
        let mut answers = self.answers.lock().expect("no test panics in here");
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.expect("a script has answers")
    }
}

#[derive(Clone)]
struct Connector(Arc<Scripted>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let scripted = self.0.clone();
        HttpConnectorFuture::new(async move {
            let body = ByteStream::new(request.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::other(error.into(), None))?.to_vec();
            let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
            let operation = target.map_or(request.uri(), |(_, operation)| operation).to_owned();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            scripted.requests.lock().expect("no test panics in here").push(Request { operation, body });
            let (status, body) = scripted.answer();
            Ok(HttpResponse::new(status.try_into().expect("a status of HTTP"), SdkBody::from(body)))
        })
    }
}
