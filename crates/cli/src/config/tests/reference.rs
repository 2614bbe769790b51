//! The reference of the book: every key that there is, with its default, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::known::Known;
use super::super::unavailable::{NOT_YET, Refused};
use super::super::{Config, Doors};

/// What the chapter says of a section of which a build without the feature refuses the keys.
const OF_OTEL: &str = "Only in a build with the feature `otel`";

/// Which keys of the chapter are meant.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Build {
    /// Those of every build.
    Any,
    /// Those that only a build with the feature takes.
    WithOtel,
}

/// The keys of the chapter, in full, each with the second cell of its row.
fn told(of: Build) -> BTreeMap<String, String> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book");
    let chapter = std::fs::read_to_string(book.join("configuration.md")).expect("it is there");
    let mut section = String::new();
    let mut build = Build::Any;
    let mut keys = BTreeMap::new();
    for line in chapter.lines() {
        if let Some(title) = line.strip_prefix("## `") {
            section = title.trim_matches(['[', ']', '`']).to_owned();
            build = Build::Any;
        } else if line.starts_with(OF_OTEL) {
            build = Build::WithOtel;
        } else if let (true, Some(row)) = (build == of, line.strip_prefix("| `")) {
            let (key, rest) = row.split_once("` | ").expect("a key has further cells");
            let (second, _) = rest.split_once(" | ").expect("a key has a meaning");
            let before = keys.insert(format!("{section}.{key}"), second.to_owned());
            assert_eq!(before, None, "{key} is told twice");
        }
    }
    keys
}

/// The keys that can be set: those of what is not built yet are refused, and a rule takes those of
/// the policy.
fn known() -> BTreeSet<String> {
    let is_refused = |key: &str| {
        NOT_YET.iter().any(|line| match line.refused {
            Refused::Words(_) => false,
            Refused::AllBut(_) => line.key == key,
            Refused::Table(_) | Refused::Rows(_) => key
                .strip_prefix(line.key)
                .is_some_and(|k| k.starts_with('.')),
        })
    };
    let is_said_in_words = |key: &str| {
        let rest = key.strip_prefix("policy.rule.").unwrap_or("when.");
        key.contains(".reason.") || !rest.starts_with("when.")
    };
    let known = Known::gather();
    let keys = known
        .all()
        .filter(|key| !is_refused(key) && !is_said_in_words(key));
    keys.map(str::to_owned).collect()
}

/// The keys that this build takes or refuses because of the feature.
#[cfg(not(feature = "otel"))]
fn known_with_otel() -> BTreeSet<String> {
    use super::super::unavailable::OTEL;
    let lines = NOT_YET.iter().filter(|line| line.what == OTEL);
    lines.map(|line| line.key.to_owned()).collect()
}

#[cfg(feature = "otel")]
fn known_with_otel() -> BTreeSet<String> {
    let is_of_otel = |key: &String| key.starts_with("telemetry.");
    known().into_iter().filter(is_of_otel).collect()
}

#[test]
fn given_the_reference_in_the_book_when_compared_then_it_tells_every_key_and_no_other() {
    let told: [BTreeSet<String>; 2] =
        [Build::Any, Build::WithOtel].map(|of| told(of).into_keys().collect());

    let with_otel = known_with_otel();
    let known: BTreeSet<String> = known().difference(&with_otel).cloned().collect();

    assert!(known.len() > 20, "few keys are known: {known:?}");
    assert!(!with_otel.is_empty());
    assert_eq!(told, [known, with_otel]);
}

#[test]
fn given_the_reference_in_the_book_when_nothing_is_set_then_the_defaults_are_those_it_tells() {
    let config = Config::load(Doors::default()).expect("no setting is wrong");
    let mut section = String::new();
    let mut defaults = BTreeMap::new();
    for line in config.effective_toml().lines() {
        if let Some(title) = line.strip_prefix('[') {
            section = title.trim_end_matches(']').to_owned();
        } else if let Some((key, rest)) = line.split_once(" = ") {
            let (value, _) = rest.split_once("   #").expect("it says whence it came");
            defaults.insert(format!("{section}.{key}"), value.to_owned());
        }
    }

    let mut all_told = told(Build::Any);
    if cfg!(feature = "otel") {
        all_told.extend(told(Build::WithOtel));
    }
    for (key, told) in all_told {
        let lists = [
            "gateway.provider.",
            "gateway.public.",
            "policy.rule.",
            "policy.limit.",
            "policy.tenant.",
        ];
        if !lists.iter().any(|list| key.starts_with(list)) {
            let default = defaults.remove(&key);
            let default = default.map_or("–".to_owned(), |value| format!("`{value}`"));
            assert_eq!(told, default, "{key}");
        }
    }
    assert!(defaults.is_empty(), "not told: {defaults:?}");
}
