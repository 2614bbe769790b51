//! Terms as members of an object, by the domain's table of keys.

use std::marker::PhantomData;
use std::time::Duration;

use innkeeper_domain::budget::Budget;
use innkeeper_domain::policy::{Bounds, SessionLimit, Setting, VisitTerms, Word};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::members::{Members, members};

/// Writes what is set.
pub(super) fn write<M: SerializeMap>(mut set: Setting, map: &mut M) -> Result<(), M::Error> {
    let mut writing = Writing {
        map,
        outcome: Ok(()),
    };
    set.visit(&mut writing);
    writing.outcome
}

struct Writing<'m, M: SerializeMap> {
    map: &'m mut M,
    outcome: Result<(), M::Error>,
}

impl<M: SerializeMap> Writing<'_, M> {
    fn entry<T: Serialize>(&mut self, key: &'static str, value: Option<T>) {
        if let (Some(value), Ok(())) = (value, &self.outcome) {
            self.outcome = self.map.serialize_entry(key, &value);
        }
    }
}

impl<M: SerializeMap> VisitTerms for Writing<'_, M> {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        self.entry(key, slot.map(Count));
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, _: Bounds) {
        self.entry(key, slot.map(|span| span.as_secs()));
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        self.entry(key, slot.map(OneWord));
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        self.entry(key, slot.map(SignIns));
    }
}

/// Terms from an object of their own.
pub(in crate::policy) struct Read(pub(in crate::policy) Setting);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TermsDraft(set) = members(deserializer)?;
        Ok(Self(set))
    }
}

#[derive(Default)]
struct TermsDraft(Setting);

impl Members for TermsDraft {
    fn names() -> &'static [&'static str] {
        Setting::KEYS
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        take(&mut self.0, name, map)
    }
}

/// Reads the value of the key of this name.
pub(super) fn take<'de, A: MapAccess<'de>>(
    set: &mut Setting,
    name: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    let mut reading = Reading {
        name,
        map,
        outcome: Ok(()),
        of: PhantomData,
    };
    set.visit(&mut reading);
    reading.outcome
}

struct Reading<'m, 'de, A: MapAccess<'de>> {
    name: &'m str,
    map: &'m mut A,
    outcome: Result<(), A::Error>,
    of: PhantomData<&'de ()>,
}

impl<'de, A: MapAccess<'de>> Reading<'_, 'de, A> {
    fn value<S: DeserializeSeed<'de>>(&mut self, key: &str, kind: S, keep: impl FnOnce(S::Value)) {
        if self.name == key {
            self.outcome = self.map.next_value_seed(kind).map(keep);
        }
    }
}

impl<'de, A: MapAccess<'de>> VisitTerms for Reading<'_, 'de, A> {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        let kind = PhantomData::<Count>;
        self.value(key, kind, |Count(limit)| *slot = Some(limit));
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, bounds: Bounds) {
        self.value(key, Seconds(bounds), |span| *slot = Some(span));
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        let kind = PhantomData::<OneWord<W>>;
        self.value(key, kind, |OneWord(word)| *slot = Some(word));
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        let kind = PhantomData::<SignIns>;
        self.value(key, kind, |SignIns(budget)| *slot = Some(budget));
    }
}

/// A span within bounds, in whole seconds.
struct Seconds(Bounds);

impl<'de> DeserializeSeed<'de> for Seconds {
    type Value = Duration;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Duration, D::Error> {
        let Bounds { least, most } = self.0;
        let span = Duration::from_secs(u64::deserialize(deserializer)?);
        if (least..=most).contains(&span) {
            return Ok(span);
        }
        let (least, most) = (least.as_secs(), most.as_secs());
        Err(D::Error::custom(format_args!(
            "expected whole seconds, {least} to {most}"
        )))
    }
}

/// A number of sessions.
pub(super) struct Count(pub(super) SessionLimit);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.get() as u64)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = SessionLimit::new(u64::deserialize(deserializer)?);
        let most = SessionLimit::MAX.get();
        limit.map(Self).ok_or_else(|| {
            D::Error::custom(format_args!(
                "expected a whole number, 1 to {most}; there is no unlimited"
            ))
        })
    }
}

/// A number of sign-ins in a span of time, as a text.
struct SignIns(Budget);

impl Serialize for SignIns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SignIns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Budget::parse(&text)
            .map(Self)
            .map_err(|_| D::Error::custom(format_args!("expected {}", Budget::FORM)))
    }
}

/// One of a few words.
pub(super) struct OneWord<W>(pub(super) W);

impl<W: Word> Serialize for OneWord<W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, W: Word> Deserialize<'de> for OneWord<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        W::of_word(&word).map(Self).ok_or_else(|| {
            let words: Vec<_> = W::WORDS.iter().map(|(word, _)| *word).collect();
            D::Error::custom(format_args!("expected one of: {}", words.join(", ")))
        })
    }
}
