//! Kinds made of other kinds: left out, or several at once.

use innkeeper_domain::policy::Condition;

use super::{Kind, Refusal};
use crate::config::raw::Raw;

/// A value that may be left out.
pub(in super::super) struct Maybe<K>(pub(in super::super) K);

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;

    fn read(&self, raw: Raw<'_>) -> Result<Self::Value, Refusal> {
        self.0.read(raw).map(Some)
    }

    fn accepts(&self) -> String {
        self.0.accepts()
    }

    fn literal(&self, value: &Self::Value) -> Option<String> {
        value.as_ref().and_then(|value| self.0.literal(value))
    }
}

/// One value or a list of them, of which any will do; empty only if it was left out.
pub(in super::super) struct AnyOf<K>(pub(in super::super) K);

impl<K: Kind> Kind for AnyOf<K> {
    type Value = Vec<K::Value>;

    fn read(&self, raw: Raw<'_>) -> Result<Self::Value, Refusal> {
        let Some(members) = raw.members() else {
            return self.0.read(raw).map(|one| vec![one]);
        };
        let values = members
            .map(|m| self.0.read(m))
            .collect::<Result<Vec<_>, _>>()?;
        if values.len() > Condition::LISTED_MAX {
            let most = Condition::LISTED_MAX;
            return Err(Refusal::of(raw).because(format!("at most {most} can be listed")));
        }
        if values.is_empty() {
            return Err(Refusal::of(raw).because("an empty list would match nothing"));
        }
        Ok(values)
    }

    fn accepts(&self) -> String {
        format!("{}, or a list of such", self.0.accepts())
    }

    fn literal(&self, value: &Self::Value) -> Option<String> {
        let literals: Vec<_> = value.iter().filter_map(|v| self.0.literal(v)).collect();
        (!literals.is_empty()).then(|| format!("[{}]", literals.join(", ")))
    }
}
