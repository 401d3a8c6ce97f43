//! The proxy that injects faults (microburst), as the local cloud starts it.

use std::env;

use serde_json::{Value, json};

use super::plan::Fault;

/// The proxy between the functions and the local cloud.
#[derive(Clone, Debug)]
pub struct FaultProxy {
    url: String,
}

impl FaultProxy {
    /// The proxy that `PORTAL_FAULT_PROXY` names.
    pub fn running() -> Self {
        let url = env::var("PORTAL_FAULT_PROXY").expect("PORTAL_FAULT_PROXY is not set: run `make test-faults`");
        Self { url }
    }

    /// Where the functions find AWS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on calls meet these faults, and no others.
    pub async fn inject(&self, faults: &[Fault]) {
        let rules: Vec<_> = faults.iter().map(Fault::rule).collect();
        let request = reqwest::Client::new().post(self.rules()).body(json!(rules).to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// How often each of the faults that are injected now was met, in their order.
    pub async fn met(&self) -> Vec<u64> {
        let rules = reqwest::get(self.rules()).await.unwrap().text().await.unwrap();
        let rules: Vec<Value> = serde_json::from_str(&rules).unwrap();
        rules.iter().map(|rule| rule["fired_count"].as_u64().unwrap()).collect()
    }

    fn rules(&self) -> String {
        format!("{}/_microburst/rules", self.url)
    }
}
