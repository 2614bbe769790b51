//! What a policy stands on, as members: the preset, and why it is laxer than that.

use innkeeper_domain::name::Reason;
use innkeeper_domain::policy::{Preset, Reasons, Setting};
use serde::de::{Deserializer, Error, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::members::{Members, members};
use crate::policy::presets;

/// Writes the reasons, if there are any.
pub(super) fn write<M: SerializeMap>(reasons: &Reasons, map: &mut M) -> Result<(), M::Error> {
    if reasons.is_empty() {
        return Ok(());
    }
    map.serialize_entry("reason", &Written(reasons))
}

struct Written<'a>(&'a Reasons);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, reason)| (key, reason.as_str())))
    }
}

pub(super) struct ReadPreset(pub(super) &'static Preset);

impl<'de> Deserialize<'de> for ReadPreset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        presets::find(&word).map(Self).ok_or_else(|| {
            let words: Vec<_> = presets::all().iter().map(|p| p.word.as_str()).collect();
            D::Error::custom(format_args!("expected one of: {}", words.join(", ")))
        })
    }
}

pub(super) struct ReadReasons(pub(super) Reasons);

impl<'de> Deserialize<'de> for ReadReasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReasonsDraft(reasons) = members(deserializer)?;
        Ok(Self(reasons))
    }
}

#[derive(Default)]
struct ReasonsDraft(Reasons);

impl Members for ReasonsDraft {
    fn names() -> &'static [&'static str] {
        Setting::KEYS
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let text: String = map.next_value()?;
        let reason = Reason::parse(&text).map_err(A::Error::custom)?;
        let key = Setting::KEYS.iter().find(|key| **key == name);
        self.0
            .insert(key.expect("only known names are taken"), reason);
        Ok(())
    }
}
