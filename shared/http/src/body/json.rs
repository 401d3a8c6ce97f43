//! JSON without repeated members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON. An object that names a member twice is an error: RFC 8259 (section 4) leaves open which of the two
/// counts, and `serde_json` would silently take the last one.
pub fn from_slice(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes).map(|Unambiguous(value)| value)
}

/// A value in which no object names a member twice.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{} is named twice in one object", Value::String(name))));
            }
            let Unambiguous(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_that_is_named_twice_is_refused_wherever_it_stands() {
        for (text, column) in
            [(r#"{"a": 1, "a": 1}"#, 12), (r#"[{"b": {"a": 1, "b": 2, "\u0061": 3}}]"#, 32), (r#"{"": 1, "": 2}"#, 10)]
        {
            let error = from_slice(text.as_bytes()).expect_err(text);
            assert!(error.to_string().contains("is named twice in one object"), "{error}");
            assert_eq!((error.line(), error.column()), (1, column), "{text}");
        }
        let apart = r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}], "A": 0}"#;
        assert_eq!(from_slice(apart.as_bytes()).expect("no name stands twice in one object")["a"], json!({"a": 1}));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn all_other_json_is_read_as_serde_json_reads_it(value in values(), text in "[\\[\\]{}\",:a0-9.eE +-]{0,20}") {
            let written = value.to_string();
            let expected: Value = serde_json::from_str(&written).expect("it was written by serde_json");
            prop_assert_eq!(from_slice(written.as_bytes()).expect("it has no name twice"), expected);
            if let Ok(read) = from_slice(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).expect("no more is read"), read);
            }
        }
    }
}
