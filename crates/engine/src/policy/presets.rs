//! The presets that come with the program, each read from a file of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use innkeeper_domain::policy::{Preset, Setting};
use serde::Deserialize;

use super::document::terms::Read;

macro_rules! files {
    ($($word:literal = $file:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] = &[
            $(($word, include_str!(concat!("../../presets/", $file)))),*
        ];
    };
}

files! {
    "asvs_l1" = "asvs-l1.toml",
    "asvs_l2" = "asvs-l2.toml",
    "asvs_l3" = "asvs-l3.toml",
    "nist_aal1" = "nist-aal1.toml",
    "nist_aal2" = "nist-aal2.toml",
    "nist_aal3" = "nist-aal3.toml",
    "pci" = "pci.toml",
    "fedramp_high" = "fedramp-high.toml",
}

static PRESETS: LazyLock<Vec<Preset>> =
    LazyLock::new(|| FILES.iter().map(|(word, text)| read(word, text)).collect());

/// All there are, in the order in which a message lists them.
#[must_use]
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this word, such as `asvs_l2`.
#[must_use]
pub fn find(word: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.word == word)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    source: String,
    policy: Read,
    clause: BTreeMap<String, String>,
}

fn read(word: &str, text: &str) -> Preset {
    let File {
        title,
        source,
        policy,
        mut clause,
    } = toml::from_str(text).unwrap_or_else(|error| panic!("preset {word}: {error}"));
    let keys = Setting::KEYS.iter();
    let clauses = keys.filter_map(|key| Some((*key, clause.remove(*key)?)));
    Preset {
        word: word.to_owned(),
        title,
        source,
        asks: policy.0,
        clauses: clauses.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use innkeeper_domain::policy::{Policy, SessionLimit};

    use super::*;

    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn given_each_preset_when_read_then_its_figures_are_those_of_the_standard() {
        let figures = |preset: &Preset| {
            let seconds = |span: Option<Duration>| span.map(|s| s.as_secs());
            (seconds(preset.asks.idle), seconds(preset.asks.absolute))
        };

        let read: Vec<_> = all()
            .iter()
            .map(|p| (p.word.as_str(), figures(p)))
            .collect();

        let expected = [
            ("asvs_l1", (None, Some(30 * DAY))),
            ("asvs_l2", (Some(30 * MINUTE), Some(12 * HOUR))),
            ("asvs_l3", (Some(15 * MINUTE), Some(12 * HOUR))),
            ("nist_aal1", (None, Some(30 * DAY))),
            ("nist_aal2", (Some(HOUR), Some(24 * HOUR))),
            ("nist_aal3", (Some(15 * MINUTE), Some(12 * HOUR))),
            ("pci", (Some(15 * MINUTE), None)),
            ("fedramp_high", (Some(15 * MINUTE), Some(12 * HOUR))),
        ];
        assert_eq!(read, expected);
        let seats = find("fedramp_high").and_then(|preset| preset.asks.max_sessions);
        assert_eq!(seats, SessionLimit::new(2));
    }

    #[test]
    fn given_each_preset_when_looked_at_then_every_figure_has_its_clause_and_nothing_else_has() {
        for preset in all() {
            let keys = Setting::KEYS.iter().copied();
            let asked: BTreeSet<_> = keys.filter(|key| preset.asks.sets(key)).collect();

            let with_clause: BTreeSet<_> = preset.clauses.keys().copied().collect();

            assert_eq!(with_clause, asked, "{}", preset.word);
            assert!(preset.source.starts_with("https://"), "{}", preset.word);
        }
    }

    #[test]
    fn given_each_preset_alone_when_it_is_a_policy_then_nothing_is_wrong_with_it() {
        for preset in all() {
            let policy = Policy {
                preset: Some(preset),
                terms: Policy::base(Some(preset)),
                ..Policy::default()
            };

            assert!(policy.faults().is_empty(), "{}", preset.word);
            assert!(policy.warnings().is_empty(), "{}", preset.word);
        }
    }
}
