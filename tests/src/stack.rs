//! The deployed system.

use std::collections::HashMap;
use std::time::SystemTime;
use std::{env, fs};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;

/// A request without its body.
pub type Request = ureq::http::request::Builder;
/// An answer.
pub type Answer = ureq::http::Response<String>;

/// What `.local/stack.json` says of a running local cloud.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "docs/contributing.md lists the fields")]
pub struct Stack {
    pub api_url: String,
    pub aws_endpoint: String,
    pub region: String,
    pub user_pool_id: String,
    pub client_id: String,
    pub operator: Operator,
    pub topics: HashMap<String, String>,
    pub functions: HashMap<String, String>,
    pub public_url: String,
}

/// Who may sign in.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Operator {
    pub username: String,
    pub password: String,
}

impl Stack {
    /// The stack that the tests run against: the one that `PORTAL_STACK` names.
    pub fn running() -> Self {
        let path = env::var("PORTAL_STACK")
            .expect("PORTAL_STACK is not set: run `make test`, or `make up` and set it to .local/stack.json");
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Configuration of AWS clients that talk to the local cloud.
    pub fn config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.aws_endpoint)
            .timeout_config(portal_aws::config::timeouts())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials()))
            .build()
    }

    /// Invokes a function with an event; answers as Lambda does. The crate of Lambda's SDK would take longer to compile
    /// than all else here.
    pub fn invoke(&self, function: &str, event: &str) -> Answer {
        let uri = format!("{}/2015-03-31/functions/{function}/invocations", self.aws_endpoint);
        let identity = credentials().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build();
        let signable =
            SignableRequest::new("POST", &uri, [].into_iter(), SignableBody::Bytes(event.as_bytes())).unwrap();
        let (instructions, _) = sign(signable, &parameters.unwrap().into()).unwrap().into_parts();
        let (headers, _) = instructions.into_parts();
        let request = Request::new().method("POST").uri(&uri);
        let request = headers.iter().fold(request, |request, header| request.header(header.name(), header.value()));
        fetch(request, event)
    }

    /// The texts of all e-mails that the local SES took to an address that ends so.
    pub fn mails(&self, ending: &str) -> Vec<String> {
        let answer = fetch(Request::new().uri(format!("{}/_ministack/ses/messages", self.aws_endpoint)), "");
        let answer: Value = serde_json::from_str(answer.body()).unwrap();
        let mails = answer["messages"].as_object().unwrap().values().flat_map(|mails| mails.as_array().unwrap());
        let is_to = |to: &Value| to.as_str().unwrap().ends_with(ending);
        let mails = mails.filter(|mail| mail["To"].as_array().unwrap().iter().any(is_to));
        mails.map(|mail| mail["BodyText"].as_str().unwrap().to_owned()).collect()
    }

    /// An ID token of the operator.
    pub fn token(&self) -> String {
        self.sign_in(&self.operator.username, &self.operator.password)["IdToken"].as_str().unwrap().to_owned()
    }

    /// What Cognito answers when somebody signs in: the tokens.
    pub fn sign_in(&self, username: &str, password: &str) -> Value {
        let answer = self.cognito(
            "InitiateAuth",
            &json!({
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self.client_id,
                "AuthParameters": {"USERNAME": username, "PASSWORD": password},
            }),
        );
        answer["AuthenticationResult"].clone()
    }

    /// Calls the user pool's API.
    pub fn cognito(&self, operation: &str, body: &Value) -> Value {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/{}/cognito-idp/aws4_request", self.region);
        let request = Request::new()
            .method("POST")
            .uri(&self.aws_endpoint)
            .header("x-amz-target", format!("AWSCognitoIdentityProviderService.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", credential);
        let answer = fetch(request, &body.to_string());
        assert!(answer.status().is_success(), "{operation}: {answer:?}");
        serde_json::from_str(answer.body()).unwrap_or_default()
    }
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

/// Makes a request; one with an empty body has none. The answer is one of any status.
pub fn fetch(request: Request, body: &str) -> Answer {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let answer =
        if body.is_empty() { agent.run(request.body(()).unwrap()) } else { agent.run(request.body(body).unwrap()) };
    let (parts, mut body) = answer.unwrap().into_parts();
    // The mailbox holds what all tests of the local cloud were sent.
    Answer::from_parts(parts, body.with_config().limit(u64::MAX).read_to_string().unwrap())
}
