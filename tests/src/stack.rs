//! The deployed system.

use std::collections::HashMap;
use std::{env, fs};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde::Deserialize;
use serde_json::{Value, json};

/// What `.local/stack.json` says of a running local cloud.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the README lists the fields")]
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
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .build()
    }

    /// The texts of all e-mails that the local SES took to an address that ends so.
    pub async fn mails(&self, ending: &str) -> Vec<String> {
        let answer = reqwest::get(format!("{}/_ministack/ses/messages", self.aws_endpoint)).await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let mails = answer["messages"].as_object().unwrap().values().flat_map(|mails| mails.as_array().unwrap());
        let is_to = |to: &Value| to.as_str().unwrap().ends_with(ending);
        let mails = mails.filter(|mail| mail["To"].as_array().unwrap().iter().any(is_to));
        mails.map(|mail| mail["BodyText"].as_str().unwrap().to_owned()).collect()
    }

    /// An ID token of the operator.
    pub async fn token(&self) -> String {
        self.sign_in(&self.operator.username, &self.operator.password).await["IdToken"].as_str().unwrap().to_owned()
    }

    /// What Cognito answers when somebody signs in: the tokens.
    pub async fn sign_in(&self, username: &str, password: &str) -> Value {
        let answer = self
            .cognito(
                "InitiateAuth",
                json!({
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "ClientId": self.client_id,
                    "AuthParameters": {"USERNAME": username, "PASSWORD": password},
                }),
            )
            .await;
        answer["AuthenticationResult"].clone()
    }

    /// Calls the user pool's API.
    pub async fn cognito(&self, operation: &str, body: Value) -> Value {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/{}/cognito-idp/aws4_request", self.region);
        let answer = reqwest::Client::new()
            .post(&self.aws_endpoint)
            .header("x-amz-target", format!("AWSCognitoIdentityProviderService.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", credential)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{operation}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }
}
