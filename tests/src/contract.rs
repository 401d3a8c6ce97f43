//! The API as its functions describe it: one table of all routes, the document that follows from it, and whether an
//! exchange is as the document says.

mod document;
mod shape;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use portal_http::routes::{Access, Route};
use serde_json::Value;

use self::shape::Shapes;
use crate::http::{Answer, Call};

/// The routes of all functions.
static TABLE: LazyLock<Vec<Listed>> = LazyLock::new(|| {
    let functions = [
        ("activate", activate::routes().table()),
        ("campaigns", campaigns::routes().table()),
        ("console", console::routes().table()),
        ("directory", directory::routes().table()),
        ("load", load::routes().table()),
        ("schedules", schedules::routes().table()),
        ("send", send::routes().table()),
        ("templates", templates::routes().table()),
    ];
    let listed = |(function, routes): (&'static str, Vec<Route>)| {
        routes.into_iter().map(move |route| Listed { function, route })
    };
    functions.into_iter().flat_map(listed).collect()
});

/// The document.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document::of(&TABLE));

/// A route, and the function that serves it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Listed {
    pub function: &'static str,
    pub route: Route,
}

/// Every route.
pub fn routes() -> &'static [Listed] {
    &TABLE
}

/// Method and path of every route that is for operators.
pub fn routes_of_operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    let routes = TABLE.iter().map(|listed| &listed.route);
    let guarded = routes.filter(|route| matches!(route.access, Access::Operators(_)));
    guarded.map(|route| (route.method.as_str(), route.path.as_str()))
}

/// The route of a method and a path, as the gateway finds it.
pub fn route_of(method: &str, path: &str) -> Option<&'static Listed> {
    routes_at(path).into_iter().find(|listed| listed.route.method == method)
}

/// The routes at a path: where several fit, those with a name in place of a parameter come first.
pub fn routes_at(path: &str) -> Vec<&'static Listed> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |listed: &&Listed| {
        let mut named = listed.route.path.split('/').zip(&parts);
        listed.route.path.split('/').count() == parts.len()
            && named.all(|(name, part)| name.starts_with('{') || name == *part)
    };
    let mut found: Vec<_> = TABLE.iter().filter(fits).collect();
    found.sort_by_key(|listed| listed.route.path.matches('{').count());
    found
}

/// The API's description, as it is written into [`file()`].
pub fn description() -> String {
    let mut text = serde_json::to_string_pretty(&*DOCUMENT).unwrap();
    text.push('\n');
    text
}

/// The file of the API's description.
pub fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

/// Panics unless an answer is as the document says; and a request, if it was accepted.
pub fn check(call: &Call, answer: &Answer) {
    let (method, path) = call.route();
    let Some(Listed { route, .. }) = route_of(method, path).filter(|listed| listed.route.operation.is_some()) else {
        return;
    };
    let shapes = Shapes(&DOCUMENT);
    let operation = &DOCUMENT["paths"][&route.path][method.to_lowercase()];
    let told = format!("{method} {}: {}", route.path, answer.status);
    let described = shapes.resolved(&operation["responses"][answer.status.as_str()]);
    assert!(described.is_object(), "{told} is not documented: {}", answer.text);
    if let Some(wait) = answer.headers.get("retry-after") {
        assert!(described["headers"]["Retry-After"].is_object(), "{told}: Retry-After is not documented");
        assert!(wait.to_str().is_ok_and(|text| text.parse().is_ok_and(|seconds: u32| seconds > 0)), "{told}: {wait:?}");
    }
    if described["headers"]["ETag"].is_object() {
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{told} has no ETag: {tag}");
    }
    let media_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    if answer.text.is_empty() {
        assert!(described["content"].is_null(), "{told}: the answer has no body");
    } else {
        let schema = &described["content"][media_type]["schema"];
        assert!(!schema.is_null(), "{told}: {media_type} is not documented");
        let body = if media_type.ends_with("json") { answer.json() } else { answer.text.as_str().into() };
        let faults = shapes.faults(schema, &body);
        assert!(faults.is_empty(), "{told} is not as documented: {faults:?}: {}", answer.text);
    }
    // An import answers for each account by itself.
    let whole = answer.status.is_success() && !answer.text.contains("\"errors\":[{");
    if whole && let Some(body) = call.json_body() {
        let faults = shapes.faults(&operation["requestBody"]["content"]["application/json"]["schema"], &body);
        assert!(faults.is_empty(), "{method} {} took what is not documented: {faults:?}: {body}", route.path);
    }
}
