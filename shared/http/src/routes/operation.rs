//! How a call and its answers look, for the API's description.

use axum::http::StatusCode;
use portal_domain::Filter;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::shape;
use crate::body::JSON;
use crate::cursor::Page;

/// What makes a schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// How a call and its answers look.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it does, in a line.
    pub summary: &'static str,
    /// Parameters of the query, and headers.
    pub parameters: Vec<Parameter>,
    /// The request's body, if it has one.
    pub body: Option<Body>,
    /// The answers that are no problems.
    pub answers: Vec<Answer>,
    /// Statuses of problems, besides those that follow from access, path, parameters and body.
    pub problems: Vec<StatusCode>,
}

/// A parameter of the query, or a header.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `query` or `header`.
    pub place: &'static str,
    /// Whether a call needs it.
    pub required: bool,
    /// What it may be.
    pub schema: Value,
}

/// A request's body.
#[derive(Clone, Debug)]
pub struct Body {
    /// Whether a call needs one.
    pub required: bool,
    /// By media type, what it may be.
    pub content: Vec<(&'static str, Value)>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// By media type, what it is; empty for an answer without a body.
    pub content: Vec<(&'static str, SchemaOf)>,
    /// Headers that it has.
    pub headers: Vec<&'static str>,
}

impl Operation {
    /// An operation without parameters, body and answers.
    pub fn new(summary: &'static str) -> Self {
        Self { summary, parameters: Vec::new(), body: None, answers: Vec::new(), problems: Vec::new() }
    }

    /// With a parameter of the query that may be left out.
    pub fn query(mut self, name: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, place: "query", required: false, schema });
        self
    }

    /// With a parameter of the query that a call needs.
    pub fn needs(mut self, name: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, place: "query", required: true, schema });
        self
    }

    /// With the filter as parameters.
    pub fn filter(self) -> Self {
        let with_values = Filter::VALUES
            .into_iter()
            .fold(self.needs("division", shape::id()), |operation, name| operation.query(name, shape::text(200)));
        Filter::FLAGS.into_iter().fold(with_values, |operation, name| operation.query(name, shape::flag()))
    }

    /// With the parameters of a page of a list.
    pub fn paged(self, most: u64) -> Self {
        self.query("limit", shape::whole(1..=most)).query("cursor", shape::text(2_000))
    }

    /// With an `Idempotency-Key`.
    pub fn idempotent(mut self, required: bool) -> Self {
        self.parameters.push(Parameter {
            name: "Idempotency-Key",
            place: "header",
            required,
            schema: shape::text(255),
        });
        self.problem(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// With an `ETag` on the answers that were added so far.
    pub fn tagged(mut self) -> Self {
        self.answers.iter_mut().for_each(|answer| answer.headers.push("ETag"));
        self
    }

    /// Of a change that may have an `If-Match`.
    pub fn conditional(mut self) -> Self {
        self.parameters.push(Parameter {
            name: "If-Match",
            place: "header",
            required: false,
            schema: shape::text(1_000),
        });
        self.problem(StatusCode::PRECONDITION_FAILED)
    }

    /// With a body of JSON.
    pub fn body(self, schema: Value) -> Self {
        self.content(vec![(JSON, schema)])
    }

    /// With a body in one of these media types.
    pub fn content(self, content: Vec<(&'static str, Value)>) -> Self {
        Self { body: Some(Body { required: true, content }), ..self }
    }

    /// With a body of JSON that may be left out.
    pub fn optional_body(self, schema: Value) -> Self {
        Self { body: Some(Body { required: false, content: vec![(JSON, schema)] }), ..self }
    }

    /// With an answer of JSON.
    pub fn answers<T: JsonSchema>(self, status: StatusCode) -> Self {
        self.answer(status, vec![(JSON, |schemas| schemas.subschema_for::<T>())])
    }

    /// With an answer without a body.
    pub fn answers_nothing(self, status: StatusCode) -> Self {
        self.answer(status, Vec::new())
    }

    /// With 201 or 202, and the address of what was made.
    pub fn makes<T: JsonSchema>(self, status: StatusCode) -> Self {
        self.answers::<T>(status).with_header("Location")
    }

    /// With a page of these as an answer.
    pub fn lists<T: JsonSchema>(self) -> Self {
        self.answers::<Page<T>>(StatusCode::OK)
    }

    /// With CSV in place of JSON where a caller asks for that.
    pub fn or_csv(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push(("text/csv", |schemas| schemas.subschema_for::<String>()));
        }
        self.query("columns", shape::one_of(&["words"])).with_header("Link")
    }

    /// With another status of a problem.
    pub fn problem(mut self, status: StatusCode) -> Self {
        self.problems.push(status);
        self
    }

    fn answer(mut self, status: StatusCode, content: Vec<(&'static str, SchemaOf)>) -> Self {
        self.answers.push(Answer { status, content, headers: Vec::new() });
        self
    }

    fn with_header(mut self, name: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push(name);
        }
        self
    }
}
