//! Query strings, read as strictly as JSON bodies and with the same readers: a query becomes a JSON object, and
//! [`Fields`] takes it from there.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
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

/// A time, or a day (UTC), which means the beginning of the day `days` later.
pub fn moment(fields: &mut Fields<'_>, name: &'static str, days: i64) -> Option<Timestamp> {
    let text = fields.optional_text(name, 40)?;
    let day = || {
        let day = Date::strptime("%Y-%m-%d", &text).ok()?.checked_add(days.days()).ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let moment = text.parse().ok().or_else(day);
    if moment.is_none() {
        fields.fault(name, "must be a time such as 2026-11-26T09:00:00Z, or a day such as 2026-11-26");
    }
    moment
}

/// The values of a parameter that takes several, separated by commas, each once; none if it is absent.
pub fn choices<T: PartialEq>(
    fields: &mut Fields<'_>,
    name: &'static str,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut chosen = Vec::new();
    for text in fields.optional(name).and_then(Value::as_str).into_iter().flat_map(|text| text.split(',')) {
        match parse(text) {
            Some(choice) if chosen.contains(&choice) => {}
            Some(choice) => chosen.push(choice),
            None => {
                fields.fault(name, format!("must be one or several of {expected}, separated by commas"));
                break;
            }
        }
    }
    chosen
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
    fn a_day_is_whole() {
        let asked = query("from=2026-11-26&to=2026-11-26&a=2026-11-26T09:00:00%2B01:00&b=yesterday&c=2026-11-26T09:00");
        let mut read = Vec::new();
        let faults = asked.read(|fields| {
            let days = [("from", 0), ("to", 1), ("a", 1), ("b", 0), ("c", 0), ("d", 0)];
            read = days.map(|(name, days)| moment(fields, name, days).map(|moment| moment.to_string())).to_vec();
        });
        let read: Vec<_> = read.iter().map(Option::as_deref).collect();
        let moments = ["2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z", "2026-11-26T08:00:00Z"].map(Some);
        assert_eq!(read, [&moments[..], &[None; 3]].concat());
        let problem = faults.expect_err("two faults");
        let faulty: Vec<_> = problem.errors().iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(faulty, ["b", "c"]);
    }

    #[test]
    fn several_values_are_separated_by_commas() {
        let read = |text: &str| {
            let parse = |text: &str| text.parse::<u8>().ok();
            let read = query(text).read(|fields| choices(fields, "of", "0 to 255", parse));
            read.map_err(|problem| problem.errors().iter().map(|fault| fault.field.clone()).collect::<Vec<_>>())
        };
        assert_eq!(read("of=3,1,3"), Ok(vec![3, 1]));
        assert_eq!((read("of="), read("")), (Ok(vec![]), Ok(vec![])));
        for wrong in ["of=1,", "of=1,x,y", "of=,", "of=1%202"] {
            assert_eq!(read(wrong), Err(vec!["of".to_owned()]), "{wrong}");
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
