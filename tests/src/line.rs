//! The line between a function and the local cloud, on which calls and answers get lost as a test wants it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::Notify;

/// What happens to one call.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is made and answered.
    Made,
    /// Nobody can be reached: it is not made.
    NoConnection,
    /// It is made, and the connection breaks before the answer is there.
    AnswerLost,
    /// It is made, and an answer never comes.
    NoAnswer,
    /// It is not made, and answered so.
    Answered(u16, &'static str),
    /// It waits at the gate before it is made.
    Held(Arc<Gate>),
}

/// Where a call waits until a test has done something else.
#[derive(Debug, Default)]
pub struct Gate {
    arrived: Notify,
    open: Notify,
}

impl Gate {
    /// Until a call waits at the gate.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets it go on.
    pub fn open(&self) {
        self.open.notify_one();
    }
}

/// The same configuration with a line on which `fate` decides about each call. It is asked with the operation, such as
/// `TransactWriteItems`, and how many calls of the same operation came before.
pub fn line(config: &SdkConfig, fate: impl Fn(&str, usize) -> Fate + Send + Sync + 'static) -> SdkConfig {
    let line = Line { fate: Arc::new(fate), calls: Arc::default(), client: reqwest::Client::new() };
    let client: SharedHttpClient = http_client_fn(move |_, _| SharedHttpConnector::new(line.clone()));
    config.to_builder().http_client(client).build()
}

type Decide = dyn Fn(&str, usize) -> Fate + Send + Sync;

#[derive(Clone)]
struct Line {
    fate: Arc<Decide>,
    calls: Arc<Mutex<HashMap<String, usize>>>,
    client: reqwest::Client,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let earlier = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(operation.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let fate = (self.fate)(&operation, earlier);
        let client = self.client.clone();
        HttpConnectorFuture::new(async move {
            match fate {
                Fate::Made => make(&client, request).await,
                Fate::NoConnection => Err(broken(std::io::ErrorKind::ConnectionRefused)),
                Fate::AnswerLost => {
                    make(&client, request).await?;
                    Err(broken(std::io::ErrorKind::ConnectionReset))
                }
                Fate::NoAnswer => {
                    make(&client, request).await?;
                    std::future::pending().await
                }
                Fate::Answered(status, body) => Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))),
                Fate::Held(gate) => {
                    gate.arrived.notify_one();
                    gate.open.notified().await;
                    make(&client, request).await
                }
            }
        })
    }
}

fn operation(request: &HttpRequest) -> String {
    let path = request.uri().split('?').next().unwrap_or_default();
    match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None if path.ends_with("/v2/email/outbound-emails") => "SendEmail".to_owned(),
        None if path.ends_with("/v2/email/account") => "GetAccount".to_owned(),
        None => path.to_owned(),
    }
}

async fn make(client: &reqwest::Client, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut call = client.request(request.method().parse().unwrap(), request.uri());
    for (name, value) in request.headers() {
        call = call.header(name, value);
    }
    // Read as it is sent: the SDK watches that the body goes out.
    let body = ByteStream::new(request.take_body()).collect().await;
    let body = body.map_err(|error| ConnectorError::other(error.into(), None))?.into_bytes();
    let answer = call.body(body).send().await;
    let answer = answer.map_err(|error| ConnectorError::other(error.into(), None))?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_vec()));
    for (name, value) in &headers {
        response.headers_mut().append(name.to_string(), value.to_str().unwrap_or_default().to_owned());
    }
    Ok(response)
}

fn broken(kind: std::io::ErrorKind) -> ConnectorError {
    ConnectorError::io(std::io::Error::from(kind).into())
}
