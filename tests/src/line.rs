//! The line between a function and AWS, on which a test can lose calls and answers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::sync::Notify;

use crate::cloud::connector::operation;

/// What happens to one call.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is made and answered.
    Made,
    /// No connection: the call is not made.
    NoConnection,
    /// It is made, and the connection breaks before the answer is there.
    AnswerLost,
    /// It is made, and an answer never comes.
    NoAnswer,
    /// The call is not made, and gets this answer.
    Answered(u16, &'static str),
    /// The call is not made, and gets this answer with status 200 after a time.
    AnsweredAfter(Duration, &'static str),
    /// The call waits at the gate before it is made.
    Held(Arc<Gate>),
}

/// A gate at which a call waits until the test opens it.
#[derive(Debug, Default)]
pub struct Gate {
    arrived: Notify,
    open: Notify,
}

impl Gate {
    /// Waits until a call is at the gate.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Opens the gate.
    pub fn open(&self) {
        self.open.notify_one();
    }
}

/// The same configuration with a line on which `fate` decides about each call. It is asked with the operation, such as
/// `TransactWriteItems`, and how many calls of the same operation came before.
pub fn line(config: &SdkConfig, fate: impl Fn(&str, usize) -> Fate + Send + Sync + 'static) -> SdkConfig {
    let (fate, calls): (Arc<Decide>, Arc<Mutex<HashMap<String, usize>>>) = (Arc::new(fate), Arc::default());
    let beyond = config.http_client().expect("the configuration has an HTTP client of its own");
    let client = http_client_fn(move |settings, components| {
        let beyond = beyond.http_connector(settings, components);
        SharedHttpConnector::new(Line { fate: fate.clone(), calls: calls.clone(), beyond })
    });
    config.to_builder().http_client(client).build()
}

type Decide = dyn Fn(&str, usize) -> Fate + Send + Sync;

#[derive(Clone)]
struct Line {
    fate: Arc<Decide>,
    calls: Arc<Mutex<HashMap<String, usize>>>,
    beyond: SharedHttpConnector,
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
        let beyond = self.beyond.clone();
        HttpConnectorFuture::new(async move {
            match fate {
                Fate::Made => beyond.call(request).await,
                Fate::NoConnection => Err(broken(std::io::ErrorKind::ConnectionRefused)),
                Fate::AnswerLost => {
                    beyond.call(request).await?;
                    Err(broken(std::io::ErrorKind::ConnectionReset))
                }
                Fate::NoAnswer => {
                    beyond.call(request).await?;
                    std::future::pending().await
                }
                Fate::Answered(status, body) => Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))),
                Fate::AnsweredAfter(time, body) => {
                    tokio::time::sleep(time).await;
                    Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body)))
                }
                Fate::Held(gate) => {
                    gate.arrived.notify_one();
                    gate.open.notified().await;
                    beyond.call(request).await
                }
            }
        })
    }
}

fn broken(kind: std::io::ErrorKind) -> ConnectorError {
    ConnectorError::io(std::io::Error::from(kind).into())
}
