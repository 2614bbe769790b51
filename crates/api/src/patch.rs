//! What a patch says of one member: leave it, clear it, or set it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The wish for one member of a patch.
///
/// An absent member and one that is `null` mean different things, and `Option` would make them
/// one. In any other request `null` is refused. Use it with `#[serde(default, skip_serializing_if = "Change::is_absent")]`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Change<T> {
    /// The member was not named: what is known stays.
    #[default]
    Absent,
    /// The member was `null`: what is known goes.
    Cleared,
    /// The member has a new value.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the patch leaves the member alone.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same wish, for what `f` makes of the value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Absent => Change::Absent,
            Self::Cleared => Change::Cleared,
            Self::Set(value) => Change::Set(f(value)),
        }
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Cleared => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Called only for a member that is there; the absent one is the default.
        Ok(match Option::deserialize(deserializer)? {
            None => Self::Cleared,
            Some(value) => Self::Set(value),
        })
    }
}
