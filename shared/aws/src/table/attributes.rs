//! The names of an item's attributes, taken from its type.

use serde::de::value::Error;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The names of the attributes of an item of this type, which must not inline another struct (`flatten`). A caller that
/// reads all but some attributes then also reads one that is added to the type later.
pub fn attributes_of<'de, T: Deserialize<'de>>() -> impl Iterator<Item = &'static str> + use<T> {
    let mut names: &'static [&'static str] = &[];
    // A derived implementation first passes the names of its fields; nothing is deserialised.
    let _ = T::deserialize(Names(&mut names));
    names.iter().copied()
}

struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(de::Error::custom("only the names are wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("this is no struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only the names are read")]
    struct Sample {
        recipient_id: u8,
        #[serde(rename = "k", default)]
        known: Option<u8>,
        #[serde(skip)]
        not_stored: u8,
    }

    #[test]
    fn attributes_have_the_names_that_they_are_stored_by() {
        assert_eq!(attributes_of::<Sample>().collect::<Vec<_>>(), ["recipientId", "k"]);
        assert_eq!(attributes_of::<Vec<u8>>().count(), 0);
    }
}
