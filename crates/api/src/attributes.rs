//! The free-form part of a session: whatever the application wants to find there again.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

/// A JSON object of the application's own making, at most 4 KiB as compact JSON.
///
/// A repeated member is refused at every depth. Readers disagree about which of two equal names
/// holds, so a document with both means one thing to whoever checked it and another to whoever
/// uses it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// The most that one session may carry, in bytes of compact JSON.
    pub const LEN_MAX: usize = 4 * 1024;

    /// Takes an object, unless it is too large.
    #[must_use]
    pub fn new(object: Map<String, Value>) -> Option<Self> {
        let mut room = Room(Self::LEN_MAX);
        serde_json::to_writer(&mut room, &object).ok()?;
        Some(Self(object))
    }

    /// The members.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = deserializer.deserialize_map(ObjectVisitor)?;
        Self::new(object).ok_or_else(|| {
            de::Error::custom(format_args!(
                "expected at most {} bytes of compact JSON",
                Self::LEN_MAX
            ))
        })
    }
}

/// Counts what is written to it, and refuses what no longer fits.
struct Room(usize);

impl std::io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(de::Error::custom("expected each member once"));
            }
            let value = members.next_value_seed(AnyVisitor)?;
            object.insert(name, value);
        }
        Ok(object)
    }
}

/// Reads any JSON value, and holds the objects in it to the same rule.
struct AnyVisitor;

impl<'de> DeserializeSeed<'de> for AnyVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
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

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("expected a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Self)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        ObjectVisitor.visit_map(members).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Attributes, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn given_an_object_of_every_kind_of_value_when_read_then_it_is_kept_as_it_is() {
        let json = r#"{"b":true,"f":1.5,"i":-3,"l":[1,{"x":null}],"s":"ä","u":7}"#;

        let attributes = read(json).expect("it is an object");

        assert_eq!(
            serde_json::to_string(&attributes).expect("it is written"),
            json
        );
    }

    #[test]
    fn given_a_repeated_member_when_read_then_it_is_refused_at_every_depth() {
        for json in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": {"b": 1, "b": 2}}"#,
            r#"{"a": [0, [{"b": 1, "c": 2, "b": 3}]]}"#,
            r#"{"a": 1, "\u0061": 2}"#,
        ] {
            assert!(read(json).is_err(), "{json} says something twice");
        }
    }

    #[test]
    fn given_the_same_name_in_two_objects_when_read_then_it_is_taken() {
        assert!(read(r#"{"a": {"x": 1}, "b": {"x": 1}}"#).is_ok());
    }

    #[test]
    fn given_what_is_no_object_when_read_then_it_is_refused() {
        for json in ["null", "[]", "1", r#""x""#] {
            assert!(read(json).is_err(), "{json} is no object");
        }
    }

    #[test]
    fn given_an_object_at_the_bound_when_read_then_it_is_taken_and_one_byte_more_is_refused() {
        let of_size = |len: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(len - 8));

        assert!(read(&of_size(Attributes::LEN_MAX)).is_ok());
        assert!(read(&of_size(Attributes::LEN_MAX + 1)).is_err());
    }
}
