//! What we know of frameworks, read from data files.
//!
//! A framework file says how a framework is recognised, which of its calls are facts, and which
//! defaults hold from which version on. Code does not name frameworks; these files do.

use std::sync::OnceLock;

use innkeeper_report::Confidence;
use serde::Deserialize;

use crate::fact::{Kind, Subject};

/// The framework files, compiled in: the binary reads nothing but what it is pointed at.
const FILES: &[(&str, &str)] = &include!("frameworks.in");

/// One framework.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Framework {
    pub(crate) name: String,
    /// Raised whenever the knowledge changes, so that a report can be told from an older one.
    #[expect(
        dead_code,
        reason = "every file has to state it; no report prints it yet"
    )]
    pub(crate) version: u32,
    pub(crate) languages: Vec<String>,
    /// Packages whose presence in a manifest means the framework is in use.
    #[serde(default)]
    pub(crate) packages: Vec<String>,
    /// Packages that are the framework itself: a tree of one of these is a library.
    #[serde(default)]
    pub(crate) itself: Vec<String>,
    /// Imports that mean the same for one file.
    #[serde(default)]
    pub(crate) imports: Vec<String>,
    /// Strings that calls of the unit hand over, for what is used over HTTP: all have to be there.
    #[serde(default)]
    pub(crate) texts: Vec<String>,
    /// Paths of what belongs to this framework, whatever else reads meaning into them.
    #[serde(default)]
    pub(crate) own: Vec<String>,
    /// Its sessions are sealed into a cookie, unless a store is made for them.
    #[serde(default)]
    pub(crate) sealed: bool,
    /// Calls or assignments that make such a store.
    #[serde(default)]
    pub(crate) stored_by: Vec<Needle>,
    /// Packages that bring one.
    #[serde(default)]
    pub(crate) stored_by_package: Vec<String>,
    /// Calls whose names only look like a word on sessions.
    #[serde(default)]
    pub(crate) unrelated: Vec<String>,
    /// Names by which a function hears of every sign-in: signals, events, hooks.
    #[serde(default)]
    pub(crate) sign_in_hooks: Vec<String>,
    #[serde(default)]
    pub(crate) fact: Vec<Pattern>,
    #[serde(default)]
    pub(crate) default: Vec<DefaultFact>,
    #[serde(default)]
    pub(crate) remedy: std::collections::BTreeMap<String, String>,
}

/// A shape of code that is a fact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    pub(crate) kind: Kind,
    /// Paths of calls.
    #[serde(default)]
    pub(crate) call: Vec<String>,
    /// Strings of which a call has to hand one over, or a name of the module has to hold one.
    #[serde(default)]
    pub(crate) text: Vec<String>,
    /// Paths that are assigned to.
    #[serde(default)]
    pub(crate) target: Vec<String>,
    /// Annotations.
    #[serde(default)]
    pub(crate) annotation: Vec<String>,
    /// Settings, by the end of their key.
    #[serde(default)]
    pub(crate) setting: Vec<String>,
    /// Classes, by what they extend; the fact stands in their methods.
    #[serde(default)]
    pub(crate) extends: Vec<String>,
    /// Keys in an object or keyword arguments.
    #[serde(default)]
    pub(crate) pair: Vec<String>,
    /// Calls of which one has to be handed the pair; empty for any or none.
    #[serde(default)]
    pub(crate) within: Vec<String>,
    /// Words of which one has to be among the arguments or in the value.
    #[serde(default)]
    pub(crate) mentions: Vec<String>,
    /// Words of which none may be in the path, the arguments or the function's name.
    #[serde(default)]
    pub(crate) unless: Vec<String>,
    /// Calls of which the unit has to make one for this to hold; see [`Needle`].
    #[serde(default)]
    pub(crate) given_call: Vec<Needle>,
    /// Calls of which the unit may make none for this to hold.
    #[serde(default)]
    pub(crate) unless_call: Vec<Needle>,
    #[serde(default = "sure")]
    pub(crate) confidence: Confidence,
    #[serde(default)]
    pub(crate) subject: Subject,
    /// Identity is written into a session that keeps its id unless something renews it.
    #[serde(default)]
    pub(crate) keeps_id: bool,
    /// A value in the arguments that means the control is off: the fact becomes its opposite.
    #[serde(default)]
    pub(crate) off: Vec<String>,
    #[serde(default)]
    pub(crate) note: String,
}

