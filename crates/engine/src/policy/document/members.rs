//! Objects and lists, held to what they may hold.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// What is read from an object whose members are all known, each at most once.
pub(super) trait Members: Default {
    /// The members that there are.
    fn names() -> &'static [&'static str];

    /// Reads the value of the member of this name, which is one of them.
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Names that are put together once.
pub(super) type Names = LazyLock<Vec<&'static str>>;

/// Reads an object, and nothing but an object.
pub(super) fn members<'de, T: Members, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_map(MembersVisitor(PhantomData))
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Members> Visitor<'de> for MembersVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut read = T::default();
        let mut seen = Vec::new();
        while let Some(found) = map.next_key::<Cow<'_, str>>()? {
            let known = T::names().iter().find(|name| **name == found);
            let Some(name) = known else {
                return Err(A::Error::unknown_field(&found, T::names()));
            };
            if seen.contains(name) {
                return Err(A::Error::duplicate_field(name));
            }
            seen.push(*name);
            read.take(name, &mut map)?;
        }
        Ok(read)
    }
}

/// A list of so many.
pub(super) struct Many<T, const MIN: usize, const MAX: usize>(pub(super) Vec<T>);

impl<T, const MIN: usize, const MAX: usize> Many<T, MIN, MAX> {
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Vec<U> {
        self.0.into_iter().map(change).collect()
    }
}

impl<'de, T, const MIN: usize, const MAX: usize> Deserialize<'de> for Many<T, MIN, MAX>
where
    T: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ManyVisitor(PhantomData))
    }
}

struct ManyVisitor<T, const MIN: usize, const MAX: usize>(PhantomData<T>);

impl<'de, T, const MIN: usize, const MAX: usize> Visitor<'de> for ManyVisitor<T, MIN, MAX>
where
    T: Deserialize<'de>,
{
    type Value = Many<T, MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {MIN} to {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(next) = seq.next_element()? {
            if list.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            list.push(next);
        }
        if list.len() < MIN {
            return Err(A::Error::invalid_length(list.len(), &self));
        }
        Ok(Many(list))
    }
}

/// One word, or a list of 1 to so many.
pub(super) struct OneOrMany<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> OneOrMany<T, MAX> {
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Vec<U> {
        self.0.into_iter().map(change).collect()
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for OneOrMany<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for OneOrManyVisitor<T, MAX> {
    type Value = OneOrMany<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a word or a list of 1 to {MAX}")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        let word: StrDeserializer<'_, E> = word.into_deserializer();
        T::deserialize(word).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let Many(list) = ManyVisitor::<T, 1, MAX>(PhantomData).visit_seq(seq)?;
        Ok(OneOrMany(list))
    }
}
