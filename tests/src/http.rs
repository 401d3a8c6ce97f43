//! Calling the HTTP functions' routers with events as API Gateway sends them.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lambda_http::Context;
use serde_json::{Map, Value, json};

/// A call; by default that of an operator with all permissions.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Map<String, Value>,
    body: Option<String>,
    claims: Value,
    source: String,
    deadline: Option<Timestamp>,
}

/// An answer.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The fields that a problem names, sorted.
    pub fn faulty_fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].clone();
        let mut fields: Vec<_> =
            errors.as_array().into_iter().flatten().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        fields.sort();
        fields
    }
}

impl Call {
    /// A call of `method` on `path`, which may have a query string of plain characters.
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers: Map::new(),
            body: None,
            claims: json!({
                "sub": "5468b4e8-7021-70a5-9d5c-3f1d2a5b6c7d", "token_use": "id", "cognito:username": "operator",
                "email": "operator@example.com", "email_verified": "true", "cognito:groups": "390,directory,audit",
            }),
            source: "192.0.2.1".to_owned(),
            deadline: None,
        }
    }

    /// Method and path.
    pub fn route(&self) -> (&str, &str) {
        (&self.method, &self.path)
    }

    /// The body, if it is JSON.
    pub fn json_body(&self) -> Option<Value> {
        let is_json = self.headers.get("Content-Type").is_some_and(|content_type| content_type == "application/json");
        self.body.as_ref().filter(|_| is_json).and_then(|body| serde_json::from_str(body).ok())
    }

    /// At this path, whatever it holds.
    pub fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// With a parameter of the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body, whatever the headers say of it.
    pub fn raw_body(self, body: &str) -> Self {
        Self { body: Some(body.to_owned()), ..self }
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// With any body.
    pub fn body(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), json!(value));
        self
    }

    /// With another claim in the token.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Without a claim in the token.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().and_then(|claims| claims.remove(name));
        self
    }

    /// As a customer's call, without a token.
    pub fn public(mut self) -> Self {
        self.claims = Value::Null;
        self
    }

    /// From another network address.
    pub fn from(mut self, source: &str) -> Self {
        self.source = source.to_owned();
        self
    }

    /// With this deadline, as Lambda tells its functions.
    pub fn before(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Makes the call.
    pub async fn on(&self, router: Router) -> Answer {
        let mut multi_query: Map<String, Value> = Map::new();
        for (name, value) in &self.query {
            let values = multi_query.entry(name.clone()).or_insert_with(|| json!([]));
            values.as_array_mut().unwrap().push(json!(value));
        }
        let multi_headers: Map<_, _> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        let event = json!({
            "resource": self.path, "path": self.path, "httpMethod": self.method, "headers": self.headers,
            "multiValueHeaders": multi_headers, "multiValueQueryStringParameters": multi_query,
            "stageVariables": {"publicUrl": "https://invites.example.com"},
            "body": self.body, "isBase64Encoded": false,
            "requestContext": {"stage": "live", "httpMethod": self.method, "path": format!("/live{}", self.path),
                "identity": {"sourceIp": self.source}, "authorizer": {"claims": self.claims}},
        });
        let mut context = Context::default();
        if let Some(deadline) = self.deadline {
            context.deadline = deadline.as_millisecond().unsigned_abs();
        }
        let response = portal_http::server::respond(portal_http::router(router), event, context).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }
}
