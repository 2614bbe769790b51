//! JSON out: byte for byte what `serde_json` writes, by looking at eight bytes of a text at a time.
//!
//! An answer is mostly the names of its members and short texts of ours, and next to none of that
//! has to be escaped. `serde_json` looks at each byte by itself to find out; here whatever is plain
//! is copied, and `serde_json` writes the rest: numbers, and texts with something to escape.

use std::fmt::Display;

use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

/// What most answers fit into, so that room is made for them once.
const ROOM: usize = 1_024;

/// Why something is not to be written as JSON.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotJson {
    /// The name of a member is no text.
    #[error("the name of a member is no text")]
    Name,
    /// What is to be written says so itself.
    #[error("{0}")]
    Said(String),
    /// A number or text that `serde_json` does not write.
    #[error(transparent)]
    Value(#[from] serde_json::Error),
}

impl serde::ser::Error for NotJson {
    fn custom<T: Display>(message: T) -> Self {
        Self::Said(message.to_string())
    }
}

/// Writes a value as JSON, without blanks.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotJson> {
    let mut json = Vec::with_capacity(ROOM);
    value.serialize(Writer(&mut json))?;
    Ok(json)
}

/// Writes one value to the end of what there is.
struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn text(self, text: &str) -> Result<(), NotJson> {
        if !is_plain(text.as_bytes()) {
            return self.by_serde_json(text);
        }
        self.plain(text, b"\"");
        Ok(())
    }

    /// Writes a text with nothing to escape, and what follows it.
    fn plain(self, text: &str, end: &[u8]) {
        let json = self.0;
        json.reserve(1 + text.len() + end.len());
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.extend_from_slice(end);
    }

    fn by_serde_json<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotJson> {
        Ok(serde_json::to_writer(self.0, value)?)
    }

    fn word(self, word: &str) {
        self.0.extend_from_slice(word.as_bytes());
    }
}

impl<'a> Writer<'a> {
    fn begin(self, open: u8, close: &'static str) -> Members<'a> {
        self.0.push(open);
        Members {
            json: self.0,
            is_first: true,
            close,
        }
    }

    /// The one member of an object that names a variant.
    fn begin_variant(
        self,
        name: &str,
        open: u8,
        close: &'static str,
    ) -> Result<Members<'a>, NotJson> {
        self.0.push(b'{');
        Writer(self.0).text(name)?;
        self.0.push(b':');
        Ok(self.begin(open, close))
    }
}

/// Whether a text stands in JSON as it is: nothing in it has to be escaped (RFC 8259, 7).
fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks();
    let last = match (text.last_chunk(), rest) {
        (_, []) => return words.iter().all(|word| is_plain_word(*word)),
        // Some bytes are looked at twice, which costs less than to look at each by itself.
        (Some(last), _) => *last,
        (None, _) => {
            let mut padded = [b' '; 8];
            padded[..rest.len()].copy_from_slice(rest);
            padded
        }
    };
    is_plain_word(last) && words.iter().all(|word| is_plain_word(*word))
}

fn is_plain_word(word: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // The high bit of each byte below `least`, and perhaps of some that follow one.
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & HIGH;
    let word = u64::from_le_bytes(word);
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    below(word, 0x20) | quote | backslash == 0
}

/// The members of an object, or the entries of a list.
struct Members<'a> {
    json: &'a mut Vec<u8>,
    is_first: bool,
    close: &'static str,
}

impl Members<'_> {
    fn next(&mut self) -> Writer<'_> {
        if !self.is_first {
            self.json.push(b',');
        }
        self.is_first = false;
        Writer(self.json)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        value.serialize(self.next())
    }

    /// A member of a type of ours, whose name is a word of ours.
    fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotJson> {
        debug_assert!(is_plain(name.as_bytes()), "{name:?} has to be escaped");
        self.next().plain(name, b"\":");
        value.serialize(Writer(self.json))
    }

    fn close(self) {
        self.json.extend_from_slice(self.close.as_bytes());
    }
}

