//! What exactly is wrong with a request, in words that repeat nothing of it.
//!
//! The messages of serde quote the offending value, and a value in the wrong place can be a
//! token. So a request that was refused is read a second time, from a tree that keeps repeated
//! members, by a deserializer whose errors know where they happened and what was expected there.
//! Only refusals pay for that.

mod tree;

use std::fmt::{self, Display, Write as _};

use innkeeper_api::InvalidField;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

pub(crate) use tree::Tree;

use crate::nearest::nearest;

impl Tree {
    /// Makes of the tree what it should be, or says what is wrong.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, InvalidField> {
        T::deserialize(Node(self)).map_err(Fault::into_field)
    }
}

/// One thing that is wrong: where, from the inside out, and what was expected.
#[derive(Debug)]
struct Fault {
    steps: Vec<Step>,
    message: String,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Entry(usize),
}

impl Fault {
    fn saying(message: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            message: message.into(),
        }
    }

    fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn at_member(name: &str, message: &str) -> Self {
        Self::saying(message).inside(Step::Member(shown(name)))
    }

    fn into_field(self) -> InvalidField {
        let mut field = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Member(name) if field.is_empty() => field.push_str(name),
                Step::Member(name) => {
                    field.push('.');
                    field.push_str(name);
                }
                Step::Entry(at) => {
                    let _ = write!(field, "[{at}]");
                }
            }
        }
        InvalidField {
            field,
            message: self.message,
        }
    }
}

/// A member's name if it could be one of ours, else a question mark: somebody may have put a
/// token where a name belongs, and no token is all small letters.
fn shown(name: &str) -> String {
    let could_be_ours = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    if could_be_ours { name } else { "?" }.to_owned()
}

/// What was expected, in the words of JSON where serde would use those of Rust.
fn expected(what: &dyn Expected) -> String {
    match what.to_string().as_str() {
        "u8" => "expected a whole number, 0 to 255".to_owned(),
        "u16" => "expected a whole number, 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "expected a whole number, not negative".to_owned(),
        other => format!("expected {other}"),
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    /// Messages of our own types come this way; they are written to quote nothing.
    fn custom<M: Display>(message: M) -> Self {
        Self::saying(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, what: &dyn Expected) -> Self {
        let mut message = expected(what);
        if matches!(found, Unexpected::Unit | Unexpected::Option) {
            message.push_str("; null is none: leave out what has no value");
        }
        Self::saying(message)
    }

    fn invalid_value(_: Unexpected<'_>, what: &dyn Expected) -> Self {
        Self::saying(expected(what))
    }

    fn invalid_length(_: usize, what: &dyn Expected) -> Self {
        Self::saying(expected(what))
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::saying(format!("expected one of: {}", words.join(", ")))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        match nearest(name, known.iter().copied()) {
            None => Self::at_member(name, "there is no such member"),
            Some(meant) => {
                let message = format!("there is no such member; did you mean {meant}?");
                Self::at_member(name, &message)
            }
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::at_member(name, "it is required")
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::at_member(name, "it is given more than once")
    }
}

/// A place in the tree, ready to become a value.
#[derive(Clone, Copy)]
struct Node<'de>(&'de Tree);

/// Reads a whole number out of a query, where everything is text.
macro_rules! whole_number {
    ($($method:ident $visit:ident $type:ty),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let Tree::Raw(text) = self.0 else {
                return self.deserialize_any(visitor);
            };
            let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<$type>() {
                Ok(number) if digits_only => visitor.$visit(number),
                _ => Err(Fault::saying(expected(&stringify!($type)))),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Unsigned(value) => visitor.visit_u64(*value),
            Tree::Signed(value) => visitor.visit_i64(*value),
            Tree::Float(value) => visitor.visit_f64(*value),
            Tree::Text(text) | Tree::Raw(text) => visitor.visit_borrowed_str(text),
            Tree::List(entries) => visitor.visit_seq(Entries { entries, at: 0 }),
            Tree::Object(members) => visitor.visit_map(Members {
                members: members.iter(),
                current: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Text(word) | Tree::Raw(word) => {
                let word: StrDeserializer<'_, Fault> = word.as_str().into_deserializer();
                visitor.visit_enum(word)
            }
            _ => Err(Fault::saying("expected a word")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Raw(text) => match text.as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => Err(Fault::saying("expected true or false")),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    whole_number! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// The entries of a list, each knowing its place.
struct Entries<'de> {
    entries: &'de [Tree],
    at: usize,
}

impl<'de> SeqAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(entry) = self.entries.get(self.at) else {
            return Ok(None);
        };
        let value = seed
            .deserialize(Node(entry))
            .map_err(|fault| fault.inside(Step::Entry(self.at)))?;
        self.at += 1;
        Ok(Some(value))
    }
}

/// The members of an object, each knowing its name.
struct Members<'de> {
    members: std::slice::Iter<'de, (String, Tree)>,
    current: Option<&'de (String, Tree)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.current = self.members.next();
        let Some((name, _)) = self.current else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, value) = self.current.expect("a value is asked for after its name");
        seed.deserialize(Node(value))
            .map_err(|fault| fault.inside(Step::Member(shown(name))))
    }
}
