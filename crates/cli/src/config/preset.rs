//! The preset in the file, and the reasons for what is laxer than it asks.

use innkeeper_domain::policy::{Preset, Reasons, Setting};

use super::effective::Lines;
use super::kinds::{Kind, Sentence, Standard, hyphenated};
use super::policy::literal;
use super::problem::{Fault, Origin, Problems};
use super::read::{Origins, Reader};
use super::schema::Section;
use super::walk::Entries;

/// The key of `[policy]` that is no term: the standard that it keeps to.
pub(super) struct Standing(pub(super) Option<&'static Preset>);

impl Section for Standing {
    const KEYS: &'static [&'static str] = &["preset"];

    fn read(from: &mut Reader<'_, '_>) -> Self {
        Self(from.take("preset", &Standard))
    }

    fn write(&self, to: &mut Lines<'_>) {
        let word = self.0.and_then(|preset| Standard.literal(&preset));
        to.line("preset", word);
    }
}

/// `[policy.reason]`: why keys are laxer than the preset asks.
pub(super) struct Explained(pub(super) Reasons);

impl Section for Explained {
    const KEYS: &'static [&'static str] = Setting::KEYS;

    fn read(from: &mut Reader<'_, '_>) -> Self {
        let keys = Self::KEYS.iter();
        let taken = keys.filter_map(|key| Some((*key, from.take(key, &Sentence)?)));
        Self(taken.collect())
    }

    fn write(&self, to: &mut Lines<'_>) {
        for (key, reason) in &self.0 {
            to.line(key, Sentence.literal(reason));
        }
    }
}

/// Where what a preset sets came from, unless somebody set it otherwise.
pub(super) fn note_origins(preset: &Preset, origins: &mut Origins) {
    for (key, clause) in &preset.clauses {
        let origin = Origin::Preset {
            word: hyphenated(&preset.word),
            clause: clause.clone(),
        };
        origins.entry(format!("policy.{key}")).or_insert(origin);
    }
}

/// Notes what is laxer than the preset asks without a reason why.
///
/// `section` is `policy` or `policy.rule`, and `set` what was written there.
pub(super) fn laxer_needs_reason(
    section: &str,
    set: Setting,
    preset: &Preset,
    entries: &Entries<'_>,
    problems: &mut Problems,
) {
    for key in set.laxer_than(preset.asks) {
        // A reason that was refused was written all the same, and that was said already.
        let reason = format!("{section}.reason.{key}");
        if entries.written().any(|written| written == reason) {
            continue;
        }
        let full = format!("{section}.{key}");
        let Some(found) = entries.values(&full).last() else {
            continue;
        };
        let word = hyphenated(&preset.word);
        let (value, asked) = (literal(set, key), literal(preset.asks, key));
        let how = if section == "policy" {
            format!("[policy.reason] with {key} = \"…\"")
        } else {
            format!("reason.{key} = \"…\" in the same [[{section}]]")
        };
        problems.note(&found.origin, full, || Fault::Laxer {
            found: value,
            asked: format!(
                "{asked} that preset {word} asks for ({}, {})",
                preset.title,
                preset.clause(key)
            ),
            how,
        });
    }
}
