//! The OpenAPI document (3.1.0), from the table of routes.

use axum::http::StatusCode;
use portal_domain::input::FieldError;
use portal_http::problem::PROBLEM_JSON;
use portal_http::routes::{Access, Answer, Operation, Parameter, Route};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::Listed;

/// Statuses of problems that any call can have: a fault in it, its rate, and faults of functions and gateway.
const EVERYWHERE: [u16; 6] = [400, 429, 500, 502, 503, 504];

/// The document.
pub fn of(table: &[Listed]) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for Listed { function, route } in table {
        let Some(operation) = &route.operation else { continue };
        let item = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = described(function, route, operation, &mut schemas);
    }
    paths.sort_keys();
    let fault = schemas.subschema_for::<FieldError>();
    let mut definitions = schemas.take_definitions(true);
    definitions.insert("Problem".to_owned(), problem(&fault.into()));
    definitions.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Portal Invites",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Invites a division's customers to their portal, in bulk. docs/api.md says what each call does.",
        },
        "servers": [{"url": "..", "description": "Where the API is, relative to this document"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": problems(table),
            "securitySchemes": {
                "operator": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An operator's ID token; the roles are groups of the user pool"},
                "machine": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A machine client's access token; the roles are its scopes"},
            },
        },
    })
}

fn described(function: &str, route: &Route, operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let others = operation.parameters.iter().map(|parameter| {
        let Parameter { name, place, required, schema } = parameter;
        let mut described = json!({"name": name, "in": place, "required": required, "schema": schema});
        if schema["type"] == "array" {
            // Separated by commas.
            (described["style"], described["explode"]) = ("form".into(), false.into());
        }
        described
    });
    let parameters: Vec<_> = in_path.chain(others).collect();
    let security = match route.access {
        Access::Everyone => json!([]),
        Access::Operators(any) => any.iter().map(|permission| json!({"operator": [permission.group()]})).collect(),
        Access::Machines(any) => {
            any.iter().map(|one| json!({"machine": [format!("portal-invites/{}", one.group())]})).collect()
        }
    };
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.as_str().to_owned(), answered(answer, schemas));
    }
    for status in statuses(route, operation) {
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
    }
    responses.sort_keys();
    let mut described = json!({
        "operationId": format!("{} {}", route.method, route.path), "summary": operation.summary, "tags": [function],
        "security": security, "responses": responses,
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        let content: Map<_, _> =
            body.content.iter().map(|(media, schema)| ((*media).to_owned(), json!({"schema": schema}))).collect();
        described["requestBody"] = json!({"required": body.required, "content": content});
    }
    described
}

fn answered(answer: &Answer, schemas: &mut SchemaGenerator) -> Value {
    let mut described = json!({"description": answer.status.canonical_reason()});
    for (media, schema) in &answer.content {
        described["content"][*media]["schema"] = schema(schemas).into();
    }
    for header in &answer.headers {
        described["headers"][*header] = json!({"schema": {"type": "string"}});
    }
    described
}

/// The statuses of problems that a call can have.
fn statuses(route: &Route, operation: &Operation) -> Vec<u16> {
    let guarded: &[u16] = if route.access == Access::Everyone { &[] } else { &[401, 403] };
    let in_path: &[u16] = if route.path.contains('{') { &[404] } else { &[] };
    let body: &[u16] = if operation.body.is_some() { &[413, 415] } else { &[] };
    let own = operation.problems.iter().map(StatusCode::as_u16);
    EVERYWHERE.iter().chain(guarded).chain(in_path).chain(body).copied().chain(own).collect()
}

/// The answers that are problems, by status.
fn problems(table: &[Listed]) -> Map<String, Value> {
    let all = table.iter().filter_map(|listed| Some(statuses(&listed.route, listed.route.operation.as_ref()?)));
    let mut problems = Map::new();
    for status in all.flatten() {
        let status = StatusCode::from_u16(status).unwrap();
        let mut described = json!({
            "description": status.canonical_reason(),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        match status {
            StatusCode::UNAUTHORIZED => {
                described["headers"]["WWW-Authenticate"] = json!({"schema": {"type": "string"}});
            }
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                described["headers"]["Retry-After"] = json!({
                    "description": "Seconds after which the same call may succeed; absent if waiting does not help",
                    "schema": {"type": "integer", "minimum": 1},
                });
            }
            _ => {}
        }
        problems.insert(status.as_str().to_owned(), described);
    }
    problems.sort_keys();
    problems
}

/// The schema of a problem (RFC 9457), whose type may have further members.
fn problem(fault: &Value) -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457). docs/api.md lists the types and their further members.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": fault},
        },
        "required": ["type", "title", "status"],
        "additionalProperties": true,
    })
}