macro_rules! by_serde_json {
    ($($name:ident: $type:ty,)+) => {$(
        fn $name(self, value: $type) -> Result<(), NotJson> {
            self.by_serde_json(&value)
        }
    )+};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = NotJson;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    by_serde_json! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
    }

    fn serialize_bool(self, value: bool) -> Result<(), NotJson> {
        self.word(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), NotJson> {
        self.text(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), NotJson> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), NotJson> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotJson> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotJson> {
        self.word("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotJson> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<(), NotJson> {
        self.text(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotJson> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotJson> {
        let mut object = self.begin(b'{', "}");
        object.member(name, value)?;
        object.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, NotJson> {
        Ok(self.begin(b'[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, NotJson> {
        Ok(self.begin(b'[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, NotJson> {
        Ok(self.begin(b'[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Members<'a>, NotJson> {
        self.begin_variant(name, b'[', "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, NotJson> {
        Ok(self.begin(b'{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, NotJson> {
        Ok(self.begin(b'{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Members<'a>, NotJson> {
        self.begin_variant(name, b'{', "}}")
    }
}

macro_rules! entries {
    ($($trait:ident $method:ident;)+) => {$(
        impl $trait for Members<'_> {
            type Ok = ();
            type Error = NotJson;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
                self.entry(value)
            }

            fn end(self) -> Result<(), NotJson> {
                self.close();
                Ok(())
            }
        }
    )+};
}

macro_rules! members {
    ($($trait:ident)+) => {$(
        impl $trait for Members<'_> {
            type Ok = ();
            type Error = NotJson;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotJson> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), NotJson> {
                self.close();
                Ok(())
            }
        }
    )+};
}

entries! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

members!(SerializeStruct SerializeStructVariant);

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = NotJson;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), NotJson> {
        let writer = self.next();
        let begin = writer.0.len();
        name.serialize(writer)?;
        let is_text = self.json.get(begin) == Some(&b'"');
        is_text.then_some(()).ok_or(NotJson::Name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        self.json.push(b':');
        value.serialize(Writer(self.json))
    }

    fn end(self) -> Result<(), NotJson> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Pair(u8, &'static str);

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Bare,
        Of(i64),
        Both(u8, bool),
        Named { one: Option<u8>, two: char },
    }

    #[derive(Serialize)]
    struct Everything {
        unit: Unit,
        pair: Pair,
        kinds: Vec<Kind>,
        none: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        skipped: Option<u8>,
        numbers: (i8, u64, i128, f64, f64),
        #[serde(flatten)]
        more: BTreeMap<&'static str, Value>,
    }

    fn everything() -> Everything {
        let more = json!({"list": [], "object": {"a \"b\"": [1, {}]}, "text": "\u{7f}\u{2028}"});
        Everything {
            unit: Unit,
            pair: Pair(7, "line\nbreak"),
            kinds: vec![
                Kind::Bare,
                Kind::Of(-1),
                Kind::Both(2, false),
                Kind::Named {
                    one: None,
                    two: '"',
                },
            ],
            none: None,
            skipped: None,
            numbers: (i8::MIN, u64::MAX, i128::MIN, 1.0, f64::NAN),
            more: BTreeMap::from([("more", more)]),
        }
    }

    #[test]
    fn given_values_of_every_shape_when_written_then_each_is_as_serde_json_writes_it() {
        let value = everything();

        let written = to_vec(&value).unwrap();

        let expected = serde_json::to_string(&value).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    /// Each byte at each place of a word, and after the last whole one.
    #[test]
    fn given_any_byte_at_any_place_when_written_then_it_is_escaped_where_it_has_to_be() {
        for c in (0..0x180).filter_map(char::from_u32) {
            for before in 0..20 {
                let text = format!("{}{c}b\u{e4}cdefg", "a".repeat(before));

                let written = to_vec(&text).unwrap();

                assert_eq!(written, serde_json::to_vec(&text).unwrap(), "{text:?}");
            }
        }
    }

    #[test]
    fn given_a_member_whose_name_is_no_text_when_written_then_it_is_refused() {
        let refusal = to_vec(&BTreeMap::from([(1, 2)])).expect_err("JSON has no such name");

        assert!(matches!(refusal, NotJson::Name));
    }
}
