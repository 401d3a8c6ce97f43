//! Query strings, read as strictly as JSON bodies and with the same readers: a query becomes a JSON object, and
//! [`Fields`] takes it from there.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use portal_domain::input::{FieldError, Fields};
use serde_json::{Map, Value};

use crate::Problem;

/// Parameters whose values `true` and `false` are booleans.
const FLAGS: [&str; 6] = [
    "withActiveServices",
    "withBalanceDue",
    "billingContactsOnly",
    "withoutAutomaticPayment",
    "onActiveServices",
    "includeRecentlyInvited",
];

/// Parameters whose digits are a number.
const NUMBERS: [&str; 2] = ["limit", "version"];

/// A decoded query string.
#[derive(Debug)]
pub struct Query {
    object: Value,
    repeated: Vec<FieldError>,
}

impl Query {
    /// Decodes the query of a request. An empty value counts as absent, because forms send one for an empty field.
    pub fn of(uri: &Uri) -> Self {
        let mut object = Map::new();
        let mut repeated: Vec<FieldError> = Vec::new();
        for (name, value) in pairs(uri) {
            let value = if value.is_empty() { Value::Null } else { typed(&name, value) };
            if object.insert(name.clone(), value).is_some() && !repeated.iter().any(|fault| fault.field == name) {
                repeated.push(FieldError::new(name, "must be given only once"));
            }
        }
        Self { object: Value::Object(object), repeated }
    }

    /// Reads the parameters; all faults are returned at once, including unknown and repeated parameters.
    pub fn read<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let mut fields = Fields::of(&self.object, "")?;
        let value = read(&mut fields);
        let mut faults = self.repeated.clone();
        faults.extend(fields.finish());
        if faults.is_empty() { Ok(value) } else { Err(Problem::invalid(faults)) }
    }
}

/// For a route without query parameters: any parameter is a fault, like an unknown field of a body.
#[derive(Clone, Copy, Debug)]
pub struct NoQuery;

impl NoQuery {
    /// Refuses an address with parameters.
    pub fn check(uri: &Uri) -> Result<Self, Problem> {
        Query::of(uri).read(|_| Self)
    }
}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::check(&parts.uri)
    }
}

fn typed(name: &str, value: String) -> Value {
    match value.as_str() {
        "true" if FLAGS.contains(&name) => Value::Bool(true),
        "false" if FLAGS.contains(&name) => Value::Bool(false),
        digits if NUMBERS.contains(&name) => digits.parse::<u64>().map_or(Value::String(value), Value::from),
        _ => Value::String(value),
    }
}

fn pairs(uri: &Uri) -> Vec<(String, String)> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The query of the next page: a query-only relative reference, because an absolute path would lack the API's stage.
pub fn next_page(uri: &Uri, cursor: &str) -> String {
    let others = pairs(uri).into_iter().filter(|(name, value)| name != "cursor" && !value.is_empty());
    let mut query = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
    query.extend_pairs(others).append_pair("cursor", cursor);
    query.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&format!("/v1/x?{text}").parse().expect("a URI"))
    }

    fn read(text: &str) -> Result<(Option<String>, Option<u64>), Vec<FieldError>> {
        let read = query(text).read(|fields| (fields.optional_text("name", 5), fields.optional_number("limit", 1..=9)));
        read.map_err(|problem| problem.errors().to_vec())
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let faults = read("name=toolong&limit=10&other=1&limit=3&limit=x").expect_err("four faults");
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["limit", "name", "limit", "other"]);
    }

    #[test]
    fn empty_values_count_as_absent_but_a_name_must_be_known_all_the_same() {
        assert_eq!(read("name=&limit="), Ok((None, None)));
        assert_eq!(read(""), Ok((None, None)));
        assert_eq!(read("typo=").expect_err("unknown")[0].field, "typo");
    }

    #[test]
    fn a_number_is_digits_within_bounds() {
        assert_eq!(read("limit=9"), Ok((None, Some(9))));
        for limit in ["0", "10", "-1", "1.5", "x", "+", "99999999999999999999", "1e1", "%20"] {
            assert_eq!(read(&format!("limit={limit}")).expect_err(limit)[0].field, "limit");
        }
    }

    #[test]
    fn the_next_page_keeps_the_query_and_replaces_the_cursor() {
        let uri =
            "https://x.example/prod/v1/recipients?division=A%26B&cursor=old&status=&limit=5".parse().expect("a URI");
        assert_eq!(next_page(&uri, "new>"), "?division=A%26B&limit=5&cursor=new%3E");
    }

    proptest! {
        #[test]
        fn every_text_survives_the_query(name in "\\PC{1,5}") {
            let text: String = form_urlencoded::Serializer::new(String::new()).append_pair("name", &name).finish();
            prop_assert_eq!(read(&text), Ok((Some(name), None)));
        }
    }
}