/// A fact that holds because the framework is there, in a range of versions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultFact {
    pub(crate) kind: Kind,
    /// Empty for what is used over HTTP and has no package.
    #[serde(default)]
    pub(crate) package: String,
    /// First version that has it.
    #[serde(default)]
    pub(crate) from: String,
    /// It holds too where no version is stated: those without it are long out of support.
    #[serde(default)]
    pub(crate) unstated: bool,
    /// Lists that may hold nothing else, where the unit has them: a path and one of its strings.
    #[serde(default)]
    pub(crate) within: Vec<Needle>,
    /// Only if the unit also shows this kind of fact from this framework.
    pub(crate) given: Option<Kind>,
    /// Calls of which the unit has to make one for this to hold; it is placed there.
    #[serde(default)]
    pub(crate) given_call: Vec<Needle>,
    #[serde(default = "sure")]
    pub(crate) confidence: Confidence,
    /// Calls of which the unit may make none for this to hold.
    #[serde(default)]
    pub(crate) unless_call: Vec<Needle>,
    #[serde(default)]
    pub(crate) note: String,
}

/// A call anywhere in the unit, or a place that is given a value: a path, and after a space a name
/// that is handed over, in a closure or by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Needle {
    pub(crate) path: String,
    pub(crate) name: String,
}

impl From<String> for Needle {
    fn from(text: String) -> Self {
        let (path, name) = text.split_once(' ').unwrap_or((&text, ""));
        Self {
            path: path.to_owned(),
            name: name.to_owned(),
        }
    }
}

const fn sure() -> Confidence {
    Confidence::Sure
}

/// Every framework file, read once.
pub(crate) fn frameworks() -> &'static [Framework] {
    static READ: OnceLock<Vec<Framework>> = OnceLock::new();
    READ.get_or_init(|| {
        let read = |(name, text): &(&str, &str)| {
            toml::from_str(text).unwrap_or_else(|error| panic!("frameworks/{name}.toml: {error}"))
        };
        FILES.iter().map(read).collect()
    })
}

/// Is version `have`, as a manifest states it, at least `want`?
///
/// Only the first version in a range counts: that is the oldest one that may be installed. A
/// version that cannot be read, such as `*` or one kept elsewhere, is not known to have anything.
pub(crate) fn at_least(have: &str, want: &str) -> bool {
    if want.is_empty() {
        return true;
    }
    let numbers = |text: &str| -> Vec<u64> {
        text.chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect::<String>()
            .split('.')
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    let have = numbers(have);
    !have.is_empty() && have >= numbers(want)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn given_the_folder_of_frameworks_when_listed_then_every_file_is_compiled_in_and_has_three_fixtures()
     {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed: BTreeSet<String> = fs::read_dir(here.join("frameworks"))
            .expect("the folder is there")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        let compiled: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();

        assert_eq!(listed, compiled);
        for framework in frameworks() {
            assert!(
                compiled.contains(&framework.name),
                "{} is not named after its file",
                framework.name
            );
            for fixture in ["vulnerable", "secure", "look-alike"] {
                let folder = here
                    .join("tests/fixtures")
                    .join(&framework.name)
                    .join(fixture);
                assert!(
                    folder.is_dir(),
                    "{} has no {fixture} fixture",
                    framework.name
                );
            }
        }
    }

    #[test]
    fn given_versions_as_manifests_write_them_when_compared_then_the_oldest_allowed_decides() {
        assert!(at_least("^0.6.0", "0.6"));
        assert!(at_least(">=1.2, <3", "1.0"));
        assert!(!at_least("~0.5.3", "0.6"));
        assert!(!at_least("*", "0.6"));
        assert!(!at_least("", "0.6"));
        assert!(at_least("", ""));
    }
}
